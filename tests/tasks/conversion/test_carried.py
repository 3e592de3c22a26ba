"""What a client wants on its own comes out of model.tar.gz, and nothing besides."""

import io
import tarfile

import pytest

from tasks.conversion.tasks import _carried
from tasks.errors import ConversionError


def archive(path, *entries):
    with tarfile.open(path, "w:gz", compresslevel=1) as tar:
        for entry in entries:
            entry.size = 0 if entry.issym() else 2
            tar.addfile(entry, io.BytesIO(b"{}"))
    return path


def test_files_of_the_list_and_below_the_graph_are_carried(tmp_path):
    names = ("./preprocess.json", "./saved_model/1/saved_model.pb", "code/serve.py", "notes.json")
    made = archive(tmp_path / "model.tar.gz", *map(tarfile.TarInfo, names))
    for _ in range(2):  # a run that died is done again in the same folder
        carried = _carried(made, tmp_path / "carried")
        assert set(carried) == {"preprocess.json", "saved_model/1/saved_model.pb"}
        assert all(path.read_bytes() == b"{}" for path in carried.values())
    there = {path.name for path in (tmp_path / "carried").rglob("*") if path.is_file()}
    assert there == {"preprocess.json", "saved_model.pb"}


def test_a_link_among_them_is_an_error_with_its_name(tmp_path):
    link = tarfile.TarInfo("saved_model/1/assets")
    link.type, link.linkname = tarfile.SYMTYPE, "/"
    with pytest.raises(ConversionError, match='"saved_model/1/assets" is a symbolic link to "/"'):
        _carried(archive(tmp_path / "model.tar.gz", link), tmp_path / "carried")
