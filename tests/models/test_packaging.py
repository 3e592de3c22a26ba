import io
import shutil
import tarfile
from pathlib import Path

import pytest

from models.packaging import ModelCodeMissing, code_hash, source_archive, source_files

MODELS = Path(__file__).resolve().parents[2] / "models"
NAMES = ("price-estimator", "room-classifier")


@pytest.fixture
def folder(tmp_path):
    """A copy of a model as a checkout holds it: without what a run before may have left there."""
    left = shutil.ignore_patterns("__pycache__")
    copy = shutil.copytree(MODELS / "price-estimator", tmp_path / "price-estimator", ignore=left)
    return Path(copy)


@pytest.mark.parametrize("name", NAMES)
def test_the_archive_holds_what_a_job_and_an_endpoint_run(name):
    with tarfile.open(fileobj=io.BytesIO(source_archive(MODELS / name))) as archive:
        files = set(archive.getnames())
    assert {"train.py", "evaluate.py", "serve.py", "model.py", "models/__init__.py"} <= files
    assert "models/programs/preprocess.py" in files
    assert not [path for path in files if "yaml" in path or "__pycache__" in path]


def test_the_same_code_makes_the_same_bytes(folder):
    before = source_archive(folder)
    (folder / "model.py").touch()
    assert source_archive(folder) == before


def test_the_gates_do_not_ask_for_a_new_training_but_the_code_does(folder):
    before = code_hash(folder)
    (folder / "model.yaml").write_text("name: other\n")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "model.cpython-311.pyc").write_bytes(b"1")
    assert code_hash(folder) == before
    with (folder / "model.py").open("a") as file:
        file.write("# more\n")
    assert code_hash(folder) != before


def test_a_file_is_told_by_its_name_too(folder):
    (folder / "words.txt").write_text("a")
    before = code_hash(folder)
    (folder / "words.txt").rename(folder / "terms.txt")
    assert code_hash(folder) != before
    assert source_files(folder)["terms.txt"] == b"a"


def test_a_folder_without_code_is_refused(tmp_path):
    with pytest.raises(ModelCodeMissing, match=r"model\.py"):
        source_archive(tmp_path)
