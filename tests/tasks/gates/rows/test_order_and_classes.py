"""Sides in the wrong order, and labels that nothing can be learned from."""

import numpy as np
import pytest

from tasks.gates.rows.classes import enough, learnable
from tasks.gates.rows.order import dates_ahead, in_order
from tasks.gates.rows.targets import RowTarget, target_of
from tasks.metrics import task_class
from tasks.specs.data_gates import ClassRowsSpec
from tests.tasks.gates.rows.made import DAY, classes, feature, number, rows, yes


def days(count, first=0):
    return DAY + np.arange(first, first + count)


def sides(late=0, **columns):
    """Forty days to learn from, of which the last ``late`` are held out, too; ten held out."""
    training, holdout = days(40 + late), days(10, 40)
    made = columns or {"one": np.ones(40 + late)}
    return rows(made, days=training), rows({"one": np.ones(10)}, days=holdout)


@pytest.mark.parametrize(("late", "level"), [(0, "pass"), (1, "fail"), (5, "fail")])
def test_no_row_to_learn_from_is_as_new_as_a_held_out_one(late, level):
    finding = in_order(*sides(late), "fail")
    assert finding.level == level
    assert finding.value.startswith(f"{late} of {40 + late}")
    assert len(finding.examples) == late


def test_rows_without_a_day_are_not_judged():
    training, holdout = sides()
    bare = rows({"one": np.ones(3)}, days=["NaT"] * 3)
    assert in_order(bare, holdout, "fail").level == "unknown"
    assert [one.level for one in dates_ahead(training, bare, [feature("one", "date")], "warn")] == [
        "unknown"
    ]


@pytest.mark.parametrize(
    ("ahead", "levels"), [(-1, ["pass"]), (0, ["pass"]), (5, ["warn"]), (40, ["warn"])]
)
def test_a_date_of_the_held_out_time_is_told(ahead, levels):
    training, holdout = sides(closed=days(40) + ahead)
    found = list(dates_ahead(training, holdout, [feature("closed", "date")], "warn"))
    assert [one.level for one in found] == levels
    assert [one.level for one in dates_ahead(training, holdout, [feature("one")], "warn")] == [
        "unknown"
    ]


A, B = [0, 1] * 20, [0, 0, 1, 2] * 5
LEARNABLE = {
    "two classes": (classes(A), classes(A), "pass", ""),
    "one class": (classes([0] * 40), classes([0] * 9), "fail", "all 40 rows to learn from have"),
    "a class that only held-out rows have": (classes(A), classes(B), "fail", "is of c,"),
    "a class that only training rows have": (classes(B), classes(A), "pass", ""),
    "yes and no": (yes([True, False] * 9), yes([True, False]), "pass", ""),
    "no yes": (yes([False] * 9), yes([True, False]), "fail", "have one label"),
    "no yes held out": (yes([True, False] * 9), yes([False] * 9), "pass", ""),
    "numbers": (number([1, 2, 3]), number([4]), "pass", ""),
    "one number": (number([7, 7, 7]), number([4]), "fail", "all 3 rows to learn from have"),
    "nothing to predict": (RowTarget("none", np.zeros(3)), RowTarget("none", np.zeros(3)),
                           "unknown", ""),
}  # fmt: skip


@pytest.mark.parametrize("case", LEARNABLE.values(), ids=LEARNABLE)
def test_labels_that_a_job_would_stop_at(case):
    training, holdout, level, why = case
    finding = learnable(training, holdout, "fail")
    assert finding.level == level
    assert why in finding.why
    if level == "fail":
        assert learnable(training, holdout, "warn").level == "warn"


def several(values):
    task = task_class("multi-label")
    return target_of(task, task.labels(values), "features")


def test_of_objects_with_boxes_the_classes_that_a_photo_shows_count():
    task = task_class("detection")
    door, pool = ({"label": name, "box": [0, 0, 1, 1]} for name in ("door", "pool"))
    shown = [[door, door, pool], [door], []]
    seen = target_of(task, task.labels(shown * 10), "objects")
    assert [(name, int(there.sum())) for name, there in seen.sides] == [("door", 20), ("pool", 10)]
    only = target_of(task, task.labels([[door], []]), "objects")
    assert learnable(seen, only, "fail").level == "pass"
    assert "is of pool" in learnable(only, seen, "fail").why


def test_of_many_labels_each_one_counts():
    seen = several([["pool"], ["pool", "view"], []] * 10)
    assert [(name, int(there.sum())) for name, there in seen.sides] == [("pool", 20), ("view", 10)]
    assert learnable(seen, several([["view"], []]), "fail").level == "pass"
    assert "is of sauna" in learnable(seen, several([["sauna"]]), "fail").why
    assert learnable(several([[], []]), several([[]]), "fail").level == "fail"


@pytest.mark.parametrize(
    ("training", "holdout", "rule", "level"),
    [
        (A, A, {}, "pass"),
        (A + [2] * 9, [*A, 2, 2], {}, "warn"),
        (A + [2] * 10, [*A, 2, 2], {}, "pass"),
        (A + [2] * 10, [*A, 2], {}, "warn"),
        (A + [2] * 9, [*A, 2, 2], {"severity": "fail"}, "fail"),
        (A + [2] * 9, [*A, 2, 2], {"training": 9, "severity": "fail"}, "pass"),
    ],
)
def test_rows_of_a_class_on_each_side(training, holdout, rule, level):
    finding = enough(classes(training), classes(holdout), ClassRowsSpec(**rule))
    assert finding.level == level
    assert ("c " in finding.why) == (level != "pass")


def test_a_yes_is_a_class_and_a_number_is_none():
    rare = yes(np.arange(500) < 4)
    finding = enough(rare, rare, ClassRowsSpec())
    assert (finding.level, finding.value) == ("warn", "fewest 4 to learn from, 4 held out")
    assert enough(number([1.0]), number([1.0]), ClassRowsSpec()).level == "unknown"
