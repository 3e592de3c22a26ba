"""The check: what it must find, what it must not, and what the report says of it."""

import base64
import re

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.drift.world import Week, counts, rows, wobbling
from tasks.drift import (
    DriftPolicy,
    DriftReport,
    compare,
    fit_grid,
    merged,
    profile_batches,
)
from tasks.drift.comparison.reference import in_season
from tasks.drift.profiles.counts import NumericCounts
from tasks.drift.reports.markdown import markdown
from tasks.errors import ConfigurationError, ProfileIncompatible

COLUMNS = {"price": "numeric", "city": "categorical"}
CITIES = np.asarray(["Berlin", "Lyon", "Oslo", "Rome"])


@pytest.fixture
def random():
    return np.random.default_rng(20)


def table(random, size, **changed):
    values = {
        "price": random.lognormal(12, 0.5, size),
        "city": random.choice(CITIES, size, p=[0.4, 0.3, 0.2, 0.1]),
    }
    return pa.RecordBatch.from_pydict({**values, **changed})


def profile(batch, name, grid=None):
    return profile_batches([batch], COLUMNS, grid, partition=name)


@pytest.fixture
def base(random):
    return profile(table(random, 4_000), "base")


def column(report, name):
    return next(column for column in report.columns if column.name == name)


def test_no_change_passes(random, base):
    report = compare(base, profile(table(random, 4_000), "new", base.grid))
    assert report.outcome == "pass"
    assert report.drifted == ()
    assert report.variation == "sampling only"
    assert "not calibrated for week-to-week variation" in markdown(report)


@pytest.mark.parametrize(
    ("change", "meaning", "where"),
    [
        (lambda p, c, r: (p * 1.15, c), "scale", "price >= "),
        (lambda p, c, r: (np.median(p) + (p - np.median(p)) * 1.4, c), "spread", "price"),
        (lambda p, c, r: (p / 1000, c), "unit change", "price < "),
        (lambda p, c, r: (p * 3.281, c), "unit change", "price >= "),
        (lambda p, c, r: (p**1.1 * 0.65, c), "shift and spread", "price >= "),
        (lambda p, c, r: (np.where(r.random(len(p)) < 0.02, p * 1000, p), c), "unit change", ""),
        (lambda p, c, r: (np.where(r.random(4_000) < 0.05, np.nan, p), c), "unreadable values", ""),
        (lambda p, c, r: (p, np.where(c == "Rome", "Roma", c)), "new category", "city = 'Roma'"),
        (lambda p, c, r: (p, np.where(c == "Oslo", "Rome", c)), "lost category", "city = 'Oslo'"),
        (
            lambda p, c, r: (p, np.where((c == "Berlin") & (r.random(len(c)) < 0.3), "Rome", c)),
            "category share",
            "city = 'Rome'",
        ),
    ],
)  # fmt: skip
def test_what_changed_is_found_and_named(random, base, change, meaning, where):
    batch = table(random, 4_000)
    price, city = change(np.asarray(batch["price"]), np.asarray(batch["city"]), random)
    new = profile(pa.RecordBatch.from_pydict({"price": price, "city": city}), "new", base.grid)
    report = compare(base, new)
    assert report.outcome == "fail"
    assert len(report.drifted) == 1
    worst = report.columns[0]
    if meaning in {"new category", "lost category"}:
        assert worst.meaning in {"new category", "lost category"}
    else:
        assert worst.meaning == meaning
        assert where in worst.rows
    assert worst.since == "new"
    assert worst.picture.startswith("data:image/svg+xml;base64,")
    assert worst.name in report.reason


def texts(random, size):
    words = np.asarray([f"w{index}" for index in range(3_000)])
    shares = 1 / np.arange(1, 3_001)
    drawn = random.choice(words, (size, 8), p=shares / shares.sum())
    return pa.RecordBatch.from_pydict({"t": [" ".join(line) for line in drawn]})


def test_a_baseline_does_not_know_its_own_rare_words_better_than_new_ones():
    random = np.random.default_rng(1)
    for _ in range(5):
        first = profile_batches([texts(random, 600)], {"t": "text"}, partition="a")
        second = profile_batches([texts(random, 600)], {"t": "text"}, first.grid, partition="b")
        assert compare(first, second).outcome == "pass"


def test_nulls_are_named(random, base):
    batch = table(random, 4_000)
    price = pa.array(np.asarray(batch["price"]), mask=random.random(4_000) < 0.05)
    report = compare(base, profile(table(random, 4_000, price=price), "new", base.grid))
    assert report.columns[0].meaning == "nulls"
    assert report.columns[0].rows == "price IS NULL"
    assert report.columns[0].current_share == pytest.approx(0.05, abs=0.01)


def test_since_when_is_the_first_partition_that_differs(random, base):
    days = [profile(table(random, 1_500), f"2026-02-0{day}", base.grid) for day in range(1, 5)]
    days += [
        profile(
            table(random, 1_500, price=random.lognormal(12.15, 0.5, 1_500)),
            f"2026-02-0{day}",
            base.grid,
        )
        for day in range(5, 8)
    ]
    report = compare(base, days)
    assert report.drifted == ("price",)
    assert report.since == "2026-02-05"


def test_a_window_finds_what_no_single_week_shows():
    random = np.random.default_rng(6)
    reference = counts(random, 80_000, Week(), "base")
    weeks = [counts(random, 10_000, Week().shifted(0.04), f"w{i}") for i in range(3)]
    alone = [compare(reference, week).outcome for week in weeks]
    assert alone == ["pass"] * 3
    together = compare(reference, weeks)
    assert together.drifted == ("x00",)
    assert together.columns[0].window == 3


def test_natural_variation_is_not_drift_and_a_shift_beyond_it_is():
    random = np.random.default_rng(11)
    reference = [counts(random, 100_000, wobbling(random), f"r{i}") for i in range(8)]
    quiet = [
        compare(reference, counts(random, 100_000, wobbling(random), "q")).outcome for _ in range(6)
    ]
    assert quiet.count("fail") == 0
    plain = compare(merged(reference), counts(random, 100_000, wobbling(random), "q"))
    assert plain.outcome == "fail"  # what happens without learning it
    moved = compare(reference, counts(random, 100_000, wobbling(random).shifted(0.25), "q"))
    assert moved.drifted == ("x00",)
    assert moved.variation == "learned"


def test_false_alarms_keep_the_promise():
    random = np.random.default_rng(2)
    policy = DriftPolicy(checks_per_false_alarm=20)
    checks = 150
    false = sum(
        compare(counts(random, 5_000, Week(), "a"), counts(random, 5_000, Week(), "b"), policy)
        .outcome == "fail"
        for _ in range(checks)
    )  # fmt: skip
    # 5 % are promised: 15 of 150 are beyond the binomial's 99.5 % point.
    assert false <= 14


def test_counts_drawn_directly_follow_the_law_of_counted_rows():
    random = np.random.default_rng(3)
    week = Week(nulls=0.03, stretch=1.3, hundredfold=0.02, fresh=0.01, moved=(1, 0.02)).shifted(0.3)
    drawn = counts(random, 60_000, week, "drawn")
    columns = dict(drawn.grid.kinds)
    counted = profile_batches([rows(random, 60_000, week)], columns, drawn.grid, partition="rows")
    assert compare(drawn, counted).outcome == "pass"


def test_small_effects_do_not_count_where_they_are_told_not_to():
    random = np.random.default_rng(4)
    reference = [counts(random, 50_000, Week(), f"r{i}") for i in range(8)]
    moved = counts(random, 50_000, Week(nulls=0.02).shifted(0.1, 3), "new")
    everything = compare(reference, moved)
    assert set(everything.drifted) == {"x00", "x03"}
    relevant = compare(reference, moved, DriftPolicy(least_psi=0.1))
    assert relevant.drifted == ("x00",)  # nulls are a fault, however small the index


def test_an_ignored_column_is_reported_and_raises_no_alarm(random, base):
    new = profile(table(random, 4_000, price=random.lognormal(13, 0.5, 4_000)), "new", base.grid)
    report = compare(base, new, DriftPolicy(ignore=frozenset({"price"})))
    assert report.outcome == "pass"
    assert column(report, "price").p < 1e-9


def test_too_few_rows_are_inconclusive_never_a_pass(random, base):
    few = profile(table(random, 20), "new", base.grid)
    assert compare(base, few).outcome == "inconclusive"
    assert compare(base, []).outcome == "inconclusive"
    assert compare([], few).outcome == "inconclusive"
    empty = NumericCounts.from_dict(base.columns["price"].to_dict(), base.grid.numeric["price"])
    assert empty == base.columns["price"]


def test_profiles_of_other_grids_are_refused(random, base):
    other = profile(table(random, 500), "new")
    with pytest.raises(ProfileIncompatible, match="different grids"):
        compare(base, other)


def test_the_report_is_json_and_markdown_that_nothing_breaks_out_of(random):
    hostile = "a|b](x)<script>`"
    kinds = {hostile: "numeric"}
    first = pa.RecordBatch.from_pydict({hostile: random.normal(size=3_000)})
    second = pa.RecordBatch.from_pydict({hostile: random.normal(3, 1, 3_000)})
    reference = profile_batches([first], kinds, partition="<b>")
    report = compare(reference, profile_batches([second], kinds, reference.grid, partition="n"))
    assert report.outcome == "fail"
    text = markdown(report, "t")
    assert "<script>" not in re.sub(r"`[^`]*`", "", text)
    assert "<b>" not in text
    assert DriftReport.model_validate_json(report.model_dump_json()) == report
    svg = base64.b64decode(report.columns[0].picture.split(",", 1)[1]).decode()
    assert svg.startswith("<svg")


def test_a_season_compares_like_with_like(random):
    grid = fit_grid(pa.Table.from_batches([table(random, 500)]), COLUMNS)
    names = ["2025-02-03", "2025-02-04", "2025-11-24", "2025-12-01", "2026-11-16"]
    reference = [profile(table(random, 200), name, grid) for name in names]
    run = [profile(table(random, 200), name, grid) for name in ("2026-11-29", "2026-11-30")]

    def chosen(season):
        kept, looked_at = in_season(reference, run, season)
        return [p.partitions[0] for p in kept], [p.partitions[0] for p in looked_at]

    assert chosen("none") == (names, ["2026-11-29", "2026-11-30"])
    assert chosen("weekday")[0] == ["2025-02-03", "2025-11-24", "2025-12-01", "2026-11-16"]
    assert chosen("weekday")[1] == ["2026-11-30"]
    assert chosen("year")[0] == ["2025-11-24", "2025-12-01"]
    unnamed = profile(table(random, 200), "week one", grid)
    with pytest.raises(ConfigurationError, match="week one"):
        in_season([unnamed], run, "year")


@pytest.mark.parametrize(
    "wrong",
    [
        {"windows": (2, 3)},
        {"windows": (1, 3), "window_weights": (1.0,)},
        {"window_weights": (1, 1)},
    ],
)
def test_a_policy_that_keeps_no_promise_is_refused(wrong):
    with pytest.raises(ValueError, match="window"):
        DriftPolicy(**wrong)
