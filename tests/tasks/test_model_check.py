"""Nothing is accepted that fails after it was paid for."""

import shutil
from pathlib import Path

import pytest
import yaml

from tasks.contracts import load_contract
from tasks.errors import BudgetExceeded, InvalidModelSpec
from tasks.model_check import faults, require_sound
from tasks.model_spec import ModelSpec, known_models, load_model_spec
from tasks.own_code import outputs, require_comparable
from tasks.settings import Settings
from tasks.training.plan import require_budget, training_request
from tasks.values import BundleFile, Manifest
from tests.tasks.training.test_plan import plan

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"
CONTRACTS = ROOT / "data_contracts"
PRICES, ROOMS = "price-estimator", "room-classifier"


def changed(name, path, value):
    """A shipped model's description with one key replaced."""
    raw = yaml.safe_load((MODELS / name / "model.yaml").read_text("utf-8"))
    *way, last = path.split(".")
    part = raw
    for key in way:
        part = part.setdefault(key, {})
    part[last] = value
    return ModelSpec.model_validate(raw)


def found(spec, folder=None, settings=None):
    contract = load_contract(spec.data.dataset, CONTRACTS)
    return "; ".join(faults(spec, contract, folder or MODELS / spec.name, settings or Settings()))


@pytest.fixture
def folder(tmp_path):
    copied = tmp_path / PRICES
    shutil.copytree(MODELS / PRICES, copied, ignore=shutil.ignore_patterns("__pycache__"))
    return copied


@pytest.mark.parametrize("name", known_models(MODELS))
def test_what_is_shipped_is_sound(name):
    spec = load_model_spec(name, MODELS)
    contract = load_contract(spec.data.dataset, CONTRACTS)
    require_sound(spec, contract, MODELS / name, Settings())


@pytest.mark.parametrize(
    ("name", "path", "value", "said"),
    [
        (PRICES, "family", "image", "family: image does not learn from property_sales.*csv"),
        (ROOMS, "family", "tabular", "family: tabular does not learn from room_images.*images"),
        (PRICES, "data.label", "prize", "has no column 'prize'; its contract has id, date, price"),
        (PRICES, "data.label", "date", "date is of type date, which no model predicts"),
        (PRICES, "data.label", "month", r"measured for regression; the label month \(string\)"),
        (ROOMS, "gates", [{"metric": "mae", "at_most": 1}], "label .string. is for classification"),
        (PRICES, "gates", [{"metric": "accuracy", "at_least": 1}], "label price .number. is for r"),
        (
            PRICES,
            "gates",
            [{"metric": "pinball", "better": "smaller", "at_most": 1}],
            "pinball is measured by no shared program",
        ),
        (PRICES, "training.instance_type", "ml.m5.xlarg", "type 'ml.m5.xlarg' for training; near"),
        (PRICES, "training.instance_type", "m5.xlarge", "type 'm5.xlarge' for training; near"),
        (PRICES, "serving.instance_type", "ml.g5.xlrge", "'ml.g5.xlrge' for inference; near"),
        (PRICES, "training.image", "tensorflow:2.18", "training.image: .*names no registry"),
        (PRICES, "training.image", "sagemaker:tensorflow", "training.image: .*no name of an image"),
        (PRICES, "training.image", "sagemaker:tensorflo:2.18", "SDK knows no image"),
        (PRICES, "serving.image", "a b/c:1", "serving.image: 'a b/c:1' is no address"),
        (PRICES, "training.program", "fit.py", "fit.py is neither shared nor in the model's fold"),
        (PRICES, "serving.program", "app.py", "app.py is neither shared nor in the model's folder"),
        (PRICES, "training.instance_count", 3, "would leave 2 idle"),
    ],
)
def test_every_fault_names_its_key_and_value(name, path, value, said):
    spec = changed(name, path, value)
    contract = load_contract(spec.data.dataset, CONTRACTS)
    with pytest.raises(InvalidModelSpec, match=said):
        require_sound(spec, contract, MODELS / name, Settings())


def test_all_faults_are_told_at_once():
    spec = changed(PRICES, "data.label", "prize")
    spec = spec.model_copy(
        update={"training": spec.training.model_copy(update={"instance_type": "big"})}
    )
    told = found(spec)
    assert "data.label" in told
    assert "training.instance_type" in told


def test_a_type_without_a_list_price_is_priced_by_its_owner():
    spec = changed(PRICES, "training", {"instance_type": "ml.p4d.24xlarge"})
    assert "training.hourly_usd: no list price of ml.p4d.24xlarge" in found(spec)
    with pytest.raises(BudgetExceeded, match=r"no price of ml\.p4d\.24xlarge"):
        require_budget(spec)
    priced = {"instance_type": "ml.p4d.24xlarge", "hourly_usd": 37.7, "max_runtime_seconds": 3600}
    spec = changed(PRICES, "training", priced)
    assert found(spec) == ""
    assert require_budget(spec) == pytest.approx(37.7)


def test_a_large_machine_is_not_priced_as_a_small_one():
    spec = changed(PRICES, "training", {"instance_type": "ml.p3.16xlarge"})
    with pytest.raises(BudgetExceeded, match=r"\$675"):
        require_budget(spec)


def test_the_installations_image_is_checked_too():
    spec = load_model_spec(PRICES, MODELS)
    told = found(spec, settings=Settings(training_image="latest"))
    assert "training.image: 'latest' names no registry" in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def load(:", "model.py is no Python"),
        ("def load(): ...\ndef build(): ...", "model.py lacks preprocess(), baseline()"),
        ("from elsewhere import *", ""),
        ("load = preprocess = build = baseline = print", ""),
        ("from x import load, preprocess, build as build, fit as baseline", ""),
    ],
)
def test_code_that_cannot_run_is_refused_unrun(folder, text, said):
    (folder / "model.py").write_text(text)
    told = found(load_model_spec(PRICES, folder.parent), folder)
    assert told.startswith(said) if said else told == ""


def test_a_folder_without_model_py_is_refused_with_a_clear_word(folder):
    (folder / "model.py").unlink()
    told = found(load_model_spec(PRICES, folder.parent), folder)
    assert told == "model.py is missing, which the shared train.py runs"


def test_an_own_program_needs_no_model_py_and_measures_its_champion_itself(folder):
    (folder / "model.py").unlink()
    (folder / "fit.py").write_text("print()")
    (folder / "app.py").write_text("print()")
    spec = changed(PRICES, "training.program", "fit.py")
    spec = spec.model_copy(
        update={"serving": spec.serving.model_copy(update={"program": "app.py"})}
    )
    told = found(spec, folder)
    assert "no_worse_than_champion (mae) needs the champion measured" in told
    assert "evaluate.py" in told
    (folder / "evaluate.py").write_text("print()")
    assert found(spec, folder) == ""
    assert outputs(spec, {"fit.py"}) == (
        ("output", "metrics.json"),
        ("model", "code/app.py"),
        ("model", "saved_model/1/saved_model.pb"),
        ("model", "preprocess.json"),
        ("output", "calibration.npz"),
    )


def manifest(*paths):
    return Manifest(
        model="m", version="20260101-000000", created="2026-01-01T00:00:00+00:00", identity="i",
        training_job="j", snapshot="", snapshot_fingerprint="", code_hash="", hyperparameters={},
        contract="", contract_version="", metrics={},
        files=tuple(BundleFile(path=path, sha256="0", size=1) for path in paths),
    )  # fmt: skip


def test_a_champion_that_nothing_can_measure_is_told_before_the_training():
    shared, own = manifest("preprocess.json", "model_card.json"), manifest("model.tar.gz")
    spec = load_model_spec(PRICES, MODELS)
    assert not require_comparable(spec, {"model.py"}, None)
    assert require_comparable(spec, {"model.py"}, shared)
    assert require_comparable(spec, {"fit.py", "evaluate.py"}, own)
    with pytest.raises(InvalidModelSpec, match="champion 20260101-000000 was made by an own"):
        require_comparable(spec, {"model.py"}, own)
    free = changed(PRICES, "gates", [{"metric": "mae", "at_most": 1}])
    assert not require_comparable(free, {"model.py"}, own)


def test_the_label_reaches_the_program():
    spec = changed(PRICES, "data.label", "sqft_lot")
    request = training_request("j", plan(), spec, Settings(), {}, "s3://b/s", {})
    assert request["Environment"] == {"SLUICE_LABEL": "sqft_lot"}
    assert plan(label="sqft_lot").job_name != plan(label="price").job_name
