"""Laws of what is tried next and what is given up."""

import statistics
import time
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.tuning import bayesian, early_stopping
from embedded_aws.tuning.bayesian import Observation, improvement
from embedded_aws.tuning.gaussian_process import GaussianProcess, Kernel
from embedded_aws.tuning.hyperband import ETA, Hyperband
from embedded_aws.tuning.ranges import space_of
from embedded_aws.tuning.sampling import by_chance
from embedded_aws.tuning.strategy import Strategy
from embedded_aws.tuning.trial import Trial

PLANE = space_of({
    "ContinuousParameterRanges": [
        {"Name": "x", "MinValue": "0", "MaxValue": "1"},
        {"Name": "y", "MinValue": "-5", "MaxValue": "5"},
    ]
})  # fmt: skip
MIXED = space_of({
    "CategoricalParameterRanges": [{"Name": "kind", "Values": ["a", "b"]}],
    "ContinuousParameterRanges": [{"Name": "x", "MinValue": "0.001", "MaxValue": "10"}],
    "IntegerParameterRanges": [{"Name": "n", "MinValue": "1", "MaxValue": "9"}],
})  # fmt: skip


def bowl(values):
    return (float(values["x"]) - 0.7) ** 2 + (float(values["y"]) / 5 + 0.2) ** 2


def searched(name, space, loss, seed, count):
    """Losses of a search one after the other."""
    strategy, trials = Strategy(name, space, 1.0, seed), []
    for number in range(count):
        values = strategy.proposal(number, trials)
        trials.append(
            Trial(f"t{number:03d}", "", number, values, 0.0, "Completed",
                  ended=float(number), objective=[loss(values)])
        )  # fmt: skip
    return [trial.objective[0] for trial in trials]


def test_bayesian_beats_random_on_a_smooth_function():
    seeds = range(20)
    random = [min(searched("Random", PLANE, bowl, seed, 15)) for seed in seeds]
    bayesian_ = [min(searched("Bayesian", PLANE, bowl, seed, 15)) for seed in seeds]
    wins = sum(b < r for b, r in zip(bayesian_, random, strict=True))
    assert wins >= 17
    assert statistics.median(bayesian_) < statistics.median(random) / 10


def test_bayesian_beats_random_on_mixed_hyperparameters():
    def loss(values):
        off = {"a": 0.0, "b": 0.3}[values["kind"]]
        return (float(values["x"]) - 0.1) ** 2 + (int(values["n"]) / 9 - 0.5) ** 2 + off

    seeds = range(8)
    random = [min(searched("Random", MIXED, loss, seed, 15)) for seed in seeds]
    bayesian_ = [min(searched("Bayesian", MIXED, loss, seed, 15)) for seed in seeds]
    assert statistics.fmean(bayesian_) < statistics.fmean(random)


@given(st.integers(0, 10**6), st.lists(st.floats(-1e9, 1e9), max_size=6), st.integers(0, 3))
def test_every_proposal_is_within_the_ranges_and_new(seed, losses, pending):
    rng = Random(seed)
    seen = [Observation(by_chance(MIXED, rng), loss) for loss in losses]
    under_way = [by_chance(MIXED, rng) for _ in range(pending)]
    values = bayesian.proposal(MIXED, seen, under_way, Random(seed))
    assert list(values) == ["kind", "x", "n"]
    assert values["kind"] in {"a", "b"}
    assert 0.001 <= float(values["x"]) <= 10
    assert int(values["n"]) in range(1, 10)
    assert values not in [*(one.values for one in seen), *under_way]
    assert values == bayesian.proposal(MIXED, seen, under_way, Random(seed))


def test_proposals_at_the_same_time_are_not_the_same():
    seen = [Observation({"x": str(x), "y": str(y)}, bowl({"x": x, "y": y}))
            for x, y in ((0.1, 0), (0.6, 2), (0.9, -3), (0.5, -1))]  # fmt: skip
    under_way: list = []
    for number in range(4):
        under_way.append(bayesian.proposal(PLANE, seen, under_way, Random(number)))
    places = [(float(v["x"]), float(v["y"]) / 10) for v in under_way]
    apart = [abs(a[0] - b[0]) + abs(a[1] - b[1]) for i, a in enumerate(places) for b in places[:i]]
    assert min(apart) > 0.01


def test_many_results_cost_no_more_than_some():
    rng = Random(1)
    seen = [Observation(v := by_chance(PLANE, rng), bowl(v)) for _ in range(500)]
    begin = time.process_time()
    bayesian.proposal(PLANE, seen, [], rng)
    assert time.process_time() - begin < 5.0


def test_results_of_other_data_count_by_their_deviation():
    """The parent's losses are a thousand times as large; what was best there is tried near."""
    parent = [
        Observation({"x": repr(x), "y": "0"}, 1000 * (x - 0.5) ** 2 + 9000, "parent")
        for x in (0.0, 0.1, 0.2, 0.4, 0.5, 0.6, 0.8, 0.9, 1.0)
    ]
    own = [Observation({"x": "0.05", "y": "0"}, 0.9), Observation({"x": "0.45", "y": "0"}, 0.1)]
    xs = [float(bayesian.proposal(PLANE, [*parent, *own], [], Random(n))["x"]) for n in range(5)]
    assert statistics.median(abs(x - 0.5) for x in xs) < 0.25


@given(st.dictionaries(st.integers(0, 10), st.floats(-3, 3), min_size=1, max_size=8))
def test_a_process_goes_through_what_it_has_seen(seen):
    """Where points lie apart: of two at almost the same place it goes between."""
    pairs = [(tenths / 10, y) for tenths, y in seen.items()]
    points = [(x,) for x, _ in pairs]
    process = GaussianProcess(Kernel(0.3, 1e-6), points, [y for _, y in pairs])
    mean, deviation = process.predict((pairs[0][0],))
    assert deviation < 0.1
    assert mean == pytest.approx(pairs[0][1], abs=0.3)
    far, certain = process.predict((50.0,))
    assert far == pytest.approx(0.0, abs=1e-6)
    assert certain == pytest.approx(1.0, abs=1e-6)


@given(st.floats(-5, 5), st.floats(0.01, 5), st.floats(-5, 5))
def test_improvement_is_never_negative_and_grows_with_doubt(mean, deviation, best):
    assert improvement(mean, deviation, best) >= -1e-12
    assert improvement(mean, deviation * 2, best) >= improvement(mean, deviation, best) - 1e-12


def test_the_brackets_of_the_paper():
    """Table 1 of Li et al. 2018: R = 81, eta = 3."""
    brackets = Hyperband(1, 81).brackets()
    assert [bracket.size for bracket in brackets] == [81, 34, 15, 8, 5]
    assert [bracket.rungs for bracket in brackets] == [
        (1, 3, 9, 27), (3, 9, 27), (9, 27), (27,), (),
    ]  # fmt: skip


@given(st.integers(1, 200), st.integers(0, 5000))
def test_brackets_sum_to_their_budget(least, more):
    """A bracket costs about as much as its last one, in which nothing is stopped: (s + 1) R."""
    hyperband = Hyperband(least, least + more)
    brackets = hyperband.brackets()
    depth = len(brackets)
    assert brackets[-1].size == depth
    for bracket in brackets:
        steps = [*bracket.rungs, hyperband.most]
        assert steps == sorted(set(steps))
        assert steps[0] >= least
        left, spent, before = bracket.size, 0.0, 0
        for step in steps:
            spent += left * (step - before)
            left, before = max(1, left // ETA), step
        assert spent <= (depth + 1 + bracket.size / ETA ** len(bracket.rungs)) * hyperband.most


@given(st.integers(1, 50), st.integers(0, 500))
def test_every_combination_has_a_bracket_and_brackets_are_full(least, more):
    hyperband = Hyperband(least, least + more)
    sizes = [bracket.size for bracket in hyperband.brackets()]
    numbers = [hyperband.bracket(number) for number in range(2 * sum(sizes))]
    assert [numbers.count(which) for which in range(len(sizes))] == [2 * size for size in sizes]


def test_hyperband_keeps_the_best_third_and_stops_all_at_the_end():
    hyperband = Hyperband(1, 9)
    others = [(number, [float(number)]) for number in range(1, 6)]
    assert not hyperband.hopeless(0, [0.5], others)
    assert not hyperband.hopeless(0, [1.5], others)
    assert hyperband.hopeless(0, [2.5], others)
    assert not hyperband.hopeless(0, [9.0, 9.0], others), "between two rungs"
    assert not hyperband.hopeless(0, [9.0], others[:1]), "nobody to compare with"
    assert hyperband.hopeless(0, [0.0] * 9, [])
    assert not Hyperband(2, 18).hopeless(0, [9.0], others), "before the least"


def test_the_median_rule():
    previous = [[4.0, 2.0], [8.0, 4.0], [6.0, 6.0]]  # running averages after two: 3, 6, 6
    assert not early_stopping.hopeless([9.0, 6.0], previous)
    assert early_stopping.hopeless([1.0, 6.1], previous)
    assert not early_stopping.hopeless([1.0, 2.0, 99.0], previous), "nobody came as far"
    assert not early_stopping.hopeless([], previous)
    assert not early_stopping.hopeless([99.0], [])
