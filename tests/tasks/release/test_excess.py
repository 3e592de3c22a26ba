"""The alarms' metric math: chance in a shared incident rings nothing, and a broken canary rings."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from tasks.release.hosting import excess

FLOOR = 0.05
"""model.yaml's default for the highest error rate."""


def worse(errors: float, requests: float, stable_errors: Any, stable_requests: Any) -> float:
    """What CloudWatch would make of the expression; None is a metric without data."""
    known: dict[str, Any] = {
        "IF": lambda condition, then, otherwise: then if condition else otherwise,
        "FILL": lambda value, filler: filler if value is None else value,
        "SQRT": math.sqrt,
        "ec": errors, "nc": requests, "es": stable_errors, "ns": stable_requests,
    }  # fmt: skip
    queries, expression = excess.shares(("ec", "nc"), ("es", "ns"))
    for query in queries:
        assert query["ReturnData"] is False
        known[query["Id"]] = eval(query["Expression"], known)  # noqa: S307  our own arithmetic
    return float(eval(expression, known))  # noqa: S307


def chance_to_ring(ours: int, theirs: int, share: float) -> float:
    """Of one minute in which both versions fail with this chance, exactly."""
    x, y = np.arange(ours + 1)[:, None], np.arange(theirs + 1)[None]
    pooled = (x + y) / (ours + theirs)
    deviation = np.sqrt(pooled * (1.0 - pooled) * (1.0 / ours + 1.0 / (theirs + 1.0)))
    rings = x / ours - y / (theirs + 0.001) - excess.DEVIATIONS * deviation > FLOOR
    rings &= x >= excess.MIN_ERRORS
    for i, j in ((0, 0), (ours, 0), (ours, theirs), (ours // 2, theirs // 3)):
        assert rings[i, j] == (worse(i, ours, j, theirs) > FLOOR)
    return float((binom.pmf(x, ours, share) * binom.pmf(y, theirs, share) * rings).sum())


@pytest.mark.parametrize(
    ("ours", "theirs"), [(5, 95), (6, 540), (10, 190), (30, 570), (60, 540), (150, 150), (300, 300)]
)
def test_a_shared_incident_rings_in_fewer_than_one_minute_of_four_thousand(ours, theirs):
    """Two minutes in a row ring: one of 16 million, whatever share of the requests fails."""
    worst = max(chance_to_ring(ours, theirs, share) for share in (0.005, 0.02, 0.1, 0.2, 0.5, 0.9))
    assert worst < 1 / 4000


@pytest.mark.parametrize(("ours", "theirs"), [(5, 95), (30, 570), (300, 300)])
def test_a_canary_that_only_fails_rings(ours, theirs):
    assert worse(ours, ours, 0, theirs) > FLOOR
    assert worse(ours, ours, None, None) > FLOOR, "nothing is known of the stable version"


def test_a_canary_that_fails_a_fifth_rings_beside_a_good_stable_version():
    assert worse(60, 300, 2, 300) > FLOOR
    assert worse(10, 50, 5, 950) > FLOOR


def test_four_errors_ring_nothing():
    assert worse(4, 4, 0, 1000) == 0.0


def test_a_mean_of_four_requests_is_no_slowness():
    expression = excess.slower("nc", "lc", "ls")
    known: dict[str, Any] = {
        "IF": lambda condition, then, otherwise: then if condition else otherwise,
        "FILL": lambda value, filler: filler if value is None else value,
        "lc": 9e6, "ls": 1e6,
    }  # fmt: skip
    assert eval(expression, {**known, "nc": 4}) == 0  # noqa: S307
    assert eval(expression, {**known, "nc": 5}) == 9e6  # noqa: S307
    assert eval(expression, {**known, "nc": 5, "ls": 5e6}) == 0  # noqa: S307
    assert eval(expression, {**known, "nc": 5, "ls": None}) == 9e6  # noqa: S307
