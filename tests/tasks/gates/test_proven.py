"""Gates with a confidence: three outcomes of one interval, and what is said without one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.errors import GateInconclusive
from tasks.gates.decide import decide, findings, require_pass, verdict_of
from tasks.gates.intervals import ConfidenceInterval
from tasks.gates.proven import against
from tasks.model_spec import GateSpec
from tests.tasks.gates.answered import classed, measured, side_by_side, valued

ENDS = st.floats(-10, 10)


@given(ends=st.tuples(ENDS, ENDS).map(sorted), bound=ENDS)
def test_an_interval_is_inside_a_bound_or_outside_or_across_it(ends, bound):
    interval = ConfidenceInterval(*ends, "BCa")
    inside = all(end <= bound for end in ends)
    outside = all(end > bound for end in ends)
    expected = "pass" if inside else "fail" if outside else "inconclusive"
    assert against(interval, bound, "≤") == expected
    mirrored = ConfidenceInterval(-ends[1], -ends[0], "BCa")
    assert against(mirrored, -bound, "≥") == expected


def test_an_interval_without_ends_shows_nothing():
    assert against(ConfidenceInterval(-np.inf, np.inf, "BCa"), 0.0, "≤") == "inconclusive"


def judged(gate, candidate, champion=None, group="", **columns):
    evidence = side_by_side(candidate, champion, group, **columns)
    others = None if champion is None else measured(champion)
    (finding, *_) = findings((gate,), measured(candidate), others, {}, evidence)
    return finding


NOISE = np.random.default_rng(0).normal(0, 5, 300)
OTHER = np.random.default_rng(1).normal(0, 5, 300)
MAE = GateSpec(metric="mae", no_worse_than_champion=0.1, confidence=0.95)


@pytest.mark.parametrize(
    ("candidate", "outcome"),
    [(NOISE * 1.02, "pass"), (OTHER * 1.15, "inconclusive"), (NOISE * 1.5, "fail")],
)
def test_non_inferiority_is_shown_or_refuted_or_neither(candidate, outcome):
    finding = judged(MAE, valued(candidate), valued(NOISE))
    assert finding.outcome == outcome
    assert finding.interval.low < finding.interval.high
    middle = finding.value - finding.reference
    assert finding.interval.low <= middle <= finding.interval.high


def test_a_bound_must_hold_for_the_worse_end():
    value = measured(valued(NOISE))["mae"]

    def outcome(most, confidence=0.95):
        gate = GateSpec(metric="mae", at_most=most, confidence=confidence)
        return judged(gate, valued(NOISE)).outcome

    assert outcome(value * 1.01, None) == "pass"
    assert [outcome(value * by) for by in (0.7, 0.99, 1.01, 1.3)] == [
        "fail",
        "inconclusive",
        "inconclusive",
        "pass",
    ]


@given(seed=st.integers(0, 20))
@settings(max_examples=5)
def test_equal_models_differ_by_exactly_nothing_and_pass(seed):
    off = np.random.default_rng(seed).normal(0, 3, 40)
    gate = GateSpec(metric="median_ae", no_worse_than_champion=0.0, confidence=0.99)
    finding = judged(gate, valued(off, 40), valued(off, 40))
    assert finding.outcome == "pass"
    assert (finding.interval.low, finding.interval.high) == (0.0, 0.0)


def test_the_order_of_rows_changes_nothing():
    candidate, champion = valued(OTHER), valued(NOISE)
    order = np.random.default_rng(2).permutation(300)
    turned = type(candidate)(
        candidate.task,
        candidate.output,
        candidate.rows[order],
        candidate.labels[order],
        candidate.predicted[order],
    )
    assert judged(MAE, turned, champion) == judged(MAE, candidate, champion)


def test_a_share_has_exact_intervals_unless_rows_belong_together():
    right = np.arange(200) % 10 != 0
    other = np.arange(200) % 9 != 0
    gate = GateSpec(metric="accuracy", at_least=0.8, confidence=0.95)
    versus = GateSpec(metric="accuracy", no_worse_than_champion=0.1, confidence=0.95)
    assert judged(gate, classed(right)).interval.method == "Clopper-Pearson"
    assert judged(versus, classed(right), classed(other)).interval.method == "Tango"
    users = [f"user {index // 4}" for index in range(200)]
    grouped = judged(gate, classed(right), None, "user", user=users)
    assert grouped.interval.method == "BCa"


def test_too_few_groups_are_inconclusive_and_a_person_may_accept_the_point_value():
    gate = GateSpec(metric="mae", at_most=50.0, confidence=0.95)
    users = [f"user {index % 12}" for index in range(300)]
    finding = judged(gate, valued(NOISE), None, "user", user=users)
    assert (finding.outcome, finding.holds) == ("inconclusive", True)
    assert "12 groups are too few for an interval" in finding.why
    accepted = finding.accepted()
    assert accepted.outcome == "pass"
    assert "a person accepted it" in accepted.why
    verdict = verdict_of("m", (finding,))
    with pytest.raises(GateInconclusive, match="accept_inconclusive"):
        require_pass(verdict)


def test_accepting_lets_no_broken_point_value_through():
    finding = judged(
        GateSpec(metric="mae", at_most=measured(valued(NOISE))["mae"] * 0.99, confidence=0.95),
        valued(NOISE),
    )
    assert finding.outcome == "inconclusive"
    assert finding.accepted().outcome == "fail"


def test_a_champion_that_saved_no_answers_is_compared_by_point_values_and_that_is_said():
    candidate = valued(NOISE * 1.02)
    evidence = side_by_side(candidate)
    champion = measured(valued(NOISE))
    (finding,) = findings((MAE,), measured(candidate), champion, {}, evidence)
    assert (finding.outcome, finding.interval) == ("pass", None)
    assert finding.why == "the champion saved no answers: point values compared"


def test_a_candidate_that_saved_no_answers_has_no_interval_and_does_not_pass():
    verdict = decide("m", (MAE,), {"mae": 1.0}, {"mae": 9.0}, {}, None)
    assert verdict.outcome == "error"
    assert "asks for the candidate's answers, and it saved none" in verdict.reason


def test_the_baseline_is_compared_in_pairs_too():
    gate = GateSpec(metric="mae", no_worse_than_baseline=0.0, confidence=0.95)
    candidate = valued(NOISE, plain=NOISE * 2)
    evidence = side_by_side(candidate)
    plain = measured(valued(NOISE * 2))
    (finding,) = findings((gate,), measured(candidate), None, plain, evidence)
    assert finding.outcome == "pass"
    assert finding.interval.high < 0


def test_a_bias_is_compared_by_its_size():
    # Of `probability` and `regression` alike: nearer to zero is better, on either side.
    gate = GateSpec(metric="bias", no_worse_than_champion=0.5, confidence=0.95)
    assert judged(gate, valued(NOISE - 12), valued(NOISE + 12)).outcome == "pass"
    assert judged(gate, valued(NOISE - 30), valued(NOISE + 12)).outcome == "fail"
