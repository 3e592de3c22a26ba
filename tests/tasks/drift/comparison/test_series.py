"""What a family of series lets one expect of later weeks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.drift.comparison.series import family_of, independent

COLUMNS, NOISE = 12, 1e-4
GROUPS = np.arange(COLUMNS)
ONES = np.ones(COLUMNS)


def weeks(random, count, rho=0.0, size=0.03):
    """Levels of a stationary AR(1), and the noise of sampling, shape (columns, weeks)."""
    effects = random.normal(0, size, (COLUMNS, count))
    for week in range(1, count):
        effects[:, week] = rho * effects[:, week - 1] + np.sqrt(1 - rho**2) * effects[:, week]
    return effects + random.normal(0, np.sqrt(NOISE), effects.shape)


def learned(values, unit=ONES, noise=NOISE * ONES):
    return family_of(values, noise, unit, GROUPS)


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 30), st.floats(-100, 100), st.floats(1e-3, 1e3), st.integers(0, 2**32 - 1))
def test_neither_the_level_nor_the_unit_matters(count, level, unit, seed):
    values = weeks(np.random.default_rng(seed), count + 1)
    plain = learned(values[:, :-1]).p_values(values[:, -1], NOISE * ONES, 1)
    other = learned(unit * values[:, :-1] + level * unit, noise=unit**2 * NOISE * ONES)
    moved = other.p_values(unit * values[:, -1] + level * unit, unit**2 * NOISE * ONES, 1)
    np.testing.assert_allclose(moved, plain, rtol=1e-4)


@settings(deadline=None, max_examples=20)
@given(st.integers(2, 30), st.integers(0, 2**32 - 1), st.floats(0, 0.1))
def test_nothing_is_expected_closer_than_sampling_lets_it_be(count, seed, size):
    family = learned(weeks(np.random.default_rng(seed), count, size=size))
    assert (family.reach(0.01) >= 2.575 * np.sqrt(NOISE * (1 + 1 / count)) * 0.999).all()
    assert family.weight.sum() == pytest.approx(1)


def test_fewer_weeks_expect_wider_and_no_number_of_weeks_is_a_cliff():
    values = weeks(np.random.default_rng(3), 26)
    reach = [float(np.median(learned(values[:, :n]).reach(1e-4))) for n in range(2, 27)]
    assert reach[0] > 3 * reach[6] > 3 * reach[-1]
    assert max(a / b for a, b in pairwise(reach[5:])) < 1.35


def test_weeks_that_live_on_are_expected_to_go_further():
    values = weeks(np.random.default_rng(4), 12, rho=0.8)
    shuffled = np.stack([np.random.default_rng(i).permutation(row) for i, row in enumerate(values)])
    follows, apart = learned(values), learned(shuffled)
    assert follows.memory > 0.5
    assert apart.memory < 0.2
    assert (follows.reach(1e-3) > 1.3 * apart.reach(1e-3)).all()
    assert follows.hidden > 1.5
    assert apart.hidden < 1.1


@pytest.mark.parametrize(("count", "rho"), [(3, 0), (8, 0), (8, 0.5), (8, 0.8), (26, 0.8)])
def test_later_weeks_are_told_apart_no_more_often_than_promised(count, rho):
    random, found = np.random.default_rng(count), []
    for _ in range(60):
        values = weeks(random, count + 60, rho=rho)
        family = learned(values[:, :count])
        found.append(family.p_values(values[:, -1], NOISE * ONES, 1)[1] < 0.01)
    # 1 % of 720 is 7; columns of one draw share their parameters.
    assert np.sum(found) <= 18


def test_columns_that_move_together_count_as_one():
    random = np.random.default_rng(6)
    values = weeks(random, 20)
    assert independent(values, GROUPS) > 0.75 * COLUMNS
    together = np.repeat(values[:1], COLUMNS, axis=0) + random.normal(0, 1e-4, values.shape)
    assert independent(together, GROUPS) < 1.2
    alone = family_of(values[:, :8], NOISE * ONES, ONES, GROUPS)
    crowd = family_of(together[:, :8], NOISE * ONES, ONES, GROUPS)
    size = values[:, :8].std(axis=1).mean() / together[:, :8].std(axis=1).mean()
    assert np.median(crowd.reach(1e-4)) * size > np.median(alone.reach(1e-4))


def test_what_never_varied_is_expected_not_to():
    values = np.full((COLUMNS, 8), 0.25)
    family = learned(values)
    _, both = family.p_values(np.full(COLUMNS, 0.35), NOISE * ONES, 1)
    assert (both < 1e-8).all()


@pytest.mark.parametrize("rounding", [0.0, 1e-17, 3e-16])
def test_what_differs_by_rounding_alone_differs_by_nothing(rounding):
    random = np.random.default_rng(5)
    values = weeks(random, 8)
    values[0] = 0.25 + rounding * random.integers(-1, 2, 8)
    noise = NOISE * ONES
    noise[0] = 0.0
    family = learned(values, noise=noise)
    _, both = family.p_values(np.append(0.25, values[1:, -1]), noise, 1)
    assert both[0] > 0.5
    assert np.isfinite(both).all()


def test_weeks_that_differ_without_measure_reach_as_far_as_they_go():
    values = np.random.default_rng(6).normal(0, 30, (COLUMNS, 8))
    assert (learned(values, noise=1e-9 * ONES).reach(1e-4) > 30).all()
