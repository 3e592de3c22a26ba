"""Models that somebody adds: with programs of their own, and fresh from `new-model`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from benchmarks.release import town
from deployments.demo.generate import property_sales, write_sales
from deployments.lake import daily_partitions, home_of, planned, upload
from deployments.laptop import resources
from deployments.models.new import new_model
from tasks import aws as our_aws
from tasks.registry import Registry
from tasks.settings import settings

TIME_SCALE = 120.0
ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "price-ridge"
MODEL = EXAMPLE.name
FIRST = date(2026, 1, 5)
ASKED = {
    "sqft_living": 1500,
    "grade": 7,
    "bedrooms": 3,
    "bathrooms": 2,
    "lat": 47.5,
    "long": -122.2,
}

pytestmark = pytest.mark.timeout(900)


class Place:
    """An installation whose models and contracts are its own."""

    def __init__(self, aws: Any, folder: Path) -> None:
        self.aws, self.folder = aws, folder

    def load(self, first: date, days: int) -> None:
        """Sales of some days, into the lake."""
        root = self.folder / str(first)
        write_sales(root, property_sales(30 * days, first, days, seed=first.toordinal()))
        upload(planned(root)[0], "sluice-lake")

    def retrain(self, model: str) -> tuple[bool, str]:
        """One run; whether it ended well, and its words."""
        from flows.retrain import retrain

        state = retrain(model, reason="to see", return_state=True)
        return state.is_completed(), str(state.message)

    def ask(self, model: str, instance: dict[str, Any]) -> dict[str, Any]:
        """What the endpoint of a model answers."""
        answer = self.aws.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=f"sluice-{model}",
            ContentType="application/json",
            Body=json.dumps({"instances": [instance]}).encode(),
        )
        return dict(json.loads(answer["Body"].read()))

    def jobs(self) -> list[str]:
        """Training jobs so far, oldest first."""
        found = self.aws.client("sagemaker").list_training_jobs(SortOrder="Ascending")
        return [job["TrainingJobName"] for job in found["TrainingJobSummaries"]]


@pytest.fixture
def place(aws: Any, prefect_server: None, tmp_path: Path) -> Iterator[Place]:
    models, contracts = tmp_path / "models", tmp_path / "data_contracts"
    models.mkdir()
    shutil.copytree(ROOT / "data_contracts", contracts)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in town.environment(aws).items():
            patch.setenv(name, value)
        patch.setenv("SLUICE_MODELS_DIR", str(models))
        patch.setenv("SLUICE_CONTRACTS_DIR", str(contracts))
        patch.setenv("SLUICE_CACHE_DIR", str(tmp_path / "cache"))
        patch.setenv("SLUICE_POLL_SECONDS", "0.5")
        buckets = ("sluice-lake", town.BUCKET, "sluice-work")
        resources.create(aws.environment(), buckets, town.BUCKET)
        our_aws.client.cache_clear()
        settings.cache_clear()
        yield Place(aws, tmp_path)
    our_aws.client.cache_clear()
    settings.cache_clear()


def add_example(models: Path) -> None:
    shutil.copytree(EXAMPLE, models / MODEL, ignore=shutil.ignore_patterns("__pycache__"))
    # The example's own release takes hours; what it promises is not what is tested here.
    described = yaml.safe_load((models / MODEL / "model.yaml").read_text("utf-8"))
    described["release"] = town.spec().release.model_dump(mode="json")
    (models / MODEL / "model.yaml").write_text(yaml.safe_dump(described))


def test_an_own_program_works_twice_in_a_row(place: Place) -> None:
    add_example(settings().models_dir)
    place.load(FIRST, 60)
    good, said = place.retrain(MODEL)
    assert good, said
    registry = Registry.here()
    first = registry.pointer(MODEL)
    told = place.ask(MODEL, ASKED)
    assert told["by"] == first.version
    assert 10_000 < told["predictions"][0] < 10_000_000

    place.load(FIRST + timedelta(days=60), 14)
    body = json.dumps({"instances": [ASKED]}).encode()
    crowd = town.Crowd(place.aws.endpoint_url, f"sluice-{MODEL}", bodies=(body,))
    with crowd:
        good, said = place.retrain(MODEL)
    assert good, said
    second = registry.pointer(MODEL)
    assert (second.previous, crowd.failed) == (first.version, 0)
    assert [name for name in place.jobs() if name.startswith(f"{MODEL}-eval-")], "no champion"
    manifest = registry.manifest(MODEL, second.version)
    assert manifest.metrics["within_20_percent"] > 0.3


@pytest.mark.tensorflow
def test_a_new_model_goes_from_a_sample_to_users(place: Place, tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    lines = ["visit_id,date,minutes,pages,bought"]
    for number in range(400):
        day = FIRST + timedelta(days=number // 20)
        minutes, pages = rng.uniform(0, 30), rng.integers(1, 20)
        bought = "yes" if minutes + pages + rng.normal(0, 2) > 25 else "no"
        lines.append(f"v-{number},{day},{minutes:.2f},{pages},{bought}")
    sample = tmp_path / "visits.csv"
    sample.write_text("\n".join(lines) + "\n")
    new_model(settings(), "visit-teller", "tabular", sample=sample, owner="ann")
    daily_partitions(sample, tmp_path / "lake", "visit_teller")
    keys, _ = planned(tmp_path / "lake", home_of("visit_teller"))
    upload(keys, "sluice-lake")

    good, said = place.retrain("visit-teller")
    assert good, said
    row = {"date": str(FIRST + timedelta(days=19))}
    [eager] = place.ask("visit-teller", {**row, "minutes": 29, "pages": 19})["predictions"]
    [idle] = place.ask("visit-teller", {**row, "minutes": 1, "pages": 1})["predictions"]
    assert (eager["label"], idle["label"]) == ("yes", "no")


def test_one_unsound_model_keeps_no_other_from_being_looked_at(place: Place) -> None:
    from flows.retrain_due import retrain_due

    for name in ("aaa", "zzz"):
        new_model(settings(), name, "tabular", "property_sales", "price")
    described = settings().models_dir / "aaa" / "model.yaml"
    described.write_text(described.read_text("utf-8").replace("label: price", "label: prize"))
    state = retrain_due(start=False, return_state=True)
    assert state.is_failed(), "somebody must see it"
    assert "aaa was left out: " in str(state.message)
    assert "has no column 'prize'" in str(state.message)
    assert "zzz: nothing serves yet" in str(state.message)
