"""recommendation from the lake to an endpoint: acts, an order, and later weeks followed."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
import yaml

from benchmarks.release import testbed
from deployments.demo.restaurants import (
    DiningShift,
    restaurant_interactions,
    write_restaurant_interactions,
)
from deployments.lake import planned, upload
from tasks.registry import Registry
from tasks.settings import settings
from tests.flows.test_added_models import ROOT, TIME_SCALE, Place, place

__all__ = ["TIME_SCALE", "place"]
pytestmark = [pytest.mark.timeout(900), pytest.mark.tensorflow, pytest.mark.seconds(150)]

MODEL = "recommendation"
ROWS, DAYS, FIRST, SEED = 16_000, 120, date(2026, 1, 1), 7
GUESTS = ROWS // 25
LAST = FIRST + timedelta(days=DAYS - 1)


def bring(place: Place, name: str, **acts: Any) -> None:
    root = place.folder / name
    write_restaurant_interactions(root, restaurant_interactions(**acts, seed=SEED, guests=GUESTS))
    upload(planned(root)[0], "sluice-lake")


def test_acts_of_the_lake_become_an_order_that_is_served_and_followed(place: Place) -> None:
    from flows.retrain import retrain
    from flows.watch_drift import watch_drift

    folder = settings().models_dir / MODEL
    shutil.copytree(ROOT / "models" / MODEL, folder)
    described = yaml.safe_load((folder / "model.yaml").read_text("utf-8"))
    described["release"] = testbed.spec().release.model_dump(mode="json")
    (folder / "model.yaml").write_text(yaml.safe_dump(described))
    bring(place, "made", rows=ROWS, start=FIRST, days=DAYS, shift=DiningShift(broken=0.004))

    state = retrain(MODEL, reason="to see", end=LAST, return_state=True)
    assert state.is_completed(), state.message
    version = Registry.here().pointer(MODEL).version
    metrics = Registry.here().manifest(MODEL, version).metrics
    assert 0.05 < metrics["ndcg"] < metrics["ndcg_most"] < 1

    guest = {"user_id": "g7-000004", "guest_segment": "family", "home_district": "park"}
    [answer] = place.ask(MODEL, {**guest, "k": 20})["predictions"]
    listed = [entry["item"] for entry in answer["items"]]
    scores = [entry["score"] for entry in answer["items"]]
    assert len(set(listed)) == 20
    assert scores == sorted(scores, reverse=True)
    assert 0 < scores[-1] <= scores[0] < 1

    later = LAST + timedelta(days=14)
    bring(place, "later", rows=1_800, start=LAST + timedelta(days=1), days=14,
          shift=DiningShift(new_guests=0.5))  # fmt: skip
    watched = watch_drift(MODEL, end=later, return_state=True)
    assert watched.is_completed(), watched.message
    followed = list((settings().cache_dir / "work" / MODEL).rglob("scores/*.npz"))
    assert followed, "the champion was not run on the new acts"
    for path in followed:
        with np.load(path) as found:
            assert np.isfinite(found["error"]).all()
            assert ((found["error"] >= 0) & (found["error"] <= 1)).all()
            assert 0.3 < found["error"].mean() < 1
