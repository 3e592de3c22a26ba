"""The archive holds what a model reaches, and its hash changes with nothing else."""

import io
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from models.packaging import ModelCodeMissing, hash_of, measuring_files, packed, source_files
from models.runtime.family import Family, UnknownPlugIn
from tasks.model_spec import load_model_spec

MODELS = Path(__file__).resolve().parents[2] / "models"
NAMES = ("price-estimator", "feature-detection", "room-classifier", "sentiment")
PRICES = load_model_spec("price-estimator", MODELS).composition


@pytest.fixture
def folder(tmp_path):
    """A copy of a model as a checkout holds it: without what a run before may have left there."""
    left = shutil.ignore_patterns("__pycache__")
    copy = shutil.copytree(MODELS / "price-estimator", tmp_path / "price-estimator", ignore=left)
    return Path(copy)


@pytest.mark.parametrize("name", NAMES)
def test_the_archive_holds_what_a_job_and_an_endpoint_run(name):
    family = load_model_spec(name, MODELS).composition
    made = packed(source_files(MODELS / name, family))
    with tarfile.open(fileobj=io.BytesIO(made)) as archive:
        files = set(archive.getnames())
    assert {"sluice_train.py", "entry_point.py", "family.json", "models/__init__.py"} <= files
    assert f"models/runtime/inputs/{family.input}.py" in files
    assert not [path for path in files if "yaml" in path or "__pycache__" in path]


def test_what_a_model_does_not_reach_is_not_shipped():
    prices = set(source_files(MODELS / "price-estimator", PRICES))
    for stranger in ("tasks/classification", "inputs/image", "backends/sklearn", "images/pictures"):
        assert f"models/runtime/{stranger}.py" not in prices
    sklearn = set(source_files(MODELS / "price-estimator", replace(PRICES, backend="sklearn")))
    assert not [path for path in sklearn if "networks" in path]


PHOTOS = ("networks/convolutional", "networks/detector", "networks/centre_points", "detections/")


@pytest.mark.parametrize(
    ("name", "strangers"),
    [
        ("price-estimator", (*PHOTOS, "networks/bag")),
        ("partner-match", (*PHOTOS, "networks/bag")),
        ("sentiment", (*PHOTOS, "networks/dense")),
        ("room-classifier", ("networks/dense", "networks/bag", "networks/detector", "detections/")),
        ("property-detector", ("networks/dense", "networks/bag")),
    ],
)
def test_a_model_brings_its_own_kind_of_network_and_no_other(name, strangers):
    """Whoever works on photos retrains no table."""
    files = source_files(MODELS / name, load_model_spec(name, MODELS).composition)
    brought = [path for path in files for kind in strangers if f"models/runtime/{kind}" in path]
    assert brought == []


def test_a_new_family_changes_no_other_models_hash(tmp_path, monkeypatch):
    """A copy of the runtime gets a task, an input and a backend more."""
    from models import packaging
    from models.runtime import family

    root = tmp_path / "root"
    left = shutil.ignore_patterns("__pycache__")
    shutil.copytree(MODELS, root / "models", ignore=left)
    monkeypatch.setattr(packaging, "ROOT", root)
    monkeypatch.setattr(family, "HERE", root / "models" / "runtime")
    before = {name: _hash(root, name) for name in NAMES}
    for kind in ("tasks", "inputs", "backends"):
        (root / "models/runtime" / kind / "another_one.py").write_text("import models.runtime\n")
    assert "another-one" in family.names_of("tasks")
    assert {name: _hash(root, name) for name in NAMES} == before
    # What a model does reach makes another hash.
    changed = root / "models/runtime/tasks/regression.py"
    changed.write_text(changed.read_text() + "# more\n")
    packaging._imports.cache_clear()
    after = {name: _hash(root, name) for name in NAMES}
    assert after["price-estimator"] != before["price-estimator"]
    assert after["room-classifier"] == before["room-classifier"]


def _hash(root, name):
    spec = load_model_spec(name, root / "models")
    return hash_of(source_files(root / "models" / name, spec.composition))


def test_modules_that_own_code_imports_are_shipped(folder):
    deep = "def pictures():\n    from models.runtime.images import pictures\n"
    (folder / "more.py").write_text(deep)
    assert "models/runtime/images/pictures.py" in source_files(folder, PRICES)


def test_the_same_code_makes_the_same_bytes(folder):
    before = packed(source_files(folder, PRICES))
    (folder / "model.py").touch()
    assert packed(source_files(folder, PRICES)) == before


def test_the_gates_do_not_ask_for_a_new_training_but_the_code_does(folder):
    before = hash_of(source_files(folder, PRICES))
    (folder / "model.yaml").write_text("name: other\n")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "model.cpython-311.pyc").write_bytes(b"1")
    assert hash_of(source_files(folder, PRICES)) == before
    with (folder / "model.py").open("a") as file:
        file.write("# more\n")
    assert hash_of(source_files(folder, PRICES)) != before


def test_the_label_and_the_treatment_of_columns_are_part_of_the_hash(folder):
    before = hash_of(source_files(folder, PRICES))
    other = replace(PRICES, features={"zipcode": "category"})
    assert hash_of(source_files(folder, other)) != before
    assert hash_of(source_files(folder, replace(PRICES, label="grade"))) != before


def test_a_file_is_told_by_its_name_too(folder):
    (folder / "words.txt").write_text("a")
    before = hash_of(source_files(folder, PRICES))
    (folder / "words.txt").rename(folder / "terms.txt")
    files = source_files(folder, PRICES)
    assert hash_of(files) != before
    assert files["terms.txt"] == b"a"


@pytest.mark.parametrize("name", ["entry_point.py", "family.json", "models/runtime/train.py"])
def test_an_own_file_may_not_stand_in_for_one_of_the_archives(folder, name):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("")
    with pytest.raises(ModelCodeMissing, match=name):
        source_files(folder, PRICES)


def test_an_unknown_plug_in_is_named_with_those_there_are(folder):
    with pytest.raises(UnknownPlugIn, match=r"'magic' is none of models/runtime/backends: .*keras"):
        source_files(folder, Family("regression", "tabular", "magic", "price"))


DOOR = ("__init__", "bounds", "documents", "extraction", "gunzip", "headers", "names", "reading")
"""What a bundle is unpacked with."""


def test_a_model_does_not_carry_what_opens_archives():
    files = source_files(MODELS / "price-estimator", PRICES)
    assert not [name for name in files if "archives" in name or name.endswith("calling.py")]


def test_the_job_that_measures_a_bundle_brings_no_models_code():
    assert set(measuring_files()) == {
        "sluice_measure.py",
        "models/__init__.py",
        "models/runtime/__init__.py",
        *(f"models/runtime/archives/{name}.py" for name in DOOR),
        "models/runtime/apart.py",
        "models/runtime/calling.py",
        "models/runtime/isolation.py",
        "models/runtime/measure.py",
        "models/runtime/own.py",
        "models/runtime/script_mode.py",
    }
