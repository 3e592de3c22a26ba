"""A converted detector is judged by the boxes that it finds."""

import numpy as np
import pytest

from models.runtime.detections.centres import drawn
from tasks.conversion.parity import AnswerKind, parity_of
from tasks.errors import ConversionError
from tests.tasks.conversion.test_parity import INT8, failing, verdict

GRID, ROWS = 8, 40
OUTPUT = {
    "kind": "boxes",
    "classes": ["door", "window"],
    "confidence_threshold": 0.8,
    "grid": GRID,
    "most": 6,
    "least_chance": 0.05,
}
TASK = AnswerKind.of({"output": OUTPUT})


def maps(seed=0):
    """What was learned of photos with a door and a window each, and what the original answers."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((ROWS, 2, 5))
    low = np.stack([rng.uniform(0, 0.2, (ROWS, 2)), rng.uniform(0.5, 0.7, (ROWS, 2))], axis=1)
    truth[..., 0], truth[..., 1:3], truth[..., 3:] = [1, 2], low, low + 0.25
    learned = drawn(truth, GRID, 2)
    said = learned[..., :-1].copy()
    said[..., :2] *= 0.95
    return learned, said


def compared(said, other, learned=None):
    flat = [values.reshape(len(values), -1).tolist() for values in (said, other)]
    return parity_of(*flat, 1.0, "x", TASK, learned)


def test_the_same_maps_find_the_same_boxes():
    learned, said = maps()
    parity = compared(said, said, learned)
    assert (parity.kind, parity.agreement, parity.answers) == ("boxes", 1.0, 2 * 2 * ROWS)
    assert parity.metric_loss == 0
    assert parity.proven == pytest.approx(0.981, abs=0.001)
    found = verdict(parity)
    assert found.outcome == "pass"
    assert any("160 boxes prove at least" in check.detail for check in found.checks)


def test_steps_of_int8_cost_nothing():
    learned, said = maps()
    parity = compared(said, np.round(said * 255) / 255, learned)
    assert parity.agreement == 1
    assert abs(parity.metric_loss) < 0.02
    assert verdict(parity, INT8).outcome == "pass"


def test_a_class_that_is_found_no_more_is_named():
    learned, said = maps()
    other = said.copy()
    other[..., 1] *= 0.5
    parity = compared(said, other, learned)
    # Of 160 sure boxes of both, 40 windows of the original have no like.
    assert parity.agreement == pytest.approx(80 / 120)
    assert (parity.group, parity.group_agreement) == ("class window", 0.0)
    assert failing(verdict(parity)) == {"agreement", "agreement of the worst class"}
    # A right box of half the confidence is as precise: the order is what counts.
    assert parity.metric_loss == 0


def test_boxes_that_moved_are_others_on_either_side():
    learned, said = maps()
    other = said.copy()
    other[..., 4:] *= 0.6
    parity = compared(said, other, learned)
    assert parity.agreement == 0
    assert parity.metric_loss == 1
    assert "metric" in failing(verdict(parity))


def test_a_box_at_the_threshold_may_be_sure_or_not():
    learned, said = maps()
    said[..., :2] *= 0.8001 / 0.95
    other = said.copy()
    other[..., :2] *= 0.999
    parity = compared(said, other, learned)
    assert (parity.agreement, parity.undecided) == (None, 1.0)
    assert compared(other, said).agreement == 1.0
    said[..., 0] *= 0.9 / 0.8001
    parity = compared(said, other)
    assert (parity.agreement, parity.answers, parity.undecided) == (0.0, ROWS, 0.5)


def test_targets_of_another_shape_measure_nothing():
    _, said = maps()
    assert compared(said, said, np.zeros(ROWS)).metric_loss is None
    assert compared(said, said, np.zeros((ROWS, GRID, GRID, 9))).metric_loss is None


def test_maps_that_preprocess_json_does_not_tell_of_are_refused():
    with pytest.raises(ConversionError, match="kind boxes lacks grid, most"):
        AnswerKind.of({"output": {k: v for k, v in OUTPUT.items() if k not in {"grid", "most"}}})
    with pytest.raises(ConversionError, match="maps of 8 × 8 × 6 numbers; the output has 36"):
        parity_of([[0.5] * 36], [[0.5] * 36], 1.0, "x", TASK)
