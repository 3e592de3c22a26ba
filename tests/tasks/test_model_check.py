"""Nothing is accepted that fails after it was paid for."""

import shutil
from datetime import date
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from models.runtime.isolation import available
from tasks.contracts import load_contract
from tasks.errors import BudgetExceeded, InvalidModelSpec
from tasks.model_check import faults, require_sound
from tasks.model_spec import ModelSpec, known_models, load_model_spec
from tasks.settings import Settings
from tasks.specs.gates import GateSpec
from tasks.training.champion import measures_itself, require_comparable
from tasks.training.plan import require_budget, training_request
from tasks.values import BundleFile, Manifest
from tests.tasks.training.test_plan import plan

ROOT = Path(__file__).resolve().parents[2]
MODELS = ROOT / "models"
CONTRACTS = ROOT / "data_contracts"
PRICES, ROOMS, BOXES = "price-estimator", "room-classifier", "property-detector"
MATCH = "partner-match"


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


def family(task, source, backend="keras"):
    return {"task": task, "input": source, "backend": backend}


HYPER = "training.hyperparameters"
BIAS = {"metric": "bias", "at_least": -2, "at_most": 0.1}
PINBALL = [{"metric": "pinball", "better": "smaller", "at_most": 1}]


def sliced(column):
    rule = {"column": column, "no_worse_than_champion": 0.1}
    return [{"metric": "mae", "at_most": 1, "confidence": 0.9, "slices": [rule]}]


def allowed(column):
    return [{"column": column, "reason": "it is known before"}]


def behaves(**rule):
    return [{"expect": "same", **rule}]


@pytest.mark.parametrize(
    ("name", "rule", "said"),
    [
        (PRICES, {"change": "multiply", "column": "sqft_living", "by": 1.1}, ""),
        (PRICES, {"change": "multiply", "column": "area", "by": 2}, "has no column 'area'; its"),
        (PRICES, {"change": "multiply", "column": "price", "by": 2}, "no answer is made of that"),
        (PRICES, {"change": "multiply", "column": "date", "by": 2}, "date is of type date, whose"),
        (PRICES, {"change": "typo", "column": "sqft_living", "by": 1}, "is of type integer, whose"),
        (PRICES, {"change": "set", "column": "sqft_living", "to": "wide"}, "'wide', no number"),
        (PRICES, {"change": "set", "column": "sqft_living", "to": True}, "True, no number"),
        (PRICES, {"change": "set", "column": "date", "to": "2026-01-05"}, ""),
        (PRICES, {"change": "set", "column": "date", "to": date(2026, 1, 5)}, ""),
        (PRICES, {"change": "set", "column": "date", "to": "tomorrow"}, "'tomorrow', no date"),
        (PRICES, {"change": "set", "column": "date", "to": 20260105}, "20260105.0, no date"),
        (PRICES, {"change": "clear", "column": "sqft_living"}, "contract requires sqft_living"),
        (PRICES, {"change": "mirror"}, "is of format csv, whose rows are not changed so"),
        (BOXES, {"change": "mirror"}, "boxes move with the picture; expect not_lower"),
        (BOXES, {"change": "rotate", "by": 5, "expect": "other"}, "boxes move with the picture"),
        (BOXES, {"change": "mirror", "expect": "not_lower", "of": "pool"}, ""),
        (BOXES, {"change": "blur", "by": 2}, ""),
        (ROOMS, {"change": "mirror"}, ""),
        (ROOMS, {"change": "typo", "column": "label", "by": 1}, "of format images, whose rows"),
        ("sentiment", {"change": "negate", "column": "text"}, ""),
        ("sentiment", {"change": "set", "column": "text", "to": "Good."}, ""),
        ("sentiment", {"change": "add", "column": "text", "by": 1}, "of type string, whose"),
        ("partner-match", {"change": "set", "column": "user_type", "to": "lord"}, "allows contra"),
        ("partner-match", {"change": "clear", "column": "metadata.client_ip"}, "no answer is made"),
        ("recommendation", {"change": "clear", "column": "device"}, "made of several of"),
    ],
)
def test_a_rule_of_behaviour_is_about_rows_that_can_be_changed_so(name, rule, said):
    told = found(changed(name, "behaviour", behaves(**rule)))
    assert (said in told and "behaviour: " in told) if said else told == ""


def test_acts_that_a_row_gathers_make_no_slices_and_no_groups():
    spec = load_model_spec("recommendation", MODELS)
    contract = load_contract(spec.data.dataset, CONTRACTS)
    gate = {"metric": "ndcg", "no_worse_than_champion": 0.05, "confidence": 0.9}
    sliced = GateSpec.model_validate(
        {**gate, "slices": [{"column": "device", "no_worse_than_champion": 0.1}]}
    )
    data = spec.data.model_copy(update={"split_by": "user_id"})
    spec = spec.model_copy(update={"gates": (sliced,), "data": data})
    with pytest.raises(InvalidModelSpec, match=r"split_by: user_id.*slices of ndcg: device: a row"):
        require_sound(spec, contract, MODELS / spec.name, Settings())


NO_FORMATS = {"tflite_float16": None, "tflite_int8": None, "tfjs_float16": None}


@pytest.mark.parametrize(
    ("name", "path", "value", "said"),
    [
        (PRICES, "family.input", "image", "input: image does not learn from property_sales.*csv"),
        (ROOMS, "family.input", "tabular", "tabular does not learn from room_images.*images"),
        (PRICES, "data.label", "prize", "has no column 'prize'; its contract has id, date, price"),
        (PRICES, "data.label", "date", "date is of type date; regression predicts integer, number"),
        (PRICES, "data.label", "month", "month is of type string; regression predicts"),
        (PRICES, "data.split_by", "house", "data.split_by: property_sales has no column 'house'"),
        (PRICES, "data.split_by", "price", "split_by: price is the label"),
        (PRICES, "serving.program", "nope.py", "program: nope.py is no file of the model's folder"),
        (PRICES, "serving.program", "inference.py", "program: inference.py is no file"),
        (ROOMS, "gates", [{"metric": "accuracy", "at_least": 85}], "accuracy is from 0 to 1, and"),
        (ROOMS, "gates", [{"metric": "macro_f1", "at_least": -1}], "at_least is -1"),
        (MATCH, "gates", [{"metric": "ece", "at_most": 2}], "ece is from 0 to 1, and at_most is 2"),
        (MATCH, "gates", [BIAS], "bias is from -1 to 1, and at_least is -2"),
        (PRICES, HYPER, {"epoch": 100}, "epoch is read by nobody; near it is epochs; this model"),
        (PRICES, HYPER, {"filters": "8,16"}, "filters is read by nobody"),
        (ROOMS, HYPER, {"hidden": "8,16"}, "hidden is read by nobody"),
        (PRICES, HYPER, {"k": 10}, "k is read by nobody"),
        (PRICES, HYPER, {"epochs": "many"}, "epochs='many' is not like its default 100"),
        (PRICES, HYPER, {"epochs": 0}, "epochs='0': it must be at least 1"),
        (PRICES, HYPER, {"batch-size": -1}, "batch_size='-1': it must be at least 1"),
        (PRICES, HYPER, {"learning_rate": "fast"}, "learning_rate='fast' is not like"),
        (PRICES, HYPER, {"learning_rate": 0}, "learning_rate='0': it must be above 0"),
        (PRICES, HYPER, {"learning_rate": "nan"}, "learning_rate='nan' is not like"),
        (PRICES, HYPER, {"learning_rate": "1e999"}, "learning_rate='1e999' is not like"),
        (PRICES, HYPER, {"hidden": "128;64"}, "hidden='128;64' is not like its default"),
        (PRICES, HYPER, {"hidden": "128,0"}, "hidden='128,0': it must be at least 1"),
        (PRICES, HYPER, {"label_transform": "lgo"}, "'lgo' is none of auto, log, none"),
        (ROOMS, HYPER, {"dropout": 1}, "dropout='1': it must be at least 0 and below 1"),
        (BOXES, HYPER, {"grid": 1000}, "grid='1000': it must be at least 2 and at most 256"),
        (
            "recommendation",
            HYPER,
            {"exclude_seen": 2},
            "exclude_seen='2': it must be at least 0 and at most 1",
        ),
        ("recommendation", HYPER, {"k": "ten"}, "k='ten' is not like its default 10"),
        (PRICES, "data.features", {"zip": "drop"}, "data.features: zip is no column"),
        (PRICES, "data.features", {"zipcode": "word"}, "zipcode: word is none of number, log"),
        (ROOMS, "data.features", {"width": "log"}, "width means nothing"),
        (PRICES, "gates", PINBALL, "pinball is measured by no task"),
        (PRICES, "gates", sliced("street"), "slices of mae: property_sales has no column 'street'"),
        (PRICES, "gates", sliced("price"), "slices of mae: price is the label"),
        (PRICES, "data_gates.allow", allowed("id"), "'id' is no column that this model"),
        (ROOMS, "data_gates.allow", allowed("width"), "'width' is no column.*; they are none"),
        (PRICES, "training.instance_type", "ml.m5.xlarg", "type 'ml.m5.xlarg' for training; near"),
        (PRICES, "training.instance_type", "m5.xlarge", "type 'm5.xlarge' for training; near"),
        (PRICES, "serving.instance_type", "ml.g5.xlrge", "'ml.g5.xlrge' for inference; near"),
        (PRICES, "training.image", "tensorflow:2.18", "training.image: .*names no registry"),
        (PRICES, "training.image", "sagemaker:tensorflow", "training.image: .*no name of an image"),
        (PRICES, "training.image", "sagemaker:tensorflo:2.18", "SDK knows no image"),
        (PRICES, "serving.image", "a b/c:1", "serving.image: 'a b/c:1' is no address"),
        (PRICES, "training.program", "fit.py", "fit.py is for family.backend custom; keras trains"),
        (PRICES, "training.instance_count", 9, "uses 8 and would leave 1 idle"),
        (PRICES, "family.backend", "sklearn", "sklearn makes no tflite_float16, .*it makes none"),
        (PRICES, "family.backend", "custom", "train.py does not lie in the model's folder"),
        (
            PRICES,
            "family.backend",
            "custom",
            r"inference.py is missing: model_fn\(\) and predict_fn",
        ),
    ],
)
def test_every_fault_names_its_key_and_value(name, path, value, said):
    spec = changed(name, path, value)
    contract = load_contract(spec.data.dataset, CONTRACTS)
    with pytest.raises(InvalidModelSpec, match=said):
        require_sound(spec, contract, MODELS / name, Settings())


@pytest.mark.parametrize("key", ["data.label", "data.dataset"])
def test_a_name_is_not_empty(key):
    with pytest.raises(ValidationError, match="at least 1 character"):
        changed(PRICES, key, "")


def test_a_list_of_names_is_no_list_of_objects_and_the_other_way_round():
    for name, dataset, label, said in (
        ("property-detector", "feature_images", "features",
         "items of features have no fields; detection asks for objects with box and label"),
        ("feature-detection", "object_images", "objects",
         "items of objects are objects of box, label; multi-label learns from names"),
    ):  # fmt: skip
        spec = load_model_spec(name, MODELS)
        data = spec.data.model_copy(update={"dataset": dataset, "label": label})
        contract = load_contract(dataset, CONTRACTS)
        with pytest.raises(InvalidModelSpec, match=said):
            require_sound(
                spec.model_copy(update={"data": data}), contract, MODELS / name, Settings()
            )


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


def test_production_needs_a_place_for_artefacts_programs(tmp_path, monkeypatch):
    """A machine without util-linux makes no namespaces."""
    digest = "registry/fraud@sha256:" + 64 * "a"
    chosen = {"environment": "production", "training_image": digest, "serving_image": digest}
    monkeypatch.setenv("PATH", str(tmp_path))
    available.cache_clear()
    try:
        spec, role = load_model_spec(PRICES, MODELS), "arn:aws:iam::123456789012:role/acts"
        assert "SLUICE_ARTEFACT_ROLE_ARN is empty" in found(spec, settings=Settings(**chosen))
        assert found(spec, settings=Settings(artefact_role_arn=role, **chosen)) == ""
        assert found(spec) == "", "elsewhere a run goes on, and says it"
    finally:
        available.cache_clear()


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("artefact_image", "registry/acts:latest", "SLUICE_ARTEFACT_IMAGE: 'registry/acts:latest'"),
        ("artefact_instance_type", "ml.m5.tiny", "SLUICE_ARTEFACT_INSTANCE_TYPE: SageMaker has no"),
    ],
)
def test_what_artefacts_jobs_run_on_is_checked_too(setting, value, said):
    role = "arn:aws:iam::123456789012:role/acts"
    chosen = Settings(**{"artefact_role_arn": role, setting: value})
    assert said in found(load_model_spec(PRICES, MODELS), settings=chosen)


@pytest.mark.parametrize("kind", ["training", "serving"])
def test_an_image_that_moves_is_refused_before_a_job_and_in_production_all_but_digests(kind):
    fixed, digest = "registry/fraud:1.2", "registry/fraud@sha256:" + 64 * "a"
    images = dict.fromkeys(("training_image", "serving_image"), digest)

    def told(image, environment):
        chosen = {**images, f"{kind}_image": image}
        return found(
            load_model_spec(PRICES, MODELS), settings=Settings(environment=environment, **chosen)
        )

    assert f"{kind}.image: 'registry/fraud:latest' is whatever" in told(
        "registry/fraud:latest", "development"
    )
    assert told(fixed, "development") == told(digest, "production") == ""
    assert f"{kind}.image: {fixed!r} is not fixed by its digest" in told(fixed, "production")


@pytest.mark.parametrize(
    ("word", "gates", "task"),
    [
        ("tabular", [{"metric": "mae", "at_most": 1}], "regression"),
        ("tabular", [{"metric": "accuracy", "at_least": 0.5}], "classification"),
        ("image", [{"metric": "lowest_recall", "at_least": 0.5}], "classification"),
    ],
)
def test_a_family_of_one_word_is_read_as_it_was_meant(word, gates, task):
    raw = yaml.safe_load((MODELS / PRICES / "model.yaml").read_text("utf-8"))
    raw |= {"family": word, "gates": gates}
    raw["training"]["program"] = "train.py"
    raw["serving"]["program"] = "serve.py"
    if task == "classification" and word == "image":
        raw["gates"] = [{"metric": "accuracy", "at_least": 0.5}, *gates]
    spec = ModelSpec.model_validate(raw)
    assert (spec.family.task, spec.family.input, spec.family.backend) == (task, word, "keras")
    assert (spec.training.program, spec.serving.program) == ("", "")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"family": "sound"}, "'sound' is no input; write family: {task: regression"),
        ({"family": "tabular", "training": {"program": "fit.py"}}, "backend: custom"),
        ({"family": "tabular", "gates": PINBALL}, r"gates \(pinball\) do not tell the task"),
        ({"family": {"task": "magic", "input": "tabular"}}, "task: 'magic' is none of classific"),
        ({"family": {"task": "regression", "input": "tabular", "backend": "x"}}, "backend: 'x' is"),
        ({"family": {"task": "ranking", "input": "image"}}, "does not go with the input 'image'"),
        ({"gates": [{"metric": "accuracy", "at_least": 1}]}, "accuracy is not measured for regr"),
        ({"gates": [{"metric": "acuracy", "at_least": 1}]}, "acuracy is no metric"),
    ],
)
def test_a_family_or_a_gate_that_means_nothing_is_refused(changes, said):
    raw = yaml.safe_load((MODELS / PRICES / "model.yaml").read_text("utf-8"))
    with pytest.raises(ValueError, match=said):
        ModelSpec.model_validate(raw | changes)


def manifest(*paths):
    return Manifest(
        model="m", version="20260101-000000", created="2026-01-01T00:00:00+00:00", identity="i",
        training_job="j", snapshot="", snapshot_fingerprint="", code_hash="", hyperparameters={},
        contract="", contract_version="", metrics={},
        files=tuple(BundleFile(path=path, sha256="0", size=1) for path in paths),
    )  # fmt: skip


def test_a_champion_that_nothing_can_measure_is_told_before_the_training():
    first, bundle = manifest("preprocess.json", "model_card.json"), manifest("bundle.json")
    own, spec = manifest("model.tar.gz"), load_model_spec(PRICES, MODELS)
    for champion in (None, first, bundle):
        require_comparable(spec, champion)
    assert measures_itself(first)
    assert measures_itself(bundle)
    assert not measures_itself(own)
    with pytest.raises(InvalidModelSpec, match="champion 20260101-000000 was made by an own"):
        require_comparable(spec, own)
    require_comparable(changed(PRICES, "gates", [{"metric": "mae", "at_most": 1}]), own)


def test_the_label_reaches_the_program():
    spec = changed(PRICES, "data.label", "sqft_lot")
    request = training_request("j", plan(), spec, Settings(), {}, "s3://b/s", {})
    assert request["Environment"] == {"SLUICE_LABEL": "sqft_lot"}
    assert spec.composition.label == "sqft_lot"
