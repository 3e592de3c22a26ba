"""Columns whose differences are tiny beside their values, and columns that hold one value."""

import json

import numpy as np
import pyarrow as pa
import pytest

from tasks.drift.check import compare
from tasks.drift.grid import fit_grid
from tasks.drift.policy import DriftPolicy
from tasks.drift.profiles.grid import Grid, NumericGrid
from tasks.drift.profiles.profile import Profile
from tasks.drift.scan import profile_batches
from tasks.errors import ProfileIncompatible, UnreadableData

KINDS = {"x": "numeric"}
ROWS = 2_000


def rng(seed=0):
    return np.random.default_rng(seed)


def normal(offset, spread, shift=0.0, seed=0):
    return pa.array(offset + shift * spread + rng(seed).normal(0, spread, ROWS))


def whole(offset, spread, shift=0, seed=0, kind="int64"):
    """Integers, made without floats."""
    steps = np.rint(rng(seed).normal(0, spread, ROWS) + shift * spread).astype(int).tolist()
    return pa.array([offset + step for step in steps], kind)


def constant(value, kind=None):
    return pa.array([value] * ROWS, kind)


def profiles(columns, grid, name="2026-02"):
    return [
        profile_batches(
            pa.table({"x": column}).to_batches(), KINDS, grid, partition=f"{name}-{day:02d}"
        )
        for day, column in enumerate(columns, start=1)
    ]


def drifted(old, new, weeks=1, policy=None):
    """Whether new rows drifted from old ones; ``weeks`` shares of the old rows to learn from."""
    share = len(old) // weeks
    parts = [old.slice(week * share, share) for week in range(weeks)]
    grid = fit_grid(pa.table({"x": old}), KINDS)
    baseline = profiles(parts, grid, "2026-01")
    report = compare(baseline, profiles([new], grid)[0], policy or DriftPolicy())
    assert report.variation == ("learned" if weeks >= 8 else "sampling only")
    assert Profile.from_json(baseline[0].to_json()) == baseline[0]
    return report.columns[0]


BIG, NANOS = 2**60, 1_720_000_000_000_000_123
MOVES = {
    "10 MHz within a millihertz": (normal(1e7, 1e-3), normal(1e7, 1e-3, 3, 1)),
    "epoch microseconds within minutes": (normal(1.72e15, 1e5), normal(1.72e15, 1e5, 3, 1)),
    "a few steps of float64": (normal(1e7, 6e-9), normal(1e7, 6e-9, 3, 1)),
    "far below zero": (normal(-3e12, 0.01), normal(-3e12, 0.01, -3, 1)),
    "denormal numbers": (normal(0, 1e-315), normal(0, 1e-315, 3, 1)),
    "huge numbers": (normal(1e300, 1e290), normal(1e300, 1e290, 3, 1)),
    "float32": (
        normal(1e4, 0.01).cast(pa.float32()),
        normal(1e4, 0.01, 3, 1).cast(pa.float32()),
    ),
    "integers beyond 2^53": (whole(BIG + 1, 5), whole(BIG + 1, 5, 3, 1)),
    "negative integers beyond 2^53": (whole(-BIG - 1, 5), whole(-BIG - 1, 5, 3, 1)),
    "unsigned integers beyond 2^63": (
        whole(2**63 + 7, 5, kind="uint64"),
        whole(2**63 + 7, 5, 3, 1, kind="uint64"),
    ),
    "epoch nanoseconds within a microsecond": (whole(NANOS, 200), whole(NANOS, 200, 3, 1)),
    "times within a second": (
        whole(1_720_000_000_000, 300).cast(pa.timestamp("ms", tz="UTC")),
        whole(1_720_000_000_000, 300, 3, 1).cast(pa.timestamp("ms", tz="UTC")),
    ),
    "a constant to another": (constant(1000.0), constant(1005.0)),
    "a constant by one step of float64": (constant(5.0), constant(float(np.nextafter(5, 6)))),
    "from zero to little": (constant(0.0), constant(1e-9)),
    "from zero to much": (constant(0.0), constant(1e12)),
    "to zero": (constant(4.0), constant(0.0)),
    "a huge constant": (constant(1e300), constant(1.001e300)),
    "an integer constant beyond 2^53": (constant(BIG + 1), constant(BIG + 2)),
    "a constant of nanoseconds": (constant(NANOS), constant(NANOS + 1)),
    "a constant begins to spread": (constant(100.0), normal(100, 0.01)),
    "a constant of integers begins to spread": (constant(7), whole(7, 3)),
    "a spread becomes a constant": (normal(100, 1), constant(100.0)),
    "nothing becomes something": (pa.nulls(ROWS, pa.float64()), constant(3.0)),
    "something becomes nothing": (constant(3.0), pa.nulls(ROWS, pa.float64())),
    "999 of 1,000 are one value, which moves": (
        pa.array(np.where(np.arange(ROWS) % 1000, 0.0, 1e6)),
        pa.array(np.where(np.arange(ROWS) % 1000, 3.0, 1e6)),
    ),
    "mixed magnitudes, of which the small one moves": (
        pa.array(np.where(np.arange(ROWS) % 10, 1e-3, 1e9) * rng(3).lognormal(0, 0.1, ROWS)),
        pa.array(np.where(np.arange(ROWS) % 10, 2e-3, 1e9) * rng(4).lognormal(0, 0.1, ROWS)),
    ),
}


@pytest.mark.parametrize("weeks", [1, 8])
@pytest.mark.parametrize("move", MOVES)
def test_what_the_numbers_tell_apart_is_seen(move, weeks):
    old, new = MOVES[move]
    found = drifted(old, new, weeks)
    assert found.drifted, found
    assert found.sentence
    assert "nan" not in found.sentence


QUIET = {
    "10 MHz": (normal(1e7, 1e-3), normal(1e7, 1e-3, 0, 1)),
    "a few steps of float64": (normal(1e7, 6e-9), normal(1e7, 6e-9, 0, 1)),
    "nanoseconds": (whole(NANOS, 200), whole(NANOS, 200, 0, 1)),
    "constant": (constant(1000.0), constant(1000.0)),
    "zero": (constant(0.0), constant(-0.0)),
    "an integer constant": (constant(BIG + 1), constant(BIG + 1)),
    "nothing": (pa.nulls(ROWS, pa.float64()), pa.nulls(ROWS, pa.float64())),
    "many of one value": (
        pa.array(np.where(rng(5).random(ROWS) < 0.9, 0.0, rng(6).normal(size=ROWS))),
        pa.array(np.where(rng(7).random(ROWS) < 0.9, 0.0, rng(8).normal(size=ROWS))),
    ),
}


@pytest.mark.parametrize("weeks", [1, 8])
@pytest.mark.parametrize("rest", QUIET)
def test_what_stays_stays_quiet(rest, weeks):
    old, new = QUIET[rest]
    assert not drifted(old, new, weeks).drifted


def test_the_promise_holds_for_columns_of_one_value_and_far_from_zero():
    """1 in 20 checks may alarm; of 400 quiet ones fewer than 36 do (0.1 % of the time more)."""
    random, alarms = rng(11), 0
    for _ in range(400):
        pair = [
            pa.array(np.where(random.random(500) < 0.7, 3.0, random.normal(3e9, 1e-3, 500)))
            for _ in range(2)
        ]
        alarms += drifted(*pair, policy=DriftPolicy(checks_per_false_alarm=20)).drifted
    assert alarms < 36


def test_a_small_change_of_one_values_share_does_not_matter_where_owners_say_so():
    random = rng(2)
    old, new = (pa.array(np.where(random.random(9_000) < p, 0.0, 1.0)) for p in (0.5, 0.55))
    assert drifted(old, new).drifted
    assert not drifted(old, new, policy=DriftPolicy(least_psi=0.1)).drifted
    jump = drifted(constant(1000.0), constant(1001.0), policy=DriftPolicy(least_psi=0.1))
    assert jump.drifted
    assert jump.sentence == "0.0% of the values are 1,000 (before: 100.0%). 100.0% are 1,001."
    assert jump.rows == "x <> 1000"


def test_a_value_is_shown_with_the_digits_that_tell_it_apart():
    assert NumericGrid(centre=1e7, scale=1e-3).text(2) == "10,000,000.002"
    assert NumericGrid(centre=float(BIG), scale=1.0, rest=1).text(0) == f"{BIG + 1:,}"
    assert NumericGrid(centre=0.0, scale=1.0).text(0.5) == "0.5"


FIRST = Grid(version=1, kinds=KINDS, numeric={"x": NumericGrid(centre=1.0, scale=1.0)})


def test_a_baseline_on_a_grid_of_the_first_version_is_still_compared_with_on_that_grid():
    old = profiles([normal(0, 1)], FIRST, "2026-01")[0]
    assert "at_centre" not in old.to_json()
    read = Profile.from_json(old.to_json())
    assert read == old
    report = compare(read, profiles([normal(0, 1, 3, 1)], read.grid)[0])
    assert report.columns[0].drifted
    assert not compare(read, profiles([normal(0, 1, 0, 1)], read.grid)[0]).drifted


def test_grids_of_two_versions_are_never_compared():
    old = profiles([normal(0, 1)], FIRST, "2026-01")[0]
    again = FIRST.model_copy(update={"version": 2})
    with pytest.raises(ProfileIncompatible, match="different grids"):
        compare(old, profiles([normal(0, 1)], again)[0])
    value = json.loads(old.to_json())
    value["grid"]["version"] = 3
    with pytest.raises(UnreadableData, match="grid of version 3"):
        Profile.from_json(json.dumps(value))


def holds(values, rows=ROWS):
    """Rows that hold values by their shares."""
    made = [value for value, share in values.items() for _ in range(int(share * rows))]
    return pa.array(made, "float64")


SAID = {
    "one in a hundred of a constant jumps": (
        constant(5.0),
        holds({5.0: 0.99, 6.0: 0.01}),
        "99.0% of the values are 5 (before: 100.0%).",
    ),
    "one in ten of a constant falls by little": (
        constant(-2024.0),
        holds({-2024.0: 0.9, -2025.0: 0.1}),
        "90.0% of the values are -2,024 (before: 100.0%).",
    ),
    "numbers where there were none": (
        constant(None, "float64"),
        normal(5.0, 1.0),
        "0.0% of the values are missing (before: 100.0%).",
    ),
    "none where there were numbers": (
        normal(5.0, 1.0),
        constant(None, "float64"),
        "100.0% of the values are missing (before: 0.0%).",
    ),
    "a constant is no number any more": (
        constant(5.0),
        constant(float("nan")),
        "100.0% of the values are no usable number (before: 0.0%).",
    ),
    "a constant is infinite": (
        constant(5.0),
        constant(float("inf")),
        "100.0% of the values are no usable number (before: 0.0%).",
    ),
}


@pytest.mark.parametrize("weeks", [1, 8])
@pytest.mark.parametrize("name", SAID)
def test_the_sentence_says_what_happened(name, weeks):
    old, new, sentence = SAID[name]
    column = drifted(old, new, weeks)
    assert column.drifted
    assert column.sentence == sentence
