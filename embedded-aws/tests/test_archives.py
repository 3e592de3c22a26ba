"""Archives of customers: plain files come out of them, or nothing does."""

import gzip
import io
import stat
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embedded_aws.archives import ArchiveError, unpack
from embedded_aws.training.artifacts import pack

MIB = 1 << 20


def packed(*members, form=tarfile.PAX_FORMAT):
    """A gzipped archive of ``(name, content, changes of its header)``."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=form) as tar:
        for name, content, *changes in members:
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            for key, value in (changes[0] if changes else {}).items():
                setattr(entry, key, value)
            tar.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def kind(word, target=""):
    return {"type": word, "linkname": target}


GOOD = packed(("train.py", b"print(1)"), ("code/inference.py", b"x" * 5_000))


def attributes(**said):
    return packed(("a", b"x", {"pax_headers": {k.replace("__", "."): v for k, v in said.items()}}))


def flood(header, content, times):
    """A header that says how much follows, and as much."""
    entry = tarfile.TarInfo(header[0])
    entry.type, entry.size = header[1], len(content) * times
    body = entry.tobuf(tarfile.GNU_FORMAT) + content * times
    return gzip.compress(body, 1)


def changed(content, at):
    damaged = bytearray(content)
    damaged[at] ^= 4
    return bytes(damaged)


# What takes long to make is made by its own case, not by every process that collects.
BAD = {
    "nothing": (b"", "cut off after 0 bytes"),
    "text": (b"no archive", "not gzipped"),
    "not gzipped": (gzip.decompress(GOOD), "not gzipped"),
    "cut off": (GOOD[:-9], "cut off"),
    "without end": (gzip.compress(gzip.decompress(GOOD)[:1024]), "ends too early"),
    "damaged": (changed(GOOD, len(GOOD) // 2), "damaged"),
    "another checksum": (changed(GOOD, -6), "damaged"),
    "two of them": (GOOD + GOOD, "something follows"),
    "one after the other": (gzip.compress(gzip.decompress(GOOD) * 2), "something follows"),
    "symbolic link": (packed(("a", b"", kind(tarfile.SYMTYPE, "/etc"))), '"a" is a link'),
    "link inside": (packed(("a", b"", kind(tarfile.SYMTYPE, "train.py"))), '"a" is a link'),
    "hard link": (packed(("a", b""), ("b", b"", kind(tarfile.LNKTYPE, "a"))), '"b" is a link'),
    "device": (packed(("a", b"", kind(tarfile.CHRTYPE))), "a device"),
    "pipe": (packed(("a", b"", kind(tarfile.FIFOTYPE))), "a device"),
    "unknown": (packed(("a", b"", kind(b"Z"))), '"a" is a link, a device'),
    "sparse": (attributes(GNU__sparse__major="1"), "sparse"),
    "absolute": (packed(("/etc/cron", b"")), '"/etc/cron" would lie outside'),
    "up": (packed(("code/../../x", b"")), "would lie outside"),
    "empty": (packed(("", b"")), "no name of a file"),
    "control": (packed(("a\x1bb", b"")), r'"a\\x1bb" has control characters'),
    "end of a line": (packed(("a\u2028b", b"")), "has control characters"),
    "long": (packed(("a" * 1_100, b"")), "too long"),
    "long part": (packed(("a" * 256, b"")), "too long"),
    "deep": (packed(("a/" * 33 + "a", b"")), "too deep"),
    "twice": (packed(("a", b""), ("./a", b"")), "there twice"),
    "in capitals": (packed(("a", b""), ("A", b"")), '"A" is there twice, or "a" beside it'),
    "composed": (packed(("\u00e9", b""), ("e\u0301", b"")), "there twice"),
    "file and folder": (packed(("a", b""), ("a/b", b"")), "there twice"),
    "another size": (attributes(size="0"), "bytes"),
    "no size": (attributes(size="-1"), "bytes"),
    "long name": (lambda: flood(("x", b"L"), b"a" * MIB, 64), "a header has 67,108,864 bytes"),
    "attributes": (lambda: flood(("x", b"x"), b"a" * MIB, 64), "a header has 67,108,864 bytes"),
    "many attributes": (attributes(**{f"k{n}": "v" for n in range(101)}), "over 100 attributes"),
    "zeros": (lambda: packed(("zeros", bytes(80 * MIB))), "over 200 times its size"),
    "many": (lambda: packed(*((str(n), b"") for n in range(20_001))), "over 20,000 files"),
}


@pytest.mark.parametrize("case", BAD)
def test_one_that_is_not_let_in_is_told_and_leaves_nothing(case, tmp_path):
    content, words = BAD[case]
    content = content if isinstance(content, bytes) else content()
    with pytest.raises(ArchiveError, match=words):
        unpack(io.BytesIO(content), tmp_path / "deep" / "model")
    assert [path.name for path in tmp_path.rglob("*")] == ["deep"]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_what_customers_pack_is_let_in(form, tmp_path):
    source = tmp_path / "source"
    deep = source / ("d" * 60) / ("e" * 80)
    deep.mkdir(parents=True)
    (deep / "weights.bin").write_bytes(b"w" * 300_000)
    (source / "train.sh").write_text("#!/bin/sh\n")
    (source / "train.sh").chmod(0o755)
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=form) as tar:
        tar.add(source, ".")
    out.seek(0)
    (tmp_path / "code").mkdir()
    unpack(out, tmp_path / "code")
    assert (tmp_path / "code" / deep.relative_to(source) / "weights.bin").stat().st_size == 300_000
    assert stat.S_IMODE((tmp_path / "code" / "train.sh").stat().st_mode) & 0o7700 == 0o700


def test_what_a_job_leaves_is_packed_without_hard_links(tmp_path):
    left = tmp_path / "model"
    left.mkdir()
    (left / "best.bin").write_text("weights")
    (left / "last.bin").hardlink_to(left / "best.bin")
    assert pack([left], tmp_path / "model.tar.gz")
    with (tmp_path / "model.tar.gz").open("rb") as file:
        unpack(file, tmp_path / "out")
    texts = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert texts == {"best.bin": "weights", "last.bin": "weights"}


def test_a_folder_that_has_something_is_kept(tmp_path):
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "mine").write_text("kept")
    with pytest.raises(OSError, match="not empty"):
        unpack(io.BytesIO(GOOD), tmp_path / "code")
    assert [path.name for path in tmp_path.rglob("*")] == ["code", "mine"]


PARTS = st.sampled_from(["a", "b", "A", ".", "..", "", "victim", "é", "e\u0301", "x" * 200])
NAMES = st.lists(PARTS, min_size=1, max_size=5).map("/".join)
KINDS = st.sampled_from([tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE])
TARGETS = st.sampled_from(["..", "../..", "../victim", "a", "/", "."])


@given(st.lists(st.tuples(NAMES, KINDS, TARGETS), max_size=6))
@settings(max_examples=60, deadline=None)
def test_nothing_is_written_outside_whatever_the_members_are(tmp_path_factory, members):
    place = tmp_path_factory.mktemp("place")
    (place / "victim").write_text("before")
    content = packed(*((name, b"", kind(word, target)) for name, word, target in members))
    try:
        unpack(io.BytesIO(content), place / "model")
    except ArchiveError:
        assert [path.name for path in place.rglob("*")] == ["victim"]
    else:
        assert not any(path.is_symlink() for path in place.rglob("*"))
        assert {path.name for path in place.iterdir()} == {"victim", "model"}
    assert (place / "victim").read_text() == "before"
