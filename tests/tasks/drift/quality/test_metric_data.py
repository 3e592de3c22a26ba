"""What CloudWatch is told of a champion's error, once labels have come."""

from __future__ import annotations

import numpy as np
import pytest

from tasks.clock import utc
from tasks.drift.alarms.consequence import Consequence
from tasks.drift.alarms.watch import LastWatch, labelled_lately
from tasks.drift.quality.champion import Followed, follow, reference_errors
from tasks.drift.quality.concept import ConceptPolicy, Period
from tasks.drift.quality.metric_data import LATELY, metric_data
from tasks.drift.scoring import Scored

NOW = 1_767_232_800.0
TOY = ("toy", "v1-4-0")


def followed(*means: float) -> Followed:
    newest = tuple(
        Period(name=f"p{number}", rows=60, mean=mean, variance=0.1)
        for number, mean in enumerate(means)
    )
    return Followed(outcome="pass", reason="", newest=newest)


def test_an_accuracy_is_told_in_percent_the_newest_period_as_of_now() -> None:
    newest, before, *_ = metric_data(*TOY, "classification", followed(0.1, 0.25), NOW)
    assert newest == {
        "MetricName": "ModelAccuracy",
        "Dimensions": [{"Name": "ModelName", "Value": "toy"}],
        "Timestamp": utc(NOW),
        "Value": 75.0,
        "Unit": "Percent",
    }
    assert (before["Value"], before["Timestamp"]) == (90.0, utc(NOW - 300))


@pytest.mark.parametrize(
    ("task", "name", "value", "unit"),
    [
        ("regression", "ModelError", 0.25, "None"),
        ("probability", "ModelError", 0.25, "None"),
        ("ranking", "ModelNDCG", 75.0, "Percent"),
        ("detection", "ModelF1", 75.0, "Percent"),
        ("multi-label", "ModelLabelAccuracy", 75.0, "Percent"),
    ],
)
def test_what_is_no_accuracy_is_not_called_one(
    task: str, name: str, value: float, unit: str
) -> None:
    told, _ = metric_data(*TOY, task, followed(0.25), NOW)
    assert (told["MetricName"], told["Value"], told["Unit"]) == (name, value, unit)


def test_without_labels_nothing_is_told() -> None:
    assert metric_data(*TOY, "classification", followed(), NOW) == []


def test_each_is_told_of_the_model_and_of_the_version_that_was_judged() -> None:
    told = metric_data(*TOY, "classification", followed(0.1, 0.25), NOW)
    model = {"Name": "ModelName", "Value": "toy"}
    version = {"Name": "VariantName", "Value": "v1-4-0"}
    assert [one["Dimensions"] for one in told] == [[model], [model], *2 * [[model, version]]]
    assert [one["Value"] for one in told] == [75.0, 90.0, 75.0, 90.0]
    bare = [{**one, "Dimensions": []} for one in told]
    assert bare[:2] == bare[2:]


def test_a_mean_that_is_no_number_is_not_told_as_nothing_right() -> None:
    [told, _] = metric_data(*TOY, "classification", followed(0.25, float("nan")), NOW)
    assert (told["Value"], told["Timestamp"]) == (75.0, utc(NOW))
    assert metric_data(*TOY, "regression", followed(float("inf"), float("nan")), NOW) == []


def test_what_an_earlier_watch_told_a_few_minutes_ago_is_no_second_period() -> None:
    found = followed(0.1, 0.25)
    assert metric_data(*TOY, "classification", found, NOW, told=("p0", "p1")) == []
    [new, _] = metric_data(*TOY, "classification", found, NOW, told=("p9", "p0"))
    assert (new["Value"], new["Timestamp"]) == (75.0, utc(NOW))


def test_what_a_watch_told_counts_for_some_minutes() -> None:
    nothing = Consequence(kind="nothing", reason="")
    watch = LastWatch(at=NOW, window="w", consequence=nothing, labelled=("p0", "p1"))
    assert labelled_lately(watch, NOW + LATELY - 1, LATELY) == ("p0", "p1")
    assert labelled_lately(watch, NOW + LATELY, LATELY) == ()
    assert labelled_lately(None, NOW, LATELY) == ()


def scored(error: float, labelled: int) -> Scored:
    """Rows of a period, of which so many have their label."""
    wrong = (np.arange(labelled) < error * labelled).astype(float)
    waits = np.full(100 - labelled, np.nan)
    rows = np.concatenate([wrong, waits])
    return Scored(residual=rows, error=rows, score=np.full(100, 0.9))


def test_the_newest_labelled_periods_are_those_that_a_watch_found() -> None:
    held = {f"2026-01-{day:02}": scored(0.1, 100) for day in range(1, 8)}
    reference = reference_errors(held, end=utc(NOW).date(), days=1)
    since = {
        "2026-02-01": scored(0.1, 100),
        "2026-02-02": scored(0.2, 100),
        "2026-02-03": scored(0.4, 60),
        "2026-02-04": scored(0.9, 10),  # too few of its labels have come
    }
    found = follow(reference, since, ConceptPolicy())
    assert [(one.name, one.mean) for one in found.newest] == [
        ("2026-02-02", 0.2),
        ("2026-02-03", pytest.approx(0.4)),
    ]
