"""A file that does not parse stops those who use it, and nobody else."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.release import testbed
from flows.forms import choices
from tasks import aws as our_aws
from tasks.contracts import load_contract
from tasks.contracts.curation.curated import curated_contracts
from tasks.errors import InvalidContract, InvalidModelSpec
from tasks.model_spec import load_model_spec
from tasks.settings import Settings, settings
from tests.tasks.contracts.curation.interactions import interaction

pytestmark = pytest.mark.seconds(60)

HOME = Path(__file__).parents[2]
GOOD = ("power100_interactions", "power100_outcomes", "power100_feedback", "reviews")
BROKEN = {
    "no YAML": b"version: [1.0.0\n",
    "nothing": b"",
    "a list": b"- 1\n- 2\n",
    "not UTF-8": "name: Zürich\n".encode("latin-1"),
    "a zero byte": b"version: \x00\n",
    "a day that is none": b"version: 2024-13-45\n",
    "endlessly deep": b"[" * 20_000,
    "a value that contains itself": b"version: &a [*a]\n",
    "aliases of aliases": b"a0: &a0 [x, x]\n"
    + b"".join(
        b"a%d: &a%d [%s]\n" % (level, level, b", ".join([b"*a%d" % (level - 1)] * 10))
        for level in range(1, 12)
    ),
    "a number beyond any": b"version: 1" + b"0" * 400 + b"\n",
    "a number of too many digits": b"version: 1" + b"0" * 5000 + b"\n",
    "a key named twice": b"version: 1.0.0\nversion: 2.0.0\n",
    "half a contract": b"version: 1.0.0\nkind: DataContract\napiVersion: v3.2.0\nid: x\n",
}  # fmt: skip
FLOWS = ("curate", "experiment", "reconcile", "release", "retrain", "retrain_due", "watch_drift")


def folder_with(path: Path, body: bytes) -> Path:
    """Some of our contracts, and one that does not parse."""
    path.mkdir()
    for name in GOOD:
        shutil.copy(HOME / "data_contracts" / f"{name}.odcs.yaml", path)
    (path / "broken.odcs.yaml").write_bytes(body)
    return path


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_broken_contract_is_one_error_that_names_its_file(tmp_path, body):
    folder = folder_with(tmp_path / "contracts", body)
    with pytest.raises(InvalidContract, match=r"broken\.odcs\.yaml"):
        load_contract("broken", folder)
    good, broken = curated_contracts(folder)
    assert set(good) == set(GOOD) - {"reviews"}
    assert list(broken) == ["broken"]
    assert "broken.odcs.yaml" in broken["broken"]


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_broken_model_is_one_error_that_names_its_file(tmp_path, body):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "model.yaml").write_bytes(body)
    with pytest.raises(InvalidModelSpec, match=r"broken/model\.yaml"):
        load_model_spec("broken", tmp_path)


def test_a_folder_where_a_file_should_be_is_named_too(tmp_path):
    (tmp_path / "broken.odcs.yaml").mkdir()
    with pytest.raises(InvalidContract, match=r"broken\.odcs\.yaml"):
        load_contract("broken", tmp_path)
    (tmp_path / "broken" / "model.yaml").mkdir(parents=True)
    with pytest.raises(InvalidModelSpec, match=r"broken/model\.yaml"):
        load_model_spec("broken", tmp_path)


FORMS = """
import json
from importlib import import_module
from tasks.settings import Settings, settings
found = {}
for name in NAMES:
    module = import_module(f"flows.{name}")
    for attribute in vars(module).values():
        schema = getattr(attribute, "parameters", None)
        if schema is not None and getattr(attribute, "__module__", "") == module.__name__:
            found.setdefault(name, []).append(schema.model_dump())
assert settings.cache_info().misses == 0, "settings were read"
print(json.dumps(found))
"""


def test_a_flow_is_imported_without_a_setting_a_model_or_a_contract(tmp_path):
    """What is wrong in one of them stops those who use it, when they use it."""
    done = subprocess.run(
        [sys.executable, "-c", FORMS.replace("NAMES", repr(FLOWS))],
        cwd=HOME,
        env={
            **os.environ,
            "SLUICE_CONTRACTS_DIR": f"{tmp_path / 'absent'}",
            "SLUICE_MODELS_DIR": f"{tmp_path / 'absent'}",
            "SLUICE_POLL_SECONDS": "often",
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    forms = json.loads(done.stdout.splitlines()[-1])
    assert set(forms) == set(FLOWS)
    fields = [
        (name, field)
        for schemas in forms.values()
        for schema in schemas
        for name, field in schema["properties"].items()
    ]
    assert {field["menu"] for name, field in fields if name == "model"} == {
        "models",
        "models or all",
    }
    assert {field["menu"] for name, field in fields if name == "dataset"} == {"data sets or all"}


def test_menus_name_what_does_not_parse_as_well(tmp_path):
    contracts = folder_with(tmp_path / "contracts", BROKEN["no YAML"])
    models = tmp_path / "models"
    for name in ("broken", "price-estimator"):
        (models / name).mkdir(parents=True)
        (models / name / "model.yaml").write_text("name: [")
    offered = choices(Settings(contracts_dir=contracts, models_dir=models))
    assert offered["models"] == ["broken", "price-estimator"]
    assert offered["models or all"] == ["all", "broken", "price-estimator"]
    assert offered["data sets or all"] == ["all", "broken", *sorted(set(GOOD) - {"reviews"})]


@pytest.fixture
def lake(
    aws: Any, prefect_server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """A lake, a folder of contracts with a broken one, and a folder of models with another."""
    for name, value in testbed.environment(aws).items():
        monkeypatch.setenv(name, value)
    contracts = folder_with(tmp_path / "contracts", BROKEN["no YAML"])
    models = tmp_path / "models"
    for name in ("alpha", "broken", "omega"):
        (models / name).mkdir(parents=True)
        body = testbed.spec().model_dump_json() if name != "broken" else "name: ["
        (models / name / "model.yaml").write_text(body.replace(testbed.MODEL, name))
    monkeypatch.setenv("SLUICE_CONTRACTS_DIR", str(contracts))
    monkeypatch.setenv("SLUICE_MODELS_DIR", str(models))
    monkeypatch.setenv("SLUICE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("SLUICE_LAKE_BUCKET", "broken-lake")
    monkeypatch.setenv("SLUICE_WORK_BUCKET", "broken-work")
    our_aws.client.cache_clear()
    settings.cache_clear()
    s3 = our_aws.client("s3")
    for bucket in ("broken-lake", "broken-work", testbed.BUCKET):
        s3.create_bucket(Bucket=bucket)
    versioned = {"Status": "Enabled"}
    s3.put_bucket_versioning(Bucket="broken-lake", VersioningConfiguration=versioned)
    yield s3
    our_aws.client.cache_clear()
    settings.cache_clear()


def test_curate_goes_on_past_a_broken_contract_says_so_and_is_not_green(lake):
    from flows.curate import curate

    record = interaction(1, outcomes={"demo_booked": True})
    key = f"raw/year=2024/month=1/day=5/{record['interaction_id']}.json"
    lake.put_object(Bucket="broken-lake", Key=key, Body=json.dumps(record).encode())
    ended = curate("all", return_state=True)
    assert ended.is_failed()
    assert "broken was left out" in ended.message
    assert "broken.odcs.yaml is not YAML" in ended.message
    assert "power100_interactions: 1 rows in, 1 new" in ended.message
    assert "1 of its records have an outcome" in ended.message
    for folder in ("processed/conversations/", "processed/outcomes/", "training-data/labeled/"):
        assert lake.list_objects_v2(Bucket="broken-lake", Prefix=folder)["KeyCount"] > 0
    alone = curate("power100_interactions", return_state=True)
    assert alone.is_completed(), "who does not use the broken file is not stopped"
    used = curate("broken", return_state=True)
    assert used.is_failed()
    assert "broken.odcs.yaml" in used.message


def test_the_daily_question_goes_on_past_a_broken_model_and_is_not_green(lake):
    from flows.retrain_due import retrain_due

    ended = retrain_due(start=False, return_state=True)
    assert ended.is_failed()
    assert "broken was left out" in ended.message
    assert "broken/model.yaml is not YAML" in ended.message
    for model in ("alpha", "omega"):
        assert model in ended.message


def test_reading_experiments_goes_on_past_a_broken_model(lake):
    from flows.experiment import read

    ended = read(return_state=True)
    assert ended.is_completed(), ended.message
    assert ended.message == "No experiment is running."
