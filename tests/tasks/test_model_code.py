"""A model's own code is held to what would call it, without being run."""

import re

import pytest

from tasks.errors import InvalidModelSpec
from tasks.model_spec import ModelSpec, load_model_spec
from tasks.settings import settings
from tests.tasks.test_model_check import (
    CONTRACTS,
    HYPER,
    MODELS,
    NO_FORMATS,
    PINBALL,
    PRICES,
    changed,
    family,
    folder,
    found,
)

__all__ = ["folder"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "def estimator(task, hyperparameters): ...",
            r"estimator\(\) is not called by backend keras",
        ),
        (
            "def build(s, t, h): ...\ndef metric(l, p): ...",
            r"nothing calls metric\(\); is metrics\(\)",
        ),
        ("def build(s, t, h): ...\ndef feature(c, h): ...", r"calls feature\(\); is features\(\)"),
    ],
)
def test_functions_that_nothing_calls_are_told(folder, code, said):
    (folder / "model.py").write_text(code)
    spec = load_model_spec(PRICES, MODELS)
    assert re.search(said, found(spec, folder))


def test_a_hyperparameter_of_own_code_is_taken_if_the_code_holds_its_name(folder):
    spec = changed(PRICES, HYPER, {"layers": 3, "epochs": 5})
    code = "def build(s, t, hyperparameters):\n    return hyperparameters.integer({}, 2)\n"
    (folder / "model.py").write_text(code.format('"depth"'))
    assert "layers is read by nobody" in found(spec, folder)
    (folder / "model.py").write_text(code.format('"lay" + "ers"'))
    assert "layers is read by nobody" in found(spec, folder), "nobody can know; say it in one piece"
    (folder / "model.py").write_text(code.format('"layers"'))
    assert found(spec, folder) == ""
    (folder / "model.py").write_text("WIDTHS = {'layers': 3}\n" + code.format("next(iter(WIDTHS))"))
    assert found(spec, folder) == ""


def test_what_a_run_overrides_is_held_to_the_code_as_well(folder, monkeypatch):
    from flows.recipe import prepare

    monkeypatch.setenv("SLUICE_MODELS_DIR", str(MODELS))
    monkeypatch.setenv("SLUICE_CONTRACTS_DIR", str(CONTRACTS))
    settings.cache_clear()
    try:
        assert prepare(PRICES, overrides={"epochs": 3}).hyperparameters["epochs"] == "3"
        with pytest.raises(InvalidModelSpec, match="epochs='-3': it must be at least 1"):
            prepare(PRICES, overrides={"epochs": -3})
    finally:
        settings.cache_clear()


def test_treatments_mean_nothing_to_an_own_program():
    spec = changed(PRICES, "family.backend", "custom")
    data = spec.data.model_copy(update={"features": {"sqft_living": "log", "zipcode": "drop"}})
    told = found(spec.model_copy(update={"data": data}))
    assert "data.features: sqft_living: an own program gets columns as they are" in told


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def load(:", "model.py is no Python"),
        ("def load(): ...\ndef build(): ...", "model.py: load() are not called any more"),
        ("def feature(): ...", "model.py has none of features(), build()"),
        ("from elsewhere import *", ""),
        ("features = print", ""),
        ("from x import fit as baseline", ""),
    ],
)
def test_code_that_cannot_run_or_that_nothing_would_call_is_refused_unrun(folder, text, said):
    (folder / "model.py").write_text(text)
    told = found(load_model_spec(PRICES, folder.parent), folder)
    assert told.startswith(said) if said else told == ""


def test_a_model_of_a_known_family_needs_no_code(folder):
    (folder / "model.py").unlink()
    assert found(load_model_spec(PRICES, folder.parent), folder) == ""


@pytest.mark.parametrize("name", ["evaluate.py", "serve.py", "train.py"])
def test_a_program_that_nothing_would_call_is_refused(folder, name):
    (folder / name).write_text("print()")
    told = found(load_model_spec(PRICES, folder.parent), folder)
    assert f"{name}: nothing calls it" in told


def test_a_custom_model_brings_a_training_and_an_inference_program(folder):
    (folder / "model.py").unlink()
    spec = changed(PRICES, "family", family("regression", "tabular", "custom"))
    spec = ModelSpec.model_validate({**spec.model_dump(), "conversion": NO_FORMATS})
    (folder / "train.py").write_text("print()")
    (folder / "inference.py").write_text("def model_fn(folder): ...")
    assert found(spec, folder) == "inference.py lacks predict_fn()"
    (folder / "inference.py").write_text("from somewhere import model_fn, predict_fn")
    assert found(spec, folder) == ""
    assert spec.composition.program == "train.py"
    named = changed(PRICES, "training", {"program": "fit.py"})
    named = named.model_copy(update={"family": spec.family, "conversion": spec.conversion})
    assert found(named, folder) == ("training.program: fit.py does not lie in the model's folder")


def test_an_own_metric_is_measured_by_model_py(folder):
    spec = changed(PRICES, "gates", PINBALL)
    (folder / "model.py").write_text("def features(c, h): ...\ndef metrics(labels, predicted): ...")
    assert found(spec, folder) == ""
