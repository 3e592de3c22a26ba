"""Hostile archives, of chance and of a corpus: nothing is ever written outside of the folder."""

import gzip
import tarfile
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.security import archives
from benchmarks.security.packing import END, attributes, header, member
from models.runtime.archives.bounds import ArchiveRefused
from models.runtime.archives.extraction import extract
from models.runtime.archives.reading import inspect

pytestmark = pytest.mark.seconds(60)
EVERY = 12
"""Of the corpus of ``python -m benchmarks.security archives``."""

PARTS = st.sampled_from(
    ["a", "b", "A", ".", "..", "", "way", "victim", "target.txt", "é", "e\u0301", "\x00", "x" * 200]
)
NAMES = st.lists(PARTS, min_size=1, max_size=5).map("/".join) | st.text(max_size=30)
TARGETS = st.sampled_from(["..", "../..", "../victim", "way", "/", "/tmp", ".", "a/../..", ""])


@st.composite
def hostile_members(draw):
    name = draw(NAMES).encode("utf-8", "surrogatepass")
    kind = draw(st.sampled_from([b"0", b"\0", b"5", b"2", b"1", b"3", b"7", b"L", b"x", b"g"]))
    content = draw(st.binary(max_size=600)) if kind in {b"0", b"\0", b"L", b"x"} else b""
    link = draw(TARGETS).encode()
    if draw(st.booleans()):
        return attributes((b"path", name)) + member(b"a", content, kind, link)
    if draw(st.booleans()):
        return member(name, content, kind, link, prefix=draw(TARGETS).encode())
    return header(name[:100], draw(st.integers(0, 2_000)), kind, link) + content


@given(st.lists(hostile_members(), max_size=6), st.binary(max_size=20))
@settings(max_examples=150, deadline=None)
def test_nothing_is_written_outside_whatever_the_members_are(parts, rest):
    with tempfile.TemporaryDirectory() as scratch, archives.grounds() as ground:
        path = Path(scratch) / "model.tar.gz"
        path.write_bytes(gzip.compress(b"".join(parts) + END, 1) + rest)
        before = archives.standing(ground)
        folder = ground / "a" / "b" / "model"
        try:
            extract(path, folder)
        except ArchiveRefused:
            assert not folder.exists()
            with pytest.raises(ArchiveRefused):
                inspect(path)
        else:
            assert all(file.is_file() and not file.is_symlink() for file in _files(folder))
            assert set(inspect(path).sizes) == {
                file.relative_to(folder).as_posix() for file in _files(folder)
            }
        assert archives.standing(ground) == before


def _files(folder):
    return [path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()]


def test_a_sample_of_the_corpus_is_refused_and_leaves_nothing():
    with archives.grounds() as ground:
        sample = [one for n, one in enumerate(archives.corpus(ground, 0)) if n % EVERY == 0]
        found = [archives.treated(one, ground, archives.ours) for one in sample]
    kinds = {one.archive.kind for one in found}
    assert len(found) > 50
    assert len(kinds) == 9
    bad = [
        (one.archive.kind, one.archive.name, one.reason, one.outside)
        for one in found
        if not one.reason or one.outside
    ]
    assert bad == []


def test_the_corpus_can_fail():
    """A door that unpacks as Python does lets a link in, and is found out."""

    def careless(path, folder):
        with tarfile.open(path) as tar:
            tar.extractall(folder, filter="fully_trusted")  # noqa: S202 - what nobody may do
        return ""

    with archives.grounds() as ground:
        (found,) = [
            archives.treated(one, ground, careless)
            for one in archives.corpus(ground, 0)
            if one.name == "symbolic, absolute, file through it"
        ]
    assert found.outside == ("victim/target.txt",)
    assert not found.reason


def test_there_are_as_many_as_were_promised():
    with archives.grounds() as ground:
        names = [(one.kind, one.name) for one in archives.corpus(ground, 0)]
    assert len(names) >= 500
    assert len(names) == len(set(names))
