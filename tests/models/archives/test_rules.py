"""Each rule refuses in one sentence that names the member, the value, the bound and what to do."""

import gzip
import io
import tarfile

import pytest

from benchmarks.security.packing import END, GOOD, attributes, header, member, packed
from models.runtime.archives.bounds import ArchiveBounds, ArchiveRefused, shown
from models.runtime.archives.documents import LARGEST, MOST_VALUES, document
from models.runtime.archives.reading import members

SMALL = ArchiveBounds(total=20_000, members=8, name=60, depth=4, header=100, ratio=5, free=30_000)


def refused(content, bounds=SMALL):
    with pytest.raises(ArchiveRefused) as error:
        [item.read() for item in members(io.BytesIO(content), bounds)]
    said = error.value
    assert said.next_step.endswith(".")
    assert "\n" not in str(said)
    assert len(str(said)) < 500
    return said


CASES = {
    "link": (member(b"a", b"", b"2", b"/etc"), 'member "a" is a symbolic link to "/etc"', "place"),
    "hard": (member(b"a", b"", b"1", b"b"), 'member "a" is a hard link to "b"', "place"),
    "device": (member(b"a", b"", b"3"), 'member "a" is a device', "place"),
    "pipe": (member(b"a", b"", b"6"), 'member "a" is a named pipe', "place"),
    "type": (member(b"a", b"", b"Z"), "is of an unknown type (b'Z')", "place"),
    "sparse": (member(b"a", b"", b"S"), "is a sparse file", "place"),
    "sparse, pax": (attributes((b"GNU.sparse.major", b"1")) + member(b"a"), "sparse", "place"),
    "global": (attributes((b"path", b"z"), kind=b"g") + member(b"a"), "name all files", "place"),
    "absolute": (member(b"/etc/cron"), 'member "/etc/cron" has an absolute name', "place"),
    "up": (member(b"code/../../x"), "leads out of its folder (..)", "place"),
    "empty": (member(b""), "has an empty name", "place"),
    "control": (member(b"a\x1b[2J"), 'member "a\\x1b[2J" has control characters', "place"),
    "bytes": (member(b"a\xff"), 'member "a\\udcff" has control characters', "place"),
    "long": (member(b"a" * 61), "has a name of 61 bytes, over 60", "place"),
    "deep": (member(b"a/b/c/d/e"), "lies 5 folders deep, over 4", "place"),
    "slash": (member(b"a/"), "is a file and named as a folder", "place"),
    "twice": (member(b"preprocess.json"), '"preprocess.json" is named twice', "place"),
    "case": (member(b"Bundle.json"), 'differs from "bundle.json" only by case', "place"),
    "both": (member(b"bundle.json/a"), 'makes "bundle.json" a file and a folder', "place"),
    "many": (b"".join(member(b"%d" % n) for n in range(9)), "more than 8 files", "size"),
    "implied": (member(b"a/b/c") + member(b"d/e/f"), "more than 8 files and folders", "size"),
    "large": (member(b"w.bin", bytes(20_000)), '"w.bin" of 20,000 bytes there are', "size"),
    "long header": (member(b"x", b"a" * 101, b"L"), "long name of 101 bytes", "size"),
    "attributes": (attributes((b"k", b"v" * 200)), "attributes of 2", "size"),
    "negative": (header(b"a", b"\xff" * 12), 'member "a" has -1 bytes', "broken"),
    "two sizes": (attributes((b"size", b"9")) + member(b"a"), "has 1 bytes, or 9 by", "broken"),
    "checksum": (b"a" * 512, "a header is damaged", "broken"),
    "lone name": (member(b"x", b"a", b"L"), "ends after a long name", "broken"),
    "after": (END + member(b"a"), "something follows after the last member", "broken"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_rule_is_told_with_what_broke_it(case):
    part, words, rule = CASES[case]
    said = refused(packed(part))
    assert words in said.what
    assert said.rule == rule


FILES = {
    "nothing": (b"", "cut off after 0 bytes"),
    "text": (b"hello", "its bytes are damaged, or no gzip"),
    "cut off": (packed()[:-5], "it is cut off after"),
    "no end": (gzip.compress(GOOD), "it ends too early"),
    "another checksum": (packed()[:-8] + bytes(4) + packed()[-4:], "incorrect data check"),
    "two streams": (packed() + packed(), "something follows after its gzip stream"),
    "many zeros": (packed() + bytes((1 << 20) + 1), "zeros follow after its gzip stream"),
}


@pytest.mark.parametrize("case", FILES)
def test_a_file_that_is_not_intact_is_told(case):
    content, words = FILES[case]
    said = refused(content)
    assert words in said.what
    assert said.what.startswith("it is no intact gzipped tar archive: ")
    assert said.rule == "broken"


def test_padding_of_tapes_is_let_in():
    padded = packed(end=END + bytes(100 * 512)) + bytes(4096)
    assert len(list(members(io.BytesIO(padded)))) == 5


def test_what_grows_too_much_is_refused_beyond_what_anybody_may_have():
    zeros = packed(member(b"zeros", bytes(200_000)))
    wide = ArchiveBounds(ratio=20, free=30_000)
    said = refused(zeros, wide)
    assert "over 20 for each" in said.what
    assert said.rule == "size"
    assert len(list(members(io.BytesIO(zeros), ArchiveBounds(ratio=20, free=300_000)))) == 6


def test_attributes_are_few():
    flood = member(b"x", b"5 a=\n" * 101, b"x") + member(b"a")
    assert "more than 100 attributes" in refused(packed(flood), ArchiveBounds()).what


def test_a_size_beyond_a_header_stands_in_the_attributes():
    size = 8**11 + 5
    head = attributes((b"size", b"%d" % size)) + header(b"a", 0)
    content = gzip.compress(head)
    (found,) = [item.size for item in _first(content)]
    assert found == size


def _first(content):
    yield next(members(io.BytesIO(content)))


def test_names_are_shown_on_one_line_and_short():
    assert shown("a\nb\u202e\udcff") == "a\\nb\\u202e\\udcff"
    assert shown("größe.bin") == "größe.bin"
    assert len(shown("a" * 5_000)) == len(shown("\n" * 5_000)) == 81


def test_pythons_own_header_agrees_with_ours():
    entry = tarfile.TarInfo("code/serve.py")
    entry.size, entry.mtime = 5, 0
    assert header(b"code/serve.py", 5)[:100] == entry.tobuf(tarfile.USTAR_FORMAT)[:100]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}", "nested too deep"),
        (b" " * (LARGEST + 1), "bytes, over"),
        (b"[" + b"{}," * MOST_VALUES, "values, over"),
        (b"{", "is not JSON"),
        (b"\xff\xfe", "is not JSON"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "is not JSON"),
        (b"[1]", "is no JSON object"),
        (b"null", "is no JSON object"),
    ],
)
def test_a_document_is_an_object_within_bounds(raw, words):
    with pytest.raises(ValueError, match=words):
        document(raw)
    assert document(b'{"a": [1]}') == {"a": [1]}
