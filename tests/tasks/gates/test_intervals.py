"""Laws of the intervals: they hold what they should as often as they say, and mirror."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from tasks.gates.intervals import bca, clopper_pearson, tango

WORLDS = 400


def least(confidence, worlds):
    """Hits that a sound interval has but once in a thousand."""
    return binom.ppf(0.001, worlds, confidence)


@given(rows=st.integers(1, 400), share=st.floats(0, 1), confidence=st.floats(0.6, 0.999))
@settings(max_examples=60)
def test_an_exact_interval_leaves_its_chance_beyond_each_end(rows, share, confidence):
    hits = round(rows * share)
    interval = clopper_pearson(hits, rows, confidence)
    tail = (1 - confidence) / 2
    assert interval.low <= hits / rows <= interval.high
    if hits:
        assert binom.sf(hits - 1, rows, interval.low) == pytest.approx(tail)
    if hits < rows:
        assert binom.cdf(hits, rows, interval.high) == pytest.approx(tail)


def test_known_intervals_of_paired_shares():
    # Tango 1998; Newcombe 1998 tabulates the same data: 12 and 2 of 50 differ.
    interval = tango(12, 2, 50, 0.95)
    assert (interval.low, interval.high) == pytest.approx((0.0611, 0.3447), abs=5e-5)
    # Nothing differs: z²/(rows + z²) on either side.
    none = tango(0, 0, 50, 0.95)
    assert none.high == pytest.approx(1.96**2 / (50 + 1.96**2), rel=1e-4) == -none.low


PAIRS = st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 200)).filter(sum)


@given(counts=PAIRS)
@settings(max_examples=100)
def test_swapped_shares_mirror_their_interval(counts):
    first, second, same = counts
    rows = first + second + same
    one, other = tango(first, second, rows, 0.95), tango(second, first, rows, 0.95)
    assert one.low == pytest.approx(-other.high, abs=1e-9)
    assert -1 <= one.low <= (first - second) / rows <= one.high <= 1


def test_a_margin_that_is_just_kept_is_not_taken_for_kept_too_often():
    """Where McNemar's conditional test, inverted, errs every second time: all differ one way."""
    random = np.random.default_rng(0)
    rows, loss = 1_000, 0.05
    wrong = sum(
        tango(0, int(second), rows, 0.95).low >= -loss
        for second in random.binomial(rows, loss, WORLDS)
    )
    assert WORLDS - wrong >= least(0.975, WORLDS)


@pytest.mark.parametrize(("rows", "first", "second"), [(60, 0.15, 0.15), (300, 0.02, 0.08)])
def test_paired_shares_are_covered(rows, first, second):
    random = np.random.default_rng(1)
    drawn = random.multinomial(rows, [first, second, 1 - first - second], WORLDS)
    covered = 0
    for one, other, _ in drawn.tolist():
        interval = tango(one, other, rows, 0.9)
        covered += interval.low <= first - second <= interval.high
    assert covered >= least(0.9, WORLDS)


DRAWN = st.lists(st.floats(-100, 100), min_size=20, max_size=60).filter(lambda v: len(set(v)) > 3)


@given(values=DRAWN, seed=st.integers(0, 99))
@settings(max_examples=60)
def test_a_mirrored_metric_has_the_mirrored_interval(values, seed):
    sample = np.asarray(values)
    rows = np.random.default_rng(seed).integers(0, len(sample), (200, len(sample)))
    drawn, left = sample[rows].mean(axis=1), (sample.sum() - sample) / (len(sample) - 1)
    one = bca(float(sample.mean()), drawn, left, 0.9, len(sample))
    other = bca(-float(sample.mean()), -drawn, -left, 0.9, len(sample))
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low))
    assert one.low <= sample.mean() <= one.high


def test_what_never_varies_has_no_width_and_what_is_no_number_no_end():
    same = bca(3.0, np.full(50, 3.0), np.full(9, 3.0), 0.95, 50)
    assert (same.low, same.high, same.method) == (3.0, 3.0, "equal")
    broken = bca(3.0, np.asarray([1.0, math.nan]), np.full(9, 3.0), 0.95, 50)
    assert not broken.known


def test_few_units_make_a_wider_interval_than_many():
    random = np.random.default_rng(2)
    drawn, left = random.normal(0, 1, 2_000), random.normal(0, 1, 50)
    few, many = (bca(0.0, drawn, left, 0.95, units) for units in (20, 20_000))
    assert few.high - few.low > 1.05 * (many.high - many.low)
