"""What a conversion must not pass with, and what it must not fail for."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.conversion.convert import require
from tasks.conversion.parity import AnswerKind, inferred, parity_of, proven_share, rows_to_prove
from tasks.conversion.report import ConversionReport, Converted, judge
from tasks.errors import ParityExceeded
from tasks.specs.conversion import ConversionSpec, FormatSpec

RNG = np.random.default_rng(0)
FLOAT16, INT8 = "tflite_float16", "tflite_int8"


def softmax(logits):
    grown = np.exp(logits - logits.max(axis=1, keepdims=True))
    return grown / grown.sum(axis=1, keepdims=True)


def sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def measured(truth, answer, task=None, targets=None):
    return parity_of(np.asarray(truth).tolist(), np.asarray(answer).tolist(), 1, "x", task, targets)


def verdict(parity, name=FLOAT16, **limits):
    spec = ConversionSpec(**{name: FormatSpec(**limits)})
    made = Converted(format=name, files={"f": 1}, parities=(parity,), seconds=1.0)
    return judge("m", spec, (made,))


def failing(found):
    return {check.name.partition(" ")[2] for check in found.checks if check.outcome == "fail"}


def test_a_thousand_classes_do_not_hide_that_one_is_named_for_all():
    """The mean over all outputs is 0.0017 here; int8 names another class in most rows."""
    truth = softmax(30 * RNG.normal(size=(300, 1000)))
    answer = np.tile(truth[0], (300, 1))
    parity = measured(truth, answer)
    assert np.abs(truth - answer).mean() < 0.005
    assert parity.kind == "classes"
    assert parity.agreement < 0.1
    assert failing(verdict(parity, INT8)) >= {"agreement"}
    assert "metric" not in str(failing(verdict(parity, INT8)))
    assert failing(verdict(parity, INT8, max_error=0.05)) >= {"parity", "agreement"}


@pytest.mark.parametrize("classes", [2, 10])
def test_rare_classes_that_are_never_named_again_are_missed(classes):
    """One answer for everything agrees in 96 % of the rows when the data are that uneven."""
    logits = np.zeros((512, classes))
    logits[:, 0] = 4
    logits[:20, 1] = 8
    truth = softmax(logits)
    answer = np.tile(truth[-1], (512, 1))
    found = verdict(measured(truth, answer), INT8)
    assert failing(found) == {"agreement of the worst class"}
    assert "class 1" in found.reason


def test_a_tie_of_the_original_may_fall_to_either_side():
    truth = np.full((512, 10), 0.05)
    truth[:, 3], truth[:, 7] = 0.301, 0.299
    other = truth.copy()
    other[:, 3], other[:, 7] = 0.299, 0.301
    parity = measured(truth, other)
    assert (parity.agreement, parity.undecided) == (1.0, 1.0)
    found = verdict(parity)
    assert found.outcome == "pass"
    assert any("in 100 % of the rows the original is undecided" in c.detail for c in found.checks)
    third = np.roll(truth, 1, axis=1)
    assert failing(verdict(measured(truth, third))) >= {"agreement"}


def test_a_clear_answer_may_not_fall_to_the_other_side():
    truth = softmax(np.tile([[0.3, 0.0]], (100, 1)))
    assert failing(verdict(measured(truth, truth[:, ::-1]))) >= {"agreement"}


def test_logits_are_classes_when_the_model_says_so():
    truth = RNG.normal(size=(400, 5)) * 8
    task = AnswerKind.of({"output": {"kind": "classes", "classes": list("abcde")}})
    assert verdict(measured(truth, truth + 0.001, task)).outcome == "pass"
    assert measured(truth, np.roll(truth, 1, axis=1), task).agreement < 0.5
    assert inferred(truth) == "numbers"


def test_saturated_answers_are_compared_as_they_are():
    truth = np.eye(4)[RNG.integers(0, 4, 400)]
    assert verdict(measured(truth, truth)).outcome == "pass"
    assert verdict(measured(truth, truth * 0.999 + 0.00025)).outcome == "pass"
    one = (RNG.random((400, 1)) < 0.1).astype(float)
    assert verdict(measured(one, np.abs(one - 0.004)), INT8).outcome == "pass"
    assert failing(verdict(measured(one, np.zeros_like(one)), INT8)) >= {
        "agreement of the worst class"
    }


def test_each_label_counts_and_not_their_mean():
    truth = sigmoid(6 * RNG.normal(size=(400, 20)))
    answer = truth.copy()
    answer[:, 13] = 0.1
    parity = measured(truth, answer)
    assert parity.kind == "labels"
    assert ((truth > 0.5) == (answer > 0.5)).mean() > 0.95
    assert failing(verdict(parity, INT8)) == {"agreement", "agreement of the worst class"}
    assert "label 13" in parity.group
    assert verdict(measured(truth, truth + 1e-4), INT8).outcome == "pass"


def test_a_label_has_the_threshold_of_its_model():
    truth = np.where(RNG.random((400, 3)) < 0.5, 0.6, 0.95)
    answer = np.where(truth == 0.6, 0.6, 0.75)
    task = AnswerKind.of({"output": {"kind": "labels", "threshold": 0.9}})
    assert failing(verdict(measured(truth, answer, task))) >= {"agreement"}
    assert measured(truth, answer).agreement == 1.0


def test_numbers_are_judged_beside_their_spread():
    truth = RNG.normal(250_000, 40_000, size=(400, 1))
    assert verdict(measured(truth, truth + 60)).outcome == "pass"
    assert failing(verdict(measured(truth, truth + 8_000))) == {"relative error"}
    assert failing(verdict(measured(truth, truth + 60), max_error=0.05)) == {"parity"}
    close = RNG.normal(250_000, 5, size=(400, 1))
    assert failing(verdict(measured(close, close + 60))) >= {"relative error", "largest error"}


def test_one_output_of_many_is_not_averaged_away():
    truth = RNG.normal(size=(300, 50))
    answer = truth.copy()
    answer[:, 9] += 0.5
    assert failing(verdict(measured(truth, answer), INT8)) == {"relative error"}


def test_one_answer_far_off_fails():
    truth = RNG.normal(size=(500, 1))
    answer = truth.copy()
    answer[7] += 3
    assert failing(verdict(measured(truth, answer), INT8)) == {"largest error"}


@pytest.mark.parametrize("value", [0.0, 5_000.0, -3.0])
def test_a_constant_output_stays_that_constant(value):
    truth = np.full((100, 1), value)
    assert verdict(measured(truth, truth)).outcome == "pass"
    assert verdict(measured(truth, truth * (1 + 1e-5) + 1e-6)).outcome == "pass"
    assert failing(verdict(measured(truth, truth + max(1.0, abs(value)) * 0.01), INT8))


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", ["classes", "labels", "number"])
def test_no_kind_of_answer_may_be_other_than_finite(broken, kind):
    truth = softmax(RNG.normal(size=(50, 3)))
    answer = truth.copy()
    answer[4, 1] = broken
    task = AnswerKind.of({"output": {"kind": kind}})
    found = verdict(measured(truth, answer, task))
    assert found.outcome == "fail"
    assert "an answer is not finite" in found.reason
    assert "original's own answer" in verdict(measured(answer, answer, task)).reason


def test_the_metric_is_compared_where_labels_are_known():
    targets = RNG.integers(0, 3, 600)
    truth = softmax(8 * np.eye(3)[targets])
    answer = truth.copy()
    answer[:12] = answer[:12][:, [1, 2, 0]]
    parity = measured(truth, answer, targets=targets)
    assert parity.metric_loss == pytest.approx(12 / 600)
    assert failing(verdict(parity, INT8)) == set()
    assert failing(verdict(parity, INT8, max_metric_loss=0.01)) == {"metric"}
    values = RNG.normal(size=400)
    guess = (values + 0.05 * RNG.normal(size=400))[:, None]
    worse = measured(guess, guess + 0.09, targets=values)
    assert failing(verdict(worse, INT8)) == {"metric"}


def test_few_rows_say_what_they_prove():
    truth = softmax(9 * np.eye(3)[RNG.integers(0, 3, 20)])
    found = verdict(measured(truth, truth))
    assert found.outcome == "pass"
    (check,) = [check for check in found.checks if check.name.endswith("agreement")]
    assert "20 rows prove at least 86.1 % (95 % confidence)" in check.detail
    assert "not the bound: that takes 299 rows" in check.detail
    many = softmax(9 * np.eye(3)[RNG.integers(0, 3, 512)])
    (check,) = [c for c in verdict(measured(many, many)).checks if c.name.endswith("agreement")]
    assert "not the bound" not in check.detail


@given(st.integers(1, 600), st.data())
def test_what_is_proven_is_less_than_what_was_seen_and_grows_with_rows(rows, data):
    hits = data.draw(st.integers(0, rows))
    proven = proven_share(hits, rows)
    assert 0 <= proven < 1
    assert proven <= hits / rows
    assert proven_share(2 * hits, 2 * rows) >= proven


@given(st.floats(0.5, 0.999))
def test_rows_that_prove_a_share_prove_it(share):
    rows = rows_to_prove(share)
    assert proven_share(rows, rows) >= share - 1e-9
    assert rows == 1 or proven_share(rows - 1, rows - 1) < share


def test_a_broken_agreement_is_told_with_the_way_out():
    truth = softmax(9 * np.eye(3)[RNG.integers(0, 3, 100)])
    parity = measured(truth, truth[:, ::-1])
    made = Converted(format=INT8, files={"f": 1}, parities=(parity,), seconds=1.0)
    spec = ConversionSpec(tflite_int8=FormatSpec())
    report = ConversionReport(
        model="m", formats=(made,), versions={}, seconds={}, verdict=judge("m", spec, (made,))
    )
    with pytest.raises(ParityExceeded, match=r"tflite_int8 agreement: .*model\.yaml"):
        require(report)
    assert "| tflite_int8 agreement |" in report.to_markdown()


def test_a_bound_that_is_given_counts_and_the_others_stay():
    given = FormatSpec(min_agreement=0.5)
    assert given.bounds(INT8).min_agreement == 0.5
    assert given.bounds(INT8).min_class_agreement == 0.8
    assert given.bounds(FLOAT16).min_class_agreement == 0.9


def test_whole_numbers_are_the_same_or_not():
    """A class's number has no distance: 9 for 0 is as wrong as 1 for 0."""
    truth = np.tile([[0], [1], [2], [9]], (100, 1))
    other = truth.copy()
    other[:4] = 9 - other[:4]
    parity = parity_of(truth.tolist(), other.tolist(), 1, "x", discrete=True)
    assert (parity.kind, parity.agreement, parity.relative_error) == ("values", 0.99, None)
    assert failing(verdict(parity)) == set()
    gone = truth.copy()
    gone[truth == 2] = 1
    found = verdict(parity_of(truth.tolist(), gone.tolist(), 1, "x", discrete=True), INT8)
    assert failing(found) == {"agreement", "agreement of the worst value"}
    assert "value 2 of column 0" in found.reason
    held = parity_of(
        truth.tolist(),
        gone.tolist(),
        1,
        "x",
        AnswerKind(kind="classes"),
        truth[:, 0],
        discrete=True,
    )
    assert (held.kind, held.metric_loss) == ("values", 0.25)
    counted = parity_of(
        truth.tolist(), truth.tolist(), 1, "x", AnswerKind(kind="numbers"), discrete=True
    )
    assert counted.kind == "numbers"


def test_the_worst_output_decides():
    truth = RNG.normal(size=(300, 1))
    good = parity_of(truth.tolist(), truth.tolist(), 1, "x", output="price")
    bad = parity_of(truth.tolist(), (truth + 1).tolist(), 1, "x", output="rent")
    lost = parity_of(truth.tolist(), (truth * np.nan).tolist(), 1, "x", output="tax")
    for parities, worst in (((good, bad), bad), ((bad, good), bad), ((good, lost, bad), lost)):
        made = Converted(format=INT8, files={"f": 1}, parities=parities, seconds=1.0)
        found = judge("m", ConversionSpec(tflite_int8=FormatSpec()), (made,))
        assert made.parity == worst
        assert found.outcome == "fail"
        assert "tflite_int8 rent" in found.reason
        assert not any("price" in check.name for check in found.checks if check.outcome == "fail")
