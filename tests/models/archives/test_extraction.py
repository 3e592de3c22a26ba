"""What comes out of an archive: plain files in a new folder, all of them or none."""

import gzip
import io
import os
import stat
import tarfile
from pathlib import Path

import pytest

from benchmarks.security.packing import END, GOOD, attributes, header, member, packed
from models.runtime import calling
from models.runtime.archives.bounds import ArchiveBounds, ArchiveRefused
from models.runtime.archives.extraction import extract
from models.runtime.archives.reading import inspect, members

FIRST_EDITION = Path(__file__).parents[1] / "first_edition" / "model.tar.gz"
FILES = {"bundle.json", "code/serve.py", "preprocess.json", "saved_model/1/saved_model.pb"}


@pytest.fixture
def kept(tmp_path):
    """Write an archive's bytes."""

    def write(content):
        path = tmp_path / "model.tar.gz"
        path.write_bytes(content)
        return path

    return write


def test_files_and_folders_come_out_as_they_went_in(kept, tmp_path):
    empty = member(b"empty/", b"", b"5") + member(b"nothing", b"")
    made = extract(kept(packed(empty)), tmp_path / "new" / "model")
    assert set(made) == {*FILES, "nothing"}
    assert made["code/serve.py"].read_bytes() == b"print(1)\n" * 40
    assert (tmp_path / "new" / "model" / "empty").is_dir()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["model"]


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("level", [1, 6, 9])
def test_archives_of_other_writers_are_let_in(form, level, tmp_path):
    source = tmp_path / "source"
    long = source / ("d" * 60) / ("e" * 90)
    (long / "f").mkdir(parents=True)
    (source / "a name, (1).bin").write_bytes(os.urandom(100_000))
    (long / "f" / "weights.npz").write_bytes(b"w" * 70_000)
    if form != tarfile.USTAR_FORMAT:
        (source / "größe").write_text("ü")
        (long / ("g" * 120)).write_text("long")
    path = tmp_path / "model.tar.gz"
    with tarfile.open(path, "w:gz", format=form, compresslevel=level) as tar:
        tar.add(source, ".")
    extract(path, tmp_path / "out")
    for there in source.rglob("*"):
        again = tmp_path / "out" / there.relative_to(source)
        assert again.is_dir() if there.is_dir() else again.read_bytes() == there.read_bytes()


def test_owners_times_and_attributes_of_pax_are_nobodys_business(kept, tmp_path):
    comment = attributes((b"comment", b"0" * 40), kind=b"g")
    said = attributes(
        (b"mtime", b"1.5"), (b"uname", "jürgen".encode()), (b"LIBARCHIVE.creationtime", b"1"),
        (b"SCHILY.xattr.com.apple.provenance", b"\x01\x00\xff"), (b"size", b"1"),
    )  # fmt: skip
    made = extract(kept(packed(comment, said + member(b"a"))), tmp_path / "out")
    assert set(made) == FILES | {"a"}


def test_a_bundle_of_the_first_edition_is_let_in(tmp_path):
    made = extract(FIRST_EDITION, tmp_path / "out")
    assert "code/models/programs/serve.py" in made
    assert sum(path.stat().st_size for path in made.values()) == 369_113


def test_nothing_that_comes_out_can_be_started_or_is_anybody_elses(tmp_path):
    path = tmp_path / "model.tar.gz"
    with tarfile.open(path, "w:gz") as tar:
        for name, mode in (("a", 0o7777), ("b", 0), ("c", 0o755)):
            entry = tarfile.TarInfo(name)
            entry.mode, entry.uid, entry.gid = mode, 12_345, 12_345
            tar.addfile(entry)
        folder = tarfile.TarInfo("d")
        folder.type, folder.mode = tarfile.DIRTYPE, 0o6000
        tar.addfile(folder)
    made = extract(path, tmp_path / "out")
    known = {stat.S_IMODE(file.stat().st_mode) & ~0o044 for file in made.values()}
    assert known == {0o600}
    assert stat.S_IMODE((tmp_path / "out" / "d").stat().st_mode) & 0o7700 == 0o700
    assert (tmp_path / "out" / "a").stat().st_uid == os.getuid()


def test_only_what_was_asked_for_is_written(kept, tmp_path):
    extra = member(b"preprocess.json.bak") + member(b"saved_models/x")
    made = extract(
        kept(packed(extra)), tmp_path / "out", only=("saved_model/", "preprocess.json", "none")
    )
    assert set(made) == {"saved_model/1/saved_model.pb", "preprocess.json"}
    there = {path.name for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert there == {"saved_model.pb", "preprocess.json"}


def test_what_is_not_asked_for_is_held_to_the_rules_too(kept, tmp_path):
    with pytest.raises(ArchiveRefused, match="symbolic link"):
        extract(kept(packed(member(b"x", b"", b"2", b"/"))), tmp_path / "out", only=("a",))


def test_nothing_is_left_of_an_archive_that_is_refused(kept, tmp_path):
    late = gzip.compress(GOOD + member(b"big", bytes(3 << 20)) + END)
    archive = kept(late[:-4] + b"\0\0\0\0")
    with pytest.raises(ArchiveRefused, match="no intact"):
        extract(archive, tmp_path / "deep" / "out")
    assert list((tmp_path / "deep").iterdir()) == []


def test_an_archive_that_becomes_another_one_meanwhile_leaves_nothing(kept, tmp_path):
    """The second reading holds it to the rules again."""
    archive = kept(packed())

    class Swapped(type(archive)):
        def open(self, mode):  # what is read changes after the first look
            return Twice(archive.read_bytes(), packed(member(b"a/../../b")))

    class Twice(io.BytesIO):
        def __init__(self, first, second):
            super().__init__(first)
            self._second = second

        def seek(self, *where):
            self.__init__(self._second, self._second)
            return super().seek(*where)

    with pytest.raises(ArchiveRefused, match=r"leads out of its folder"):
        extract(Swapped(archive), tmp_path / "deep" / "out")
    assert list((tmp_path / "deep").iterdir()) == []


def test_no_folder_that_has_something_is_unpacked_into(kept, tmp_path):
    archive = kept(packed())
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").write_text("kept")
    with pytest.raises(FileExistsError, match="new folder"):
        extract(archive, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mine"]
    (tmp_path / "empty").mkdir()
    assert set(extract(archive, tmp_path / "empty")) == FILES


def test_no_link_that_is_there_already_is_followed(kept, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(FileExistsError):
        extract(kept(packed()), tmp_path / "out")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_disk_that_is_too_small_is_told_before_anything_is_written(kept, tmp_path):
    whole = kept(packed(header(b"huge", 1 << 60)))
    with pytest.raises(ArchiveRefused, match="it unpacks to more than"):
        extract(whole, tmp_path / "out")
    bounds = ArchiveBounds(total=1 << 62)
    with pytest.raises(ArchiveRefused, match="ends too early"):
        extract(whole, tmp_path / "out", bounds)
    assert not (tmp_path / "out").exists()


def test_looking_into_one_tells_sizes_and_the_documents_that_were_asked_for(kept):
    found = inspect(kept(packed()), wanted={"preprocess.json": 2, "none.json": 9})
    assert set(found.sizes) == FILES
    assert found.read == {"preprocess.json": b"{}"}
    with pytest.raises(ArchiveRefused, match=r'"preprocess.json" has 2 bytes, over 1'):
        inspect(kept(packed()), wanted={"preprocess.json": 1})


def test_one_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ArchiveRefused, match="cannot be read"):
        inspect(tmp_path / "none.tar.gz")
    with pytest.raises(FileNotFoundError):
        extract(tmp_path / "none.tar.gz", tmp_path / "out")


def test_a_bundle_that_is_not_let_in_failed(kept):
    whole = kept(packed())
    with calling.unpacked(whole) as bundle:
        assert (bundle / "bundle.json").is_file()
    assert not bundle.exists()
    link = kept(packed(member(b"way", b"", b"2", b"/etc")))
    with (
        pytest.raises(calling.BundleFailed, match=r'could not be unpacked: its member "way" is a'),
        calling.unpacked(link),
    ):
        pass


def test_members_can_be_read_in_pieces_and_left_in_the_middle():
    content = os.urandom(1_000)
    file = io.BytesIO(packed(member(b"a", content), member(b"b", b"after")))
    found = {item.path: (item.read(300), item.read(300)) for item in members(file)}
    assert found["a"] == (content[:300], content[300:600])
    assert found["b"] == (b"after", b"")
