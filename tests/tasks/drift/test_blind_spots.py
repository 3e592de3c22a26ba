"""What a check once passed over in silence."""

from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from tasks.drift import DriftPolicy, compare, fit_grid, profile_batches
from tasks.drift.alarms.consequence import consequence
from tasks.drift.history import Watching
from tasks.drift.reports.markdown import markdown
from tasks.errors import ConfigurationError

KINDS = {"x": "numeric", "y": "numeric"}


def rng(seed=0):
    return np.random.default_rng(seed)


def profiles(parts, kinds, grid=None, first=date(2026, 1, 5)):
    tables = [pa.table(part) for part in parts]
    grid = grid or fit_grid(pa.concat_tables(tables), kinds)
    return [
        profile_batches(
            table.to_batches(), kinds, grid, partition=str(first + timedelta(days=7 * index))
        )
        for index, table in enumerate(tables)
    ]


def rows(random, size, by=0.0):
    return {"x": random.normal(by, 1, size), "y": random.normal(-by, 1, size)}


BASE = profiles([rows(rng(), 4_000)], KINDS)


@pytest.mark.parametrize("size", [5, 48, 99])
def test_small_partitions_are_taken_together_until_they_tell(size):
    many = [rows(rng(seed), size, 5.0) for seed in range(1, 40)]
    report = compare(BASE, profiles(many, KINDS, BASE[0].grid, date(2026, 6, 1)))
    assert set(report.drifted) == {"x", "y"}


def test_a_newest_partition_of_five_rows_hides_nothing():
    run = [rows(rng(1), 1_000, 0.6), rows(rng(2), 5, 0.6)]
    report = compare(BASE, profiles(run, KINDS, BASE[0].grid, date(2026, 6, 1)))
    assert set(report.drifted) == {"x", "y"}


def test_small_partitions_without_drift_stay_quiet():
    quiet = [rows(rng(seed), 48) for seed in range(1, 40)]
    assert compare(BASE, profiles(quiet, KINDS, BASE[0].grid, date(2026, 6, 1))).outcome == "pass"


def test_too_few_rows_for_longer_than_a_period_are_told_to_people():
    few = [rows(rng(seed), 5, 5.0) for seed in range(3)]
    report = compare(BASE, profiles(few, KINDS, BASE[0].grid, date(2026, 6, 1)))
    assert report.outcome == "inconclusive"
    watching = Watching.of("things", {})
    found = consequence(report, None, watching, "2026-06-01")
    assert found.kind == "cannot tell"
    assert found.reason.startswith("Cannot tell whether the data drifted: 15 rows have come")
    begun = compare(BASE, profiles(few[:1], KINDS, BASE[0].grid, date(2026, 6, 1)))
    assert consequence(begun, None, watching, "2026-06-01").kind == "nothing"


def test_how_many_rows_are_enough_stands_in_the_contract():
    policy = Watching.of("things", {"leastRows": 40}).policy
    few = profiles([rows(rng(1), 48, 5.0)], KINDS, BASE[0].grid, date(2026, 6, 1))
    assert compare(BASE, few).outcome == "inconclusive"
    assert compare(BASE, few, policy).outcome == "fail"


JUMPS = {
    "a constant": (np.full(2_000, 2024), np.full(2_000, 2025)),
    "two rows in five": (
        np.where(np.arange(2_000) % 5 < 2, 2024, 0),
        np.where(np.arange(2_000) % 5 < 2, 2025, 0),
    ),
    "the upper of two codes": (
        np.where(np.arange(2_000) % 3 == 0, 9_001.5, 7.0),
        np.where(np.arange(2_000) % 3 == 0, 9_002.5, 7.0),
    ),
}


@pytest.mark.parametrize("weeks", [1, 8])
@pytest.mark.parametrize("name", JUMPS)
def test_values_that_jump_by_less_than_a_cell_are_seen(name, weeks):
    old, new = JUMPS[name]
    kinds = {"x": "numeric"}
    base = profiles([{"x": part} for part in np.split(old, weeks)], kinds)
    found = compare(base, profiles([{"x": new}], kinds, base[0].grid, date(2026, 6, 1)))
    assert found.drifted == ("x",)


def names(random, size, start=0, among=4_000):
    return [f"u{index}" for index in random.integers(start, start + among, size)]


@pytest.mark.parametrize("weeks", [1, 8])
@pytest.mark.parametrize("share", [1.0, 0.3])
def test_very_many_values_that_come_again_are_missed_when_they_do_not(weeks, share):
    kinds, random = {"x": "categorical"}, rng(5)
    base = profiles([{"x": names(random, 16_000 // weeks)} for _ in range(weeks)], kinds)
    new = [*names(random, round(8_000 * share), 10**6), *names(random, round(8_000 * (1 - share)))]
    found = compare(base, profiles([{"x": new}], kinds, base[0].grid, date(2026, 6, 1)))
    assert found.drifted == ("x",)
    same = [{"x": names(random, 8_000)}]
    quiet = compare(base, profiles(same, kinds, base[0].grid, date(2026, 6, 1)))
    assert quiet.outcome == "pass"


def test_values_that_never_come_again_are_no_drift():
    kinds = {"x": "categorical"}
    base = profiles([{"x": [f"id-{i}" for i in range(5_000)]}], kinds)
    new = [{"x": [f"id-{i}" for i in range(5_000, 10_000)]}]
    assert compare(base, profiles(new, kinds, base[0].grid, date(2026, 6, 1))).outcome == "pass"


def prose(random, size, word="", share=0.0):
    words = np.asarray([f"w{index}" for index in range(400)])
    lines = [" ".join(random.choice(words, 7)) for _ in range(size)]
    return [f"{line} {word}" if random.random() < share else line for line in lines]


def test_categories_that_are_prose_are_read_as_text():
    kinds, random = {"x": "categorical"}, rng(6)
    base = profiles([{"x": prose(random, 3_000)}], kinds)
    assert base[0].grid.kinds == {"x": "text"}
    new = profiles(
        [{"x": prose(random, 3_000, "refund", 0.03)}], kinds, base[0].grid, date(2026, 6, 1)
    )
    found = compare(base, new)
    assert "x.words_used" in found.drifted
    column = next(item for item in found.columns if item.name == "x.words_used")
    assert "'refund'" in column.sentence


@pytest.mark.parametrize(
    "values",
    [
        ["good as new", "used, but whole", "for parts only, as it is"] * 100,
        [f"user {index}" for index in range(300)],
        [f"{index}" for index in range(300)],
    ],
)
def test_categories_that_are_no_prose_stay_categories(values):
    assert fit_grid(pa.table({"x": values}), {"x": "categorical"}).kinds == {"x": "categorical"}


@pytest.mark.parametrize(
    "kinds",
    [
        {"x": "text", "x.length": "numeric"},
        {"x.words_used": "categorical", "x": "text"},
        {"x": "vector", "x.norm": "numeric"},
    ],
)
def test_two_columns_under_one_name_are_refused(kinds):
    with pytest.raises(ConfigurationError, match="under one name"):
        fit_grid(pa.table({}), kinds)


def test_what_is_set_aside_as_too_small_is_shown_with_its_own_evidence():
    kinds = {"x": "numeric"}
    base = profiles([{"x": rng(1).normal(0, 1, 20_000)}], kinds)
    new = profiles([{"x": rng(2).normal(0.1, 1, 20_000)}], kinds, base[0].grid, date(2026, 6, 1))
    report = compare(base, new, DriftPolicy(least_psi=0.1))
    assert report.outcome == "pass"
    column = report.columns[0]
    assert column.test == "location"
    assert column.adjusted < 1e-6
    assert "no (below leastPsi 0.1)" in markdown(report)
    assert compare(base, new).drifted == ("x",)
