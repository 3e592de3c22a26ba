"""A story is told only when it turns the reference into what is there now."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.drift import stories as judge
from tasks.drift import compare, fit_grid, profile_batches
from tasks.drift.explanation.fitting import pair_of
from tasks.drift.explanation.law import (
    clipped,
    kept,
    law_of,
    mixed,
    moved,
    point,
    reweighed,
    turned,
)
from tasks.drift.profiles.cells import EDGES

KINDS = {"x": "numeric"}


def counts(values, grid=None):
    table = pa.table({"x": pa.array(values)})
    grid = grid or fit_grid(table, KINDS)
    return profile_batches(table.to_batches(), KINDS, grid).columns["x"], grid


def told(old, new, kind="numeric", weeks=1):
    old, new = (pa.table({"x": pa.array(side)}) for side in (old, new))
    grid, share = fit_grid(old, {"x": kind}), len(old) // weeks
    base = [
        profile_batches(
            old.slice(week * share, share).to_batches(), {"x": kind}, grid, partition=f"a{week}"
        )
        for week in range(weeks)
    ]
    current = profile_batches(new.to_batches(), {"x": kind}, grid, partition="b")
    return compare(base, current).columns[0]


def rng(seed=0):
    return np.random.default_rng(seed)


REFERENCE, GRID = counts(rng().lognormal(3, 0.7, 4_000))
LAW = law_of(REFERENCE)
stories = st.one_of(
    st.tuples(st.floats(0.01, 100), st.floats(-50, 50)).map(lambda ab: moved(LAW, *ab)),
    st.floats(-5, 5).map(lambda by: moved(LAW, -1.0, by)),
    st.floats(-0.5, 5).map(lambda low: kept(LAW, low, 50.0)),
    st.floats(0.1, 5).map(lambda high: clipped(LAW, -1.0, high)),
    st.floats(0, 1).map(lambda share: mixed(LAW, point(3.0), share)),
    st.floats(0, 1).map(lambda share: reweighed(LAW, LAW, 0.0, 1.0, share)),
    st.floats(0.1, 3.9).map(lambda by: turned(LAW, by, 4.0, -1.0)),
)


@settings(max_examples=60, deadline=None)
@given(stories)
def test_every_story_makes_a_law_of_the_reference(law):
    """Shares below rise from 0 to 1."""
    below = law(EDGES)
    assert np.all(np.diff(below) >= -1e-9)
    assert below.min() >= -1e-9
    assert below.max() <= 1 + 1e-9


@settings(max_examples=25, deadline=None)
@given(st.floats(0.05, 20), st.floats(-30, 30), st.integers(0, 3))
def test_what_is_done_to_the_rows_is_what_the_story_does_to_the_law(factor, by, which):
    values = (
        rng(which).normal(5, 2, 3_000),
        rng(which).gamma(2, 10, 3_000),
        rng(which).uniform(-4, 9, 3_000),
        rng(which).integers(2_000, 2_012, 3_000).astype(float),
    )[which]
    old, grid = counts(values)
    scale, centre = grid.numeric["x"].scale, grid.numeric["x"].centre
    new, _ = counts(values * factor + by, grid)
    law = moved(law_of(old), factor, (by + (factor - 1) * centre) / scale)
    assert pair_of(old, new).fit(law).holds(0.0)


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(sorted(judge.KINDS)), st.integers(0, 10_000))
def test_a_second_draw_of_the_same_law_is_no_story(kind, seed):
    """Any reference against fresh rows of its own: the law holds, whatever it is."""
    random = rng(seed)
    draw, column, _ = judge.KINDS[kind]
    if column != "numeric":
        return
    before = draw(random)[0]
    half = random.permutation(len(before))
    cut = len(half) // 2
    old, grid = counts(np.asarray(before)[half[:cut]])
    new, _ = counts(np.asarray(before)[half[cut:]], grid)
    pair = pair_of(old, new)
    assert pair.fit(pair.law).holds(0.0)


NEVER_A_UNIT = {
    "a normal law moved by three": lambda r: (r.normal(0, 1, 5_000), r.normal(3, 1, 5_000)),
    "a Laplace law moved": lambda r: (r.laplace(0, 1, 5_000), r.laplace(2, 1, 5_000)),
    "a uniform law moved": lambda r: (r.uniform(0, 1, 5_000), r.uniform(3, 4, 5_000)),
    "a lognormal law doubled": lambda r: (r.lognormal(0, 1, 5_000), 2 * r.lognormal(0, 1, 5_000)),
    "a gamma law times 1.8": lambda r: (r.gamma(2, 9, 5_000), 1.8 * r.gamma(2, 9, 5_000)),
    "a Weibull law halved": lambda r: (r.weibull(1.5, 5_000), 0.5 * r.weibull(1.5, 5_000)),
    "a sentinel": lambda r: (
        r.normal(50, 10, 5_000),
        np.where(r.random(5_000) < 0.05, -999.0, r.normal(50, 10, 5_000)),
    ),
    "a sentinel far above": lambda r: (
        r.lognormal(3, 0.5, 5_000),
        np.where(r.random(5_000) < 0.02, 99_999.0, r.lognormal(3, 0.5, 5_000)),
    ),
}


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", NEVER_A_UNIT)
def test_no_unit_is_said_to_have_changed_where_none_did(name, seed):
    found = told(*NEVER_A_UNIT[name](rng(seed)))
    assert found.drifted
    assert found.meaning != "unit change"
    assert found.meaning != "unclear"


SHIFTS = {
    "years": lambda r: (r.integers(2_000, 2_010, 3_000), r.integers(2_002, 2_012, 3_000)),
    "identifiers": lambda r: (np.arange(3_000), np.arange(3_000, 6_000)),
    "a gamma law": lambda r: (r.gamma(2, 1, 3_000), r.gamma(2, 1, 3_000) + 0.5),
}


@pytest.mark.parametrize("name", SHIFTS)
def test_what_moved_as_a_whole_changed_no_shape(name):
    found = told(*SHIFTS[name](rng(1)))
    assert found.meaning == "shift"


@pytest.mark.parametrize("kind", ["sentinel", "truncation", "nulls", "newcomers", "new value"])
def test_the_rows_to_look_at_are_those_rows(kind):
    """The condition, asked of the rows themselves, is met by as many as the report says."""
    import re

    random = rng(3)
    draw, column, _ = judge.KINDS[kind]
    before, after = draw(random)
    found = told(before, after, column)
    new = np.asarray(pa.array(after).to_pylist(), object)
    if found.rows.endswith("IS NULL"):
        share = np.mean([value is None for value in new])
    elif "'" in found.rows:
        names = re.findall(r"'([^']*)'", found.rows)
        share = np.mean([value in names for value in new])
    else:
        bounds = re.findall(r"x (>=|<|=) (\S+)", found.rows)
        checks = {">=": np.greater_equal, "<": np.less, "=": np.equal}
        numbers = new.astype(float)
        share = np.mean(
            np.logical_and.reduce([checks[sign](numbers, float(end)) for sign, end in bounds])
        )
    assert share == pytest.approx(found.current_share, abs=0.002)


def test_a_value_that_only_some_rows_hold_is_named_with_its_share():
    old = rng().choice([1, 2, 3, 4], 4_000)
    new = np.where(rng(1).random(4_000) < 0.05, 9, rng(2).choice([1, 2, 3, 4], 4_000))
    found = told(old, new)
    assert (found.meaning, found.rows) == ("one value", "x = 9")
    assert found.sentence.endswith("of the values are 9, which was never seen before.")


def test_small_draws_of_every_kind_are_mostly_told_rightly_and_hardly_ever_wrongly():
    outcome = {"right": 0, "unclear": 0, "quiet": 0, "wrong": 0}
    for kind in judge.KINDS:
        for word, count in judge.judged(kind, 1, seed=20).items():
            outcome[word if word in outcome else "wrong"] += count
    assert outcome["right"] >= 21
    assert outcome["wrong"] <= 2


def test_the_length_of_texts_has_no_unit():
    """Texts became 2.2 times as long, as a number that was told in pounds would: it was not."""

    def texts(sizes):
        return pa.table({"x": pa.array(["a" * int(size) for size in sizes])})

    old = texts(rng(3).lognormal(5, 0.4, 3_000))
    new = texts(2.20462 * rng(5).lognormal(5, 0.4, 3_000))
    grid = fit_grid(old, {"x": "text"})
    profiles = [
        profile_batches(side.to_batches(), {"x": "text"}, grid, partition=name)
        for side, name in ((old, "a"), (new, "b"))
    ]
    (length,) = [column for column in compare(*profiles).columns if column.name == "x.length"]
    assert length.drifted
    assert length.meaning in {"scale", "shift and spread", "shift", "unclear"}, length.sentence
    whole = rng(3).lognormal(5, 0.4, 3_000), 2.20462 * rng(5).lognormal(5, 0.4, 3_000)
    assert told(*whole).meaning == "unit change", "as a column of numbers it would be"


@pytest.mark.parametrize("value", [0.0, -1.0])
@pytest.mark.parametrize("law", ["gamma", "weibull", "lognormal", "normal"])
def test_rows_that_were_filled_with_a_value_near_zero_came_in_no_other_unit(law, value):
    """Divided by a thousand rows would lie there as well; no cell tells them from one value."""
    draw = {
        "gamma": lambda r: r.gamma(3, 10, 3_000),
        "weibull": lambda r: r.weibull(1.5, 3_000) * 40,
        "lognormal": lambda r: r.lognormal(3, 0.6, 3_000),
        "normal": lambda r: r.normal(50, 9, 3_000),
    }[law]
    random = rng(11)
    column = told(draw(random), np.where(random.random(3_000) < 0.06, value, draw(random)))
    assert column.meaning == "one value", column.sentence
    assert "% of the values are about" in column.sentence


def test_rows_in_another_unit_are_told_where_their_spread_shows():
    random = rng(12)
    old, new = random.gamma(3, 10, 3_000), random.gamma(3, 10, 3_000)
    column = told(old, np.where(random.random(3_000) < 0.3, new * 1_000, new))
    assert column.meaning == "unit change"
    assert "multiplied by 1,000" in column.sentence


def test_a_constant_that_jumps_is_told_with_what_it_is_now():
    column = told(np.full(2_000, 2023.0), np.full(2_000, 2024.0))
    assert column.sentence.endswith("100.0% are 2,024.")
