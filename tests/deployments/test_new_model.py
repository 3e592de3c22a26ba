"""A new model is written, checked and refused before anything is paid for."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from deployments.models.check import check_model
from deployments.models.composing import families
from deployments.models.draft import columns_of
from deployments.models.new import new_model
from deployments.models.programs import TEMPLATES
from models.runtime.family import names_of, plug_in
from tasks.contracts import load_contract
from tasks.errors import ConfigurationError, InvalidModelSpec, UnreadableData
from tasks.model_spec import load_model_spec
from tasks.settings import Settings

pytestmark = pytest.mark.seconds(150)

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = """id;day;area;rooms;warm;city;note;price
a-1;2026-01-02;50.5;2;true;Bonn;x y;100000
a-2;2026-01-03;;3;false;Bonn;z;120000
a-3;2026-01-04;70;4;true;Köln;;90000.5
a-4;2026-01-05;20;1;false;Köln;w;80000
"""


@pytest.fixture
def place(tmp_path):
    """An installation's folders, with the shipped contracts."""
    shutil.copytree(ROOT / "data_contracts", tmp_path / "data_contracts")
    (tmp_path / "models").mkdir()
    return Settings(models_dir=tmp_path / "models", contracts_dir=tmp_path / "data_contracts")


@pytest.fixture
def sample(tmp_path):
    path = tmp_path / "homes.csv"
    path.write_text(SAMPLE, "utf-8")
    return path


def faulty(place, name, **how):
    return [said for outcome, said in check_model(place, name, **how) if outcome == "FAULT"]


def test_a_sample_gives_the_types_that_its_values_have(sample):
    found = {column.name: column for column in columns_of(sample)}
    types = {name: column.type for name, column in found.items()}
    assert types == {
        "id": "string", "day": "date", "area": "number", "rooms": "integer", "warm": "boolean",
        "city": "string", "note": "string", "price": "number",
    }  # fmt: skip
    assert found["id"].unique
    assert found["city"].enum == ("Bonn", "Köln")
    assert {name for name, column in found.items() if not column.required} == {"area", "note"}


def test_names_that_look_like_numbers_stay_names(place, tmp_path):
    rows = [f"{size},{code}" for size in range(10) for code in ("1e5", "no", "0o7", "12:30")]
    (tmp_path / "homes.csv").write_text("\n".join(["size,code", *rows]))
    new_model(place, "fresh", "tabular", dataset="homes", label="code",
              sample=tmp_path / "homes.csv", owner="1e5")  # fmt: skip
    assert load_contract("homes", place.contracts_dir).column("code").enum == (
        "0o7", "12:30", "1e5", "no",
    )  # fmt: skip
    assert load_model_spec("fresh", place.models_dir).owner == "1e5"


@pytest.mark.parametrize("text", ["", "a,b\n", "a,a\n1,2\n", "a,\n1,2\n", "\x00\xff"])
def test_a_sample_that_is_no_table_is_refused(tmp_path, text):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(UnreadableData, match=r"x\.csv has the header"):
        columns_of(tmp_path / "x.csv")


@pytest.mark.parametrize(
    "asked",
    [
        {"kind": "tabular"},
        {"kind": "image"},
        {"kind": "image", "dataset": "room_images", "label": "label"},
        {"kind": "tabular", "dataset": "property_sales", "label": "price"},
        {"kind": "tabular", "dataset": "property_sales", "label": "view"},
        {"kind": "tabular", "dataset": "homes", "label": "city", "sample": True},
        {"kind": "tabular", "sample": True},
        {"kind": "tabular", "dataset": "reviews", "label": "label", "backend": "sklearn"},
        {"kind": "text"},
        {"kind": "text", "dataset": "reviews", "label": "label"},
        {"kind": "image", "dataset": "feature_images", "label": "features"},
        {"kind": "image", "dataset": "object_images", "label": "objects"},
        {
            "kind": "tabular",
            "dataset": "property_sales",
            "label": "waterfront",
            "task": "probability",
        },
        {"kind": "tabular", "dataset": "reviews", "label": "label", "task": "probability"},
        {"kind": "pairs"},
        {
            "kind": "pairs",
            "dataset": "restaurant_interactions",
            "label": "restaurant_id",
            "features": {"user_id": "user", "occurred_at": "time", "cuisine": "item_attribute"},
        },
        {
            "kind": "tabular",
            "dataset": "property_sales",
            "label": "price",
            "features": {"id": "drop"},
        },
    ],
    ids=str,
)
def test_what_is_written_is_sound_at_once(place, sample, asked):
    given = {**asked, "sample": sample if "sample" in asked else None}
    written = new_model(
        place, "fresh", owner="ann: & co", description='Says "so", to #all.', **given
    )
    assert faulty(place, "fresh", run=False) == []
    described = yaml.safe_load((place.models_dir / "fresh" / "model.yaml").read_text("utf-8"))
    assert (described["owner"], described["description"]) == ("ann: & co", 'Says "so", to #all.')
    assert place.models_dir / "fresh" / "model.yaml" in written
    assert not [path for path in written if path.suffix == ".py"], "no Python is needed"
    assert load_contract(described["data"]["dataset"], place.contracts_dir)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"name": "Bad"}, "'Bad' is no name of a model"),
        ({"name": "../up"}, "is no name of a model"),
        ({"name": "a" * 41}, "is no name of a model"),
        ({"name": "runtime"}, "is no name of a model"),
        ({"dataset": "nope"}, "'nope' has no contract.*Use one of condition_images.*--from-csv"),
        ({"dataset": "property_sales", "label": "id"}, "'id' is no column to predict.*price"),
        ({"dataset": "property_sales"}, "no --label was given"),
        ({"dataset": "room_images", "label": "label"}, "Use --kind image"),
        ({"dataset": "property_sales", "label": "price", "sample": True}, "has a contract already"),
        ({"kind": "image", "sample": True}, "--kind image learns from none"),
        ({"name": "homes", "dataset": "../x", "sample": True}, "is no name of a data set"),
        ({"kind": "pairs", "backend": "keras"}, "'pairs' does not go with .* the backend 'keras'"),
        ({"task": "ranking"}, "'ranking' does not go with the input 'tabular'.*Choose --task"),
        ({"kind": "image", "task": "detection", "backend": "sklearn"}, "not go with the backend"),
        (
            {"kind": "image", "task": "detection", "backend": "custom"},
            "drafts no programs for --task detection, only for .*regression.*docs/examples",
        ),
        (
            {"dataset": "property_sales", "label": "view", "task": "multi-label"},
            "'view' is no column to predict with --task multi-label",
        ),
        (
            {"kind": "pairs", "dataset": "restaurant_interactions", "label": "restaurant_id"},
            "0 columns have the role user.*Say it of a column with --feature",
        ),
        (
            {"dataset": "property_sales", "label": "price", "features": {"view": "nonsense"}},
            "view: nonsense is none of number, .*--feature COLUMN=TREATMENT",
        ),
        (
            {
                "dataset": "property_sales",
                "label": "price",
                "backend": "custom",
                "features": {"view": "category", "date": "drop"},
            },
            "--feature of view: programs of --backend custom get columns as they are",
        ),
    ],
)
def test_what_cannot_be_is_refused_and_writes_nothing(place, sample, asked, said):
    before = sorted(place.models_dir.parent.rglob("*"))
    given = {"name": "fresh", "kind": "tabular", **asked}
    given["sample"] = sample if asked.get("sample") else None
    with pytest.raises(ConfigurationError, match=said):
        new_model(place, **given)
    assert sorted(place.models_dir.parent.rglob("*")) == before


EVERY = [(kind, *family) for kind in names_of("inputs") for family in families(kind)]
WITHOUT_PROGRAMS = [
    (kind, task, backend)
    for kind, task, backend in EVERY
    if plug_in("backends", backend).writes_code and not (TEMPLATES / "tasks" / task).is_dir()
]


def test_every_input_task_and_backend_that_go_together_are_drafted(place):
    refused = []
    for number, (kind, task, backend) in enumerate(EVERY):
        name = f"fresh-{number}"
        try:
            new_model(place, name, kind, task=task, backend=backend)
        except InvalidModelSpec:
            refused.append((kind, task, backend))
            continue
        assert faulty(place, name, run=False) == [], (kind, task, backend)
        assert load_model_spec(name, place.models_dir).family.task == task
    assert refused == WITHOUT_PROGRAMS
    assert ("image", "detection", "custom") in refused
    assert {task for _, task, _ in EVERY} == set(names_of("tasks"))


@pytest.mark.parametrize(
    ("asked", "family"),
    [
        ({"kind": "pairs"}, ("ranking", "two-towers")),
        ({"kind": "tabular", "dataset": "reviews", "label": "label"}, ("classification", "keras")),
        ({"kind": "tabular", "backend": "sklearn"}, ("regression", "sklearn")),
        ({"kind": "tabular", "task": "probability"}, ("probability", "keras")),
        ({"kind": "image", "dataset": "object_images", "label": "objects"}, ("detection", "keras")),
        (
            {"kind": "tabular", "dataset": "restaurant_interactions", "label": "restaurant_id"},
            ("classification", "keras"),
        ),
    ],
)
def test_what_nobody_asked_for_is_chosen(place, asked, family):
    new_model(place, "fresh", **asked)
    chosen = load_model_spec("fresh", place.models_dir).family
    assert (chosen.task, chosen.backend) == family


@pytest.mark.parametrize("backend", names_of("backends"))
def test_a_draft_draws_what_its_backend_logs(place, backend):
    kind = "pairs" if backend == "two-towers" else "tabular"
    new_model(place, "fresh", kind, backend=backend)
    training = load_model_spec("fresh", place.models_dir).training
    tracked = "ndcg" if kind == "pairs" else "mae"
    drawn = {metric.name: metric.regex for metric in training.metrics}
    logged = plug_in("backends", backend).logged
    assert len(drawn) == len(logged) + 1
    for name, key in [*logged.items(), ("holdout:{metric}", "holdout_{metric}")]:
        regex = drawn[name.replace("{metric}", tracked)]
        found = re.search(regex, f"epoch=1 {key.replace('{metric}', tracked)}=0.25 seconds=1")
        assert found is not None
        assert found.group(1) == "0.25"


def test_roles_and_treatments_that_are_said_are_written(place):
    said = {"view": "category", "date": "drop"}
    new_model(place, "fresh", "tabular", "property_sales", "price", features=said)
    spec = load_model_spec("fresh", place.models_dir)
    assert dict(spec.data.features) == said
    new_model(place, "dishes", "pairs")
    spec = load_model_spec("dishes", place.models_dir)
    assert dict(spec.data.features) == {"user_id": "user", "occurred_on": "time"}
    assert spec.data.holdout_days > 0


def test_nothing_is_ever_replaced(place):
    new_model(place, "fresh", "tabular")
    with pytest.raises(ConfigurationError, match="fresh exists already"):
        new_model(place, "fresh", "tabular")
    shutil.rmtree(place.models_dir / "fresh")
    with pytest.raises(ConfigurationError, match=r"fresh\.odcs\.yaml exists"):
        new_model(place, "fresh", "tabular")
    assert not (place.models_dir / "fresh").exists()


def lines(place, name):
    return [said for outcome, said in check_model(place, name, run=False) if outcome == "ok"]


def test_a_check_tells_what_becomes_of_each_column(place, sample):
    new_model(place, "fresh", "tabular", "homes", "price", sample, features={"note": "text"})
    assert {
        "id: dropped (key)",
        "day: date",
        "warm: true or false",
        "city: category (2 values)",
        "note: words (data.features)",
    } < set(lines(place, "fresh"))
    model = place.models_dir / "fresh" / "model.py"
    model.write_text("def features(columns, hyperparameters):\n    return []\n")
    assert "city: what features() of model.py makes of it" in lines(place, "fresh")
    assert "id: dropped (key)" in lines(place, "fresh")


def test_columns_of_an_own_program_are_its_own_business(place):
    new_model(place, "fresh", "tabular", "reviews", "label", backend="custom")
    assert "text: given to inference.py as it is" in lines(place, "fresh")


def command(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "deployments.models", *arguments],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip


def test_the_command_explains_itself():
    assert "new-model" in command("--help").stdout
    assert "--from-csv" in command("new-model", "--help").stdout
    failed = command("new-model", "x", "--feature", "zipcode")
    assert "'zipcode' is no COLUMN=TREATMENT, like zipcode=category" in failed.stderr
    failed = command("check-model", "no-such")
    assert failed.returncode == 1
    assert re.search(r"Use one of .*price-estimator", failed.stdout)


EXAMPLES = sorted(path.parent.name for path in (ROOT / "docs/examples").glob("*/model.yaml"))
OWN = "price-ridge"


@pytest.fixture
def example(place):
    def copy(name):
        left = shutil.ignore_patterns("__pycache__")
        folder = place.models_dir / name
        shutil.copytree(ROOT / "docs" / "examples" / name, folder, ignore=left)
        return folder

    return copy


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_sound(place, example, name):
    example(name)
    assert faulty(place, name, run=False) == []


def test_own_programs_are_tried_as_sagemaker_would_run_them(place, example):
    example(OWN)
    said = list(check_model(place, OWN))
    assert [sentence for outcome, sentence in said if outcome == "FAULT"] == []
    told = "\n".join(f"{outcome} {sentence}" for outcome, sentence in said)
    assert re.search("ok it trains, and measures .*mae, .*within_20_percent", told)
    assert said[-1] == ("ok", "it answers its own example, and measures itself as a champion")


@pytest.mark.parametrize(
    ("program", "change", "said"),
    [
        ("train.py", ('"model.joblib"', '"other.joblib"'), "No such file or directory: .*model.jo"),
        ("train.py", ("import joblib", "import jobless"), "No module named 'jobless'"),
        ("inference.py", ("instances, model", "instances, model, more"), "missing 1 required posi"),
        ("inference.py", (".tolist()", "[:0].tolist()"), "answered 0 values for 40 instances"),
        ("inference.py", (".tolist()", ".astype(str).tolist()"), "no number"),
        (
            "inference.py",
            (".tolist()", ".tolist()[1:] + [float('nan')]"),
            "the model answered row .* with nan, and 1 of 40 rows in all",
        ),
        (
            "model.py",
            (".mean())", ".mean()) * float('nan')"),
            "within_20_percent = nan, which is no",
        ),
        ("model.py", ('"within_20_percent"', '"within"'), "within_20_percent is not measured"),
        ("model.py", ('"within_20_percent"', '"mae"'), "measures mae, as the task does"),
    ],
)
def test_an_own_program_that_would_fail_is_told_before(place, example, program, change, said):
    folder = example(OWN)
    text = (folder / program).read_text("utf-8")
    assert change[0] in text
    (folder / program).write_text(text.replace(*change))
    told = "; ".join(faulty(place, OWN))
    assert re.search(said, told, re.DOTALL), told


@pytest.mark.parametrize(
    ("kind", "task", "data"),
    [
        ("tabular", "regression", ("property_sales", "price")),
        ("tabular", "classification", ("reviews", "label")),
        ("text", "probability", ()),
        ("image", "multi-label", ("feature_images", "features")),
    ],
)
def test_the_programs_that_are_written_for_an_own_framework_run(place, kind, task, data):
    new_model(place, "fresh", kind, *data, backend="custom", task=task)
    assert faulty(place, "fresh") == []


@pytest.mark.tensorflow
def test_a_new_model_of_photos_runs(place):
    new_model(place, "fresh", "image", "room_images", "label")
    said = list(check_model(place, "fresh"))
    assert [outcome for outcome, _ in said if outcome == "FAULT"] == [], said
