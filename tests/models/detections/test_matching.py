"""Boxes held to objects: values worked out by hand, and what holds whatever the boxes are."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.runtime.detections.matching import hits, overlaps
from models.runtime.detections.precision import average_precision, by_class

CLASSES = 2


@st.composite
def photos(draw):
    """Some photos' objects, and boxes told of them, near to the objects or anywhere."""
    n, k, m = draw(st.integers(1, 3)), draw(st.integers(1, 5)), draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    truth, told = np.zeros((n, m, 5)), np.zeros((n, k, 6))
    low = rng.uniform(0, 0.6, (n, m, 2))
    truth[..., 0] = rng.integers(0, CLASSES + 1, (n, m))
    truth[..., 1:3], truth[..., 3:] = low, low + rng.uniform(0.1, 0.4, (n, m, 2))
    near = truth[np.arange(n)[:, None], rng.integers(0, m, (n, k)), 1:]
    told[..., 0] = rng.integers(0, CLASSES + 1, (n, k))
    told[..., 1] = rng.integers(1, 5, (n, k)) / 5  # many are equal
    told[..., 2:] = np.clip(near + rng.normal(0, 0.03, near.shape), 0, 1)
    return told, truth


def mean_precision(told, truth):
    values = by_class(told, hits(told, truth), truth, CLASSES)
    return float(values.mean()) if len(values) else None


def test_an_overlap_is_what_is_shared_of_what_either_covers():
    box = np.asarray([[0.0, 0.0, 0.4, 0.4]])
    others = np.asarray(
        [[0.0, 0.0, 0.4, 0.4], [0.2, 0.0, 0.6, 0.4], [0.4, 0.4, 1, 1], [0, 0, 0, 0]]
    )
    # Half of a square moved by half its side: 0.08 shared of 0.24.
    np.testing.assert_allclose(overlaps(box, others), [[1, 1 / 3, 0, 0]])


def test_the_surest_box_takes_an_object_and_the_second_around_it_is_wrong():
    truth = np.asarray([[[1, 0.0, 0.0, 0.5, 0.5], [1, 0.5, 0.5, 1.0, 1.0]]])
    told = np.asarray(
        [
            [
                [1, 0.6, 0.0, 0.0, 0.5, 0.5],  # exact, but another one was surer
                [1, 0.9, 0.0, 0.0, 0.5, 0.4],  # four fifths of it
                [2, 0.8, 0.5, 0.5, 1.0, 1.0],  # another class
                [1, 0.2, 0.5, 0.5, 1.0, 0.75],  # one half is enough
                [0, 0.0, 0.0, 0.0, 0.0, 0.0],
            ]
        ]
    )
    assert hits(told, truth).tolist() == [[False, True, False, True, False]]


def test_a_box_takes_the_best_object_that_is_left():
    """Where two objects overlap each other, the second box gets the second one, as in COCO."""
    truth = np.asarray([[[1, 0.0, 0.0, 0.5, 1.0], [1, 0.1, 0.0, 0.6, 1.0]]])
    told = np.asarray([[[1, 0.9, 0.0, 0.0, 0.5, 1.0], [1, 0.8, 0.01, 0.0, 0.51, 1.0]]])
    assert hits(told, truth).tolist() == [[True, True]]


def test_average_precision_is_the_area_under_the_envelope():
    # Right, wrong, right, right of 4 objects: precision 1, 1/2, 2/3, 3/4; the envelope is 1, 3/4,
    # 3/4 at the recalls 1/4, 2/4, 3/4: (1 + 3/4 + 3/4) / 4.
    confidence, right = [0.9, 0.8, 0.7, 0.6], [True, False, True, True]
    assert average_precision(confidence, right, 4) == pytest.approx(0.625)
    assert average_precision([], [], 3) == 0
    # A right and a wrong one of equal confidence are one step, whichever comes first.
    for order in ([True, False], [False, True]):
        assert average_precision([0.5, 0.5], order, 1) == pytest.approx(0.5)


def test_classes_that_no_photo_shows_count_in_no_mean():
    told = np.asarray([[[2, 0.9, 0, 0, 1, 1], [1, 0.8, 0, 0, 1, 1]]], dtype=float)
    truth = np.asarray([[[1, 0, 0, 1, 1]]], dtype=float)
    assert by_class(told, hits(told, truth), truth, 2).tolist() == [1.0]


@given(photos(), st.randoms(use_true_random=False))
def test_neither_the_order_of_boxes_nor_that_of_photos_says_anything(made, random):
    told, truth = made
    rows, places = list(range(len(told))), list(range(told.shape[1]))
    random.shuffle(rows)
    random.shuffle(places)
    turned = mean_precision(told[rows][:, places], truth[rows])
    assert turned == pytest.approx(mean_precision(told, truth))


@given(photos())
def test_a_right_box_told_twice_is_worth_no_more(made):
    told, truth = made
    twice = np.concatenate([told, told], axis=1)
    right, again = hits(told, truth), hits(twice, truth)
    # An object that was found stays found once; the second box finds none that was missed before,
    # but where two objects overlap each other.
    assert again.sum() >= right.sum()
    assert (again.sum(axis=1) <= (truth[..., 0] > 0).sum(axis=1)).all()
    alone = np.concatenate([told[:, :1], np.zeros_like(told[:, :1])], axis=1)
    pair = np.concatenate([told[:, :1], told[:, :1]], axis=1)
    one = truth[:, :1]
    assert hits(pair, one).sum() == hits(alone, one).sum()
    before, after = mean_precision(alone, one), mean_precision(pair, one)
    assert before is None or after <= before
    if hits(alone, one).any():
        assert after < before


@given(photos())
def test_the_objects_themselves_are_a_perfect_answer_and_none_a_useless_one(made):
    _, truth = made
    said = np.insert(truth, 1, 0.7, axis=-1) * (truth[..., :1] > 0)
    assert mean_precision(said, truth) in {None, 1.0}
    assert mean_precision(np.zeros((len(truth), 1, 6)), truth) in {None, 0.0}
