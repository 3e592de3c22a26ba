"""Answers before and after, held to what a rule expects."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.runtime.tasks.classification import Classification
from models.runtime.tasks.detection import Detection
from models.runtime.tasks.multi_label import MultiLabel
from models.runtime.tasks.probability import Probability
from models.runtime.tasks.ranking import Ranking
from models.runtime.tasks.regression import Regression
from tasks.gates.behaviour.expected import as_expected, judged
from tasks.specs.behaviour import BehaviourSpec
from tests.tasks.gates.answered import CLASSES, NUMBER, named

PRICE, CLASS = Regression(NUMBER), Classification(CLASSES)
CHANCE = Probability({"kind": "probability", "name": "yes", "base_rate": 0.1})
LABELS = MultiLabel({"kind": "labels", "classes": ["pool", "view"], "threshold": 0.5})


def rule(expect, **more):
    return BehaviourSpec(change="multiply", column="size", by=1.1, expect=expect, **more)


def kept(task, expect, before, after, **more):
    first, second = np.asarray(before, float), np.asarray(after, float)
    return as_expected(rule(expect, **more), task, first, second).tolist()


def test_numbers_move_by_a_share_of_themselves():
    before, after = [100, 100, 100, -100], [100.9, 101.1, 98, -100.9]
    assert kept(PRICE, "same", before, after) == [True, False, False, True]
    assert kept(PRICE, "other", before, after) == [False, True, True, False]
    assert kept(PRICE, "not_lower", before, after) == [True, True, False, True]
    assert kept(PRICE, "not_higher", before, after) == [True, False, True, True]
    assert kept(PRICE, "not_lower", [100, 100], [99, 98.9], within=0.01) == [True, False]


def test_a_chance_moves_by_points():
    assert kept(CHANCE, "same", [0.02, 0.02], [0.029, 0.031]) == [True, False]
    assert kept(CHANCE, "not_lower", [0.5, 0.5], [0.495, 0.48]) == [True, False]


def test_a_class_is_the_same_however_sure():
    before = [[0.9, 0.1], [0.9, 0.1]]
    assert kept(CLASS, "same", before, [[0.51, 0.49], [0.49, 0.51]]) == [True, False]
    assert kept(CLASS, "not_lower", before, [[0.5, 0.5], [0.95, 0.05]], of="yes") == [True, False]
    assert kept(CLASS, "not_lower", before, [[0.5, 0.5], [0.95, 0.05]], of="no") == [False, True]


def test_labels_are_the_same_set():
    before = [[0.9, 0.1], [0.9, 0.6]]
    assert kept(LABELS, "same", before, [[0.6, 0.4], [0.9, 0.4]]) == [True, False]
    assert kept(LABELS, "not_higher", before, [[0.9, 0.4], [0.9, 0.4]], of="view") == [False, True]


def test_objects_are_the_same_at_their_place_as_many_and_as_sure():
    boxes = Detection({"classes": ["door", "pool"], "confidence_threshold": 0.5, "most": 3})
    door = {"label": "door", "box": [0.1, 0.1, 0.3, 0.5], "confidence": 0.9}
    pool = {"label": "pool", "box": [0.5, 0.5, 0.9, 0.9], "confidence": 0.8}
    unsure, moved = door | {"confidence": 0.4}, door | {"box": [0.3, 0.1, 0.5, 0.5]}
    before = [[door, pool]] * 6
    after = [[pool, door], [door], [door, pool, pool], [unsure, pool], [moved, pool], [pool] * 2]
    first, second = boxes.read(before), boxes.read(after)
    same = [True, False, False, False, False, False]
    assert kept(boxes, "same", first, second) == same
    assert kept(boxes, "same", boxes.read([[], [unsure]]), boxes.read([[], []])) == [True, True]
    lower = [True, True, True, False, True, False]
    assert kept(boxes, "not_lower", first, second, of="door") == lower
    assert kept(boxes, "not_higher", first, second) == [True, True, False, True, True, True]
    with pytest.raises(KeyError, match="'gate' is none of the classes door, pool"):
        boxes.levels(first, "gate")
    told = judged(rule("same"), boxes, named(24).tolist(), first.repeat(4, 0), second.repeat(4, 0))
    assert "row-0004: door, pool → door" in told.why


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.floats(0, 1))
def test_what_does_not_move_is_the_same_and_neither_lower_nor_higher(values, within):
    for expect, right in (("same", True), ("other", False), ("not_lower", True)):
        assert set(kept(PRICE, expect, values, values, within=within)) == {right}


def test_a_share_is_held_to_its_bound_and_the_first_that_broke_it_are_named():
    before = np.full(200, 100.0)
    after = before.copy()
    after[[3, 50, 51, 90]] = 50.0
    found = judged(rule("not_lower"), PRICE, named(200).tolist(), before, after)
    assert (found.outcome, found.value, found.sign, found.bound) == ("pass", 0.98, "≥", 0.95)
    assert found.metric == "size multiply 1.1: not lower"
    assert found.why == (
        "200 rows; otherwise such as row-0003: 100 → 50; row-0050: 100 → 50; row-0051: 100 → 50"
    )
    worse = judged(rule("not_lower", at_least=0.99), PRICE, named(200).tolist(), before, after)
    assert (worse.outcome, worse.holds) == ("fail", False)


def test_with_a_confidence_the_worse_end_of_the_share_decides():
    before = np.full(200, 100.0)
    after = before.copy()
    after[:4] = 50.0

    def outcome(bound):
        asked = rule("not_lower", at_least=bound, confidence=0.95)
        return judged(asked, PRICE, named(200).tolist(), before, after)

    # Clopper-Pearson, 196 of 200: 0.9496 … 0.9945.
    assert [outcome(b).outcome for b in (0.94, 0.97, 0.995)] == ["pass", "inconclusive", "fail"]
    assert outcome(0.97).accepted().outcome == "pass"
    assert outcome(0.97).interval.low == pytest.approx(0.9496, abs=1e-4)


def test_a_handful_of_rows_shows_nothing():
    found = judged(rule("same"), PRICE, named(19).tolist(), np.ones(19), np.ones(19))
    assert (found.outcome, found.holds) == ("inconclusive", None)
    assert found.why == "19 held-out rows can be changed so; it takes 20"
    assert found.accepted() == found


def test_a_class_that_there_is_not_is_an_error_that_names_those_there_are():
    chances = np.full((30, 2), 0.5)
    found = judged(rule("not_lower", of="maybe"), CLASS, named(30).tolist(), chances, chances)
    assert (found.outcome, found.why) == ("error", "of: 'maybe' is none of the classes no, yes")
    nothing = judged(rule("not_lower"), CLASS, named(30).tolist(), chances, chances)
    assert nothing.outcome == "error"
    number = judged(
        rule("not_lower", of="yes"), PRICE, named(30).tolist(), np.ones(30), np.ones(30)
    )
    assert number.outcome == "error"


def test_what_was_answered_is_told_in_words():
    before, after = np.tile([0.9, 0.1], (40, 1)), np.tile([0.2, 0.8], (40, 1))
    found = judged(rule("same"), CLASS, named(40).tolist(), before, after)
    assert "row-0000: no → yes" in found.why
    labels = judged(rule("same"), LABELS, named(40).tolist(), before, np.tile([0.2, 0.1], (40, 1)))
    assert "row-0000: pool → nothing" in labels.why


def test_places_of_a_ranking_are_no_levels():
    with pytest.raises(KeyError, match="numbers"):
        Ranking({}).levels(np.ones((3, 2)), "")
