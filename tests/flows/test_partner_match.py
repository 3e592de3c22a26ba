"""partner-match from the lake to an endpoint: versions, late outcomes, a chance for a record."""

from __future__ import annotations

import json
import shutil
from datetime import date, timedelta

import numpy as np
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
ROWS, DAYS, FIRST = 24_000, 120, date(2026, 1, 5)
LAST = FIRST + timedelta(days=DAYS - 1)
TRAINED = LAST - timedelta(days=7)


def test_it_learns_from_records_whose_outcome_has_come_tells_a_chance_and_is_followed(
    place: Place,
) -> None:
    from flows.retrain import retrain
    from flows.watch_drift import watch_drift

    folder = settings().models_dir / MODEL
    shutil.copytree(ROOT / "models" / MODEL, folder)
    described = yaml.safe_load((folder / "model.yaml").read_text("utf-8"))
    described["release"] = testbed.spec().release.model_dump(mode="json")
    (folder / "model.yaml").write_text(yaml.safe_dump(described))
    made = partner_interactions(ROWS, FIRST, DAYS, seed=11)
    root = place.folder / "made"
    write_interactions(root, made, TRAINED)
    upload(planned(root)[0], "sluice-lake")

    state = retrain(MODEL, reason="to see", end=TRAINED, return_state=True)
    assert state.is_completed(), state.message
    version = Registry.here().pointer(MODEL).version
    manifest = Registry.here().manifest(MODEL, version)
    assert manifest.metrics["ece"] <= 0.02
    [mark] = [
        key for key in objects.keys("sluice-work", "channels/") if key.endswith("/complete.json")
    ]
    split = json.loads(objects.read("sluice-work", mark).body)
    used = split["training_rows"] + split["holdout_rows"]
    assert used + split["too_young"] == pytest.approx(ROWS * (DAYS - 7) / DAYS, rel=0.02)
    assert split["too_young"] == pytest.approx(ROWS * 21 / DAYS, rel=0.1)
    first = next(record for _, record in versions(made))
    [chance] = place.ask(MODEL, first)["predictions"]
    assert 0 < chance < 1

    write_interactions(place.folder / "later", made, LAST)
    upload(planned(place.folder / "later")[0], "sluice-lake")
    watched = watch_drift(MODEL, end=LAST, return_state=True)
    assert watched.is_completed(), watched.message
    assert "None of" in str(watched.message)
    followed = (settings().cache_dir / "work" / MODEL).rglob("scores/*.npz")
    for path in followed:
        with np.load(path) as found:
            known = np.isfinite(found["error"])
            assert 0 < known.sum() < len(known), "a version without an outcome has no error"
            assert found["error"][known].mean() < 0.12
            assert abs(found["residual"][known].mean()) < 0.05
