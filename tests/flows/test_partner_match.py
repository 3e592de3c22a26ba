"""partner-match from the lake to an endpoint: versions, late outcomes, a chance for a record."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta

import pytest
import yaml

from benchmarks.release import testbed
from deployments.demo.interactions import partner_interactions, versions, write_interactions
from deployments.lake import planned, upload
from tasks import objects
from tasks.registry import Registry
from tasks.settings import settings
from tests.flows.test_added_models import ROOT, TIME_SCALE, Place, place

__all__ = ["TIME_SCALE", "place"]
pytestmark = [pytest.mark.timeout(900), pytest.mark.tensorflow, pytest.mark.seconds(120)]

MODEL = "partner-match"
ROWS, DAYS = 15_000, 100


def test_it_is_trained_on_records_whose_outcome_has_come_and_tells_users_a_chance(
    place: Place,
) -> None:
    folder = settings().models_dir / MODEL
    shutil.copytree(ROOT / "models" / MODEL, folder)
    described = yaml.safe_load((folder / "model.yaml").read_text("utf-8"))
    described["release"] = testbed.spec().release.model_dump(mode="json")
    (folder / "model.yaml").write_text(yaml.safe_dump(described))
    today = datetime.now(UTC).date()
    made = partner_interactions(ROWS, today - timedelta(days=DAYS - 1), DAYS, seed=11)
    root = place.folder / "made"
    write_interactions(root, made, today)
    upload(planned(root)[0], "sluice-lake")

    good, said = place.retrain(MODEL)
    assert good, said
    version = Registry.here().pointer(MODEL).version
    manifest = Registry.here().manifest(MODEL, version)
    assert manifest.metrics["ece"] <= 0.02
    [mark] = [
        key for key in objects.keys("sluice-work", "channels/") if key.endswith("/complete.json")
    ]
    split = json.loads(objects.read("sluice-work", mark).body)
    used = split["training_rows"] + split["holdout_rows"]
    assert used + split["too_young"] == ROWS
    assert split["too_young"] == pytest.approx(ROWS * 21 / DAYS, rel=0.1)
    first = next(record for _, record in versions(made))
    [chance] = place.ask(MODEL, first)["predictions"]
    assert 0 < chance < 1
