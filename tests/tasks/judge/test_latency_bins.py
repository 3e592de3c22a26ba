"""Latency is counted finely for the gates and compared in steps of a quarter."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.judge import JudgePolicy
from tasks.judge.latency_bins import compared_edges, quickened, together
from tasks.judge.non_inferiority import LEVELS, gate_edges, margins
from tasks.judge.policy import geometric_edges

EDGES = st.lists(st.floats(0.01, 1e5), min_size=1, max_size=40, unique=True).map(
    lambda edges: tuple(sorted(edges))
)


def test_the_default_bins_are_narrow_from_fifty_microseconds_to_half_a_minute():
    edges = np.asarray(JudgePolicy().latency_edges)
    assert edges[0] < 0.05
    assert edges[-1] > 30_000
    assert (edges[1:] / edges[:-1]).max() < 1.05


def test_default_bins_are_compared_in_the_steps_of_a_quarter_that_policies_had_before():
    before = tuple(5.0 * 1.25**i for i in range(40))
    now = [edge for edge in JudgePolicy().compared_edges if edge > 4.9]
    assert now == pytest.approx(before, rel=1e-6)
    assert compared_edges(before) == before


@given(EDGES, st.data())
def test_comparing_together_loses_no_request(edges, data):
    size = len(edges) + 1
    counts = data.draw(st.lists(st.integers(0, 1000), min_size=size, max_size=size))
    compared = compared_edges(edges)
    wide = together(np.asarray(counts, dtype=float), edges)
    assert len(wide) == len(compared) + 1
    assert wide.sum() == sum(counts)
    for place, edge in enumerate(compared):
        assert wide[: place + 1].sum() == sum(counts[: edges.index(edge) + 1])


@given(EDGES, st.floats(1.0, 20.0), st.floats(0.005, 2e5))
def test_what_is_slower_by_the_factor_at_most_lies_no_higher_once_quickened(edges, factor, stable):
    """However uneven the edges are: each request of the canary falls into a bin, or below it, in
    which the stable version's would lie."""
    moved = quickened(edges, factor)
    assert (moved.sum(axis=1) == 1.0).all()
    of_canary = int(np.searchsorted(edges, stable * factor, side="right"))
    of_stable = int(np.searchsorted(edges, stable * (1.0 + 2e-4), side="right"))
    assert int(moved[of_canary].argmax()) <= of_stable


@given(
    sigma=st.floats(0.35, 1.5),
    median=st.floats(2.0, 500.0),
    share=st.floats(0.2, 1.0),
    level=st.sampled_from(range(3)),
)
def test_a_canary_that_is_worse_at_the_true_quantile_is_worse_at_the_edge_of_its_gate(
    sigma, median, share, level
):
    """What moves past the quantile may come from just before it and end just after it."""
    policy = JudgePolicy()
    delta = float(margins(policy)[1 + level, 0])
    edges = np.log(np.asarray(policy.latency_edges) / median) / sigma
    below = np.array([0.5 * math.erfc(-edge / math.sqrt(2.0)) for edge in edges])
    stable = np.diff(np.r_[0.0, below, 1.0])
    quantile = np.diff(np.r_[0.0, np.minimum(below, 1.0 - LEVELS[level]), 1.0 - LEVELS[level]])
    # From the requests just before the quantile, nearest first, to just after it.
    before = quantile.copy()
    taken = np.zeros_like(before)
    left = delta
    for place in np.flatnonzero(before)[::-1]:
        part = min(left, share * before[place])
        taken[place] = part
        left -= part
    first_beyond = int(np.argmax(below >= 1.0 - LEVELS[level]))
    canary = stable - taken
    canary[first_beyond] += taken.sum()
    gates = gate_edges(policy, 1e6 * stable[None], np.ones((1, policy.prediction_bins)))
    edge = int(gates.first[0, level])
    worse = canary[edge:].sum() - stable[edge:].sum()
    assert taken.sum() == pytest.approx(delta)
    assert worse >= delta - float(gates.excess[0, level]) - 1e-6
    assert gates.excess[0, level] <= 0.5 * delta


def test_where_bins_are_wide_a_gate_stands_at_the_edge_beyond_the_quantile():
    policy = JudgePolicy(latency_edges=geometric_edges(5.0, 1.25, 40))
    counts = np.zeros((1, 41))
    counts[0, 10], counts[0, 11], counts[0, 12] = 850.0, 100.0, 50.0
    gates = gate_edges(policy, counts, np.ones((1, policy.prediction_bins)))
    assert gates.first[0, 1] == 12, "5 % are beyond it, 15 % beyond the one before"
    assert gates.excess[0, 1] == 0.0
    assert (gate_edges(policy, 0.0 * counts, np.ones((1, 20))).first[0, :3] == -1).all()


def test_a_quantile_on_an_edge_costs_nothing():
    policy = JudgePolicy()
    counts = np.zeros((1, len(policy.latency_edges) + 1))
    counts[0, 100], counts[0, 101] = 900.0, 100.0
    gates = gate_edges(policy, counts, np.ones((1, policy.prediction_bins)))
    assert gates.first[0, 1] == 101
    assert gates.excess[0, 1] == 0.0
