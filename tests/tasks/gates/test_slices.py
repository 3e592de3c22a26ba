"""Slices: harm that the whole does not show, none that chance alone shows, small ones counted."""

from statistics import NormalDist

import numpy as np
import pytest
from pydantic import ValidationError
from scipy.stats import binom

from tasks.gates.decide import findings
from tasks.gates.evidence import Evidence
from tasks.gates.slices import parts_of
from tasks.specs.gates import GateSpec, SliceSpec
from tests.tasks.gates.answered import classed, measured, side_by_side, valued

NOISE = np.random.default_rng(0).normal(0, 5, 300)


def gate(**rule):
    first = {"column": "city", "no_worse_than_champion": 0.05, "min_rows": 20} | rule
    return GateSpec(metric="mae", at_most=1e6, confidence=0.95, slices=(SliceSpec(**first),))


def found(spec, candidate, champion, **columns):
    evidence = side_by_side(candidate, champion, **columns)
    made = findings((spec,), measured(candidate), measured(champion), {}, evidence)
    return {finding.part: finding for finding in made if finding.part}


CITIES = ["Kent"] * 60 + ["Seattle"] * 230 + ["Duvall"] * 10


def test_harm_in_one_slice_fails_it_and_the_others_are_told():
    off = np.where(np.arange(300) < 60, NOISE * 1.6, NOISE * 0.9)
    slices = found(gate(), valued(off), valued(NOISE), city=CITIES)
    assert slices["city: Kent"].outcome == "fail"
    assert slices["city: Kent"].interval.low > 0
    assert slices["city: Seattle"].outcome == "pass"
    assert slices["city: Duvall"].outcome == "pass"
    assert slices["city: Duvall"].why == "not judged: 10 of 20 rows"


@pytest.mark.parametrize("undecided", ["pass", "inconclusive"])
def test_what_is_neither_shown_counts_as_the_slice_says(undecided):
    other = np.random.default_rng(1).normal(0, 5, 300)
    slices = found(gate(undecided=undecided), valued(other), valued(NOISE), city=CITIES)
    assert slices["city: Kent"].outcome == undecided
    assert ("not shown to be worse" in slices["city: Kent"].why) == (undecided == "pass")


def test_many_slices_of_a_sound_candidate_seldom_fail_by_chance():
    """Sixteen slices of models that err equally often: each by itself would fail many a one."""
    random = np.random.default_rng(5)
    worlds, names = 40, [f"city {index % 16:02}" for index in range(960)]
    rule = SliceSpec(column="city", no_worse_than_champion=0.0)
    spec = GateSpec(metric="accuracy", at_least=0.1, confidence=0.9, slices=(rule,))
    failed = alone = 0
    for _ in range(worlds):
        one, other = (classed(random.random(960) < 0.8) for _ in range(2))
        slices = found(spec, one, other, city=names)
        assert len(slices) == 16
        failed += any(finding.outcome == "fail" for finding in slices.values())
        z = NormalDist().inv_cdf(0.95)
        right = [np.diff(side.predicted, axis=1)[:, 0] > 0 for side in (one, other)]
        yes = one.labels == "yes"
        better = (right[0] == yes).astype(int) - (right[1] == yes)
        by_city = better.reshape(-1, 16)
        alone += any(by_city.sum(axis=0) < -z * np.sqrt((by_city**2).sum(axis=0)))
    assert failed <= binom.ppf(0.999, worlds, 0.05)
    assert alone > failed


def parts(values, **rule):
    spec = SliceSpec(column="x", no_worse_than_champion=0.1, **rule)
    evidence = Evidence([str(row) for row in range(len(values))], np.zeros(len(values)), {})
    evidence = Evidence(evidence.rows, evidence.labels, {}, columns={"x": values})
    return {part.name: len(part.rows) for part in parts_of(spec, evidence)}


def test_numbers_are_binned_and_few_different_ones_are_values():
    assert parts([float(v) for v in range(1, 101)], bins=4) == {
        "x: below 25.75": 25,
        "x: 25.75 to 50.5": 25,
        "x: 50.5 to 75.25": 25,
        "x: from 75.25": 25,
    }
    assert parts([1, 2, 2, 10, 3, None], bins=4) == {
        "x: 1": 1,
        "x: 2": 2,
        "x: 3": 1,
        "x: 10": 1,
        "x: missing": 1,
    }


def test_equal_numbers_share_a_bin():
    told = parts([0.0] * 90 + [float(v) for v in range(1, 11)], bins=5)
    assert sum(told.values()) == 100
    assert max(told.values()) >= 90


def test_true_false_and_nothing_are_three_slices():
    assert parts([True, False, None, "", False]) == {"x: False": 2, "x: True": 1, "x: missing": 2}


def test_small_slices_beyond_the_first_are_counted_together():
    names = [f"{index:02}" for index in range(30) for _ in range(10)]
    slices = found(gate(), valued(NOISE), valued(NOISE), city=names)
    assert list(slices) == ["city: 00", "city: 01", "city: 02", "27 more"]
    assert slices["27 more"].why == "not judged: 270 rows in all, too few in each"
    assert {finding.outcome for finding in slices.values()} == {"pass"}


def test_without_the_champions_answers_no_slice_is_judged_and_that_is_said():
    candidate = valued(NOISE)
    evidence = side_by_side(candidate, city=CITIES)
    made = findings((gate(),), measured(candidate), {"mae": 5.0}, {}, evidence)
    assert made[-1].part == "city"
    assert made[-1].why == "not judged: no answers were saved to compare"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"metric": "mae", "at_most": 1, "slices": [{"column": "c"}]}, "no_worse_than_champion"),
        (
            {
                "metric": "mae",
                "at_most": 1,
                "slices": [{"column": "c", "no_worse_than_champion": 0}],
            },
            "say the confidence of the gate on mae",
        ),
        (
            {"metric": "own", "better": "smaller", "at_most": 1, "confidence": 0.9},
            "runs in its job",
        ),
        ({"metric": "mae", "at_most": 1, "confidence": 95}, "less than or equal to 0.999"),
        (
            {
                "metric": "accuracy",
                "at_least": 0.5,
                "confidence": 0.9,
                "slices": [{"column": "c", "no_worse_than_champion": 1}],
            },
            "losing all of accuracy passes",
        ),
        (
            {
                "metric": "mae",
                "at_most": 1,
                "confidence": 0.9,
                "slices": [{"column": "c", "no_worse_than_champion": 0}] * 2,
            },
            "a column is named twice",
        ),
    ],
)
def test_what_could_not_be_honoured_is_refused(given, said):
    with pytest.raises(ValidationError, match=said):
        GateSpec.model_validate(given)
