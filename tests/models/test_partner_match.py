"""partner-match, trained by its own model.yaml on generated weeks, and asked about later ones."""

import json
from datetime import date

import numpy as np
import pytest

from benchmarks.training.job import run_job
from deployments.demo.interactions import partner_interactions
from models.runtime import measures
from models.runtime.bundle import Bundle, labelled
from tasks.model_spec import load_model_spec
from tests.models.trained import ROOT, write_channel

pytestmark = [pytest.mark.tensorflow, pytest.mark.seconds(60)]

SPEC = load_model_spec("partner-match", ROOT / "models")
START, DAYS, ROWS = date(2026, 1, 1), 140, 24_000
HELD = np.datetime64(START) + DAYS - SPEC.data.holdout_days


@pytest.fixture(scope="module")
def job(tmp_path_factory):
    """A finished job: the folder that it left, and what it printed."""
    base = tmp_path_factory.mktemp("job")
    made = partner_interactions(ROWS, START, DAYS, seed=7)
    heard = made.pop("arrives") >= 0
    matched = made.pop("matched").tolist()
    made.pop("chance")
    made[SPEC.data.label] = np.asarray(
        [yes if told else None for yes, told in zip(matched, heard, strict=True)], dtype=object
    )
    late = made["timestamp"] >= HELD
    for side, chosen in (("training", ~late), ("holdout", late)):
        write_channel(base / "input/data" / side, made, chosen, SPEC.data.dataset)
    return base, run_job(SPEC.name, SPEC.composition, SPEC.training.hyperparameters, base)


@pytest.fixture(scope="module")
def rows(job):
    """Features and labels of both sides, as the model has them, and its chances of the later."""
    bundle = Bundle.load(job[0] / "model")
    sides = [
        labelled(bundle.read(job[0] / "input/data" / side), bundle.task)
        for side in ("training", "holdout")
    ]
    features = [bundle.tensors(side.inputs)["features"] for side in sides]
    return features, [side.labels for side in sides], bundle.predicted(sides[1].inputs)


def test_its_chances_can_be_believed_in_weeks_that_it_has_not_seen(job, rows):
    _, labels, chances = rows
    found = measures.chances(labels[1], chances)
    assert 0.05 < labels[1].mean() < 0.15
    assert found["ece"] <= 0.02
    assert abs(found["bias"]) < 0.1
    metrics = json.loads((job[0] / "output/data/metrics.json").read_text("utf-8"))
    assert metrics["candidate"] == pytest.approx(found, rel=1e-3)
    assert metrics["candidate"]["average_precision"] > metrics["baseline"]["average_precision"]
    assert "calibrated on rows set aside: slope=" in job[1]


def test_it_puts_matches_first_better_than_a_linear_model_of_the_same_features(rows):
    from sklearn.linear_model import LogisticRegression

    features, labels, chances = rows
    linear = LogisticRegression(max_iter=1_000).fit(features[0], labels[0])
    rival = measures.chances(labels[1], linear.predict_proba(features[1])[:, 1])
    ours = measures.chances(labels[1], chances)
    assert ours["average_precision"] > 1.3 * rival["average_precision"]
    assert ours["log_loss"] < rival["log_loss"]


def test_it_hears_whole_records_and_knows_nothing_of_what_came_later(job):
    spec = json.loads((job[0] / "model/preprocess.json").read_text("utf-8"))
    names = {column["name"] for column in spec["columns"]}
    assert "metadata.location.state" in names
    assert not {name for name in names if name.startswith(("outcomes", "feedback"))}
    assert not names & {"updated_at", "user_id", "interaction_id", "timestamp"}
    assert spec["output"]["calibration"]["rows"] > 3_000
    record = {
        "user_type": "partner",
        "interaction_type": "ai_concierge",
        "metadata": {"channel": "web", "location": {"state": "TX"}},
    }
    flat = {
        "user_type": "partner",
        "interaction_type": "ai_concierge",
        "metadata.channel": "web",
        "metadata.location.state": "TX",
    }
    bundle = Bundle.load(job[0] / "model")
    nested, plain = bundle.predicted(bundle.input.decode([record, flat]))
    assert nested == plain
    assert 0 < plain < 1
