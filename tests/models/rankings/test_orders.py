"""Measures of an order: what they must hold to whatever the order is, and known values."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.runtime.rankings import orders

ITEMS = 12


@st.composite
def users(draw):
    """Some users' lists without repeats, filled up with 0, and what each took up."""
    rows, places = draw(st.integers(1, 4)), draw(st.integers(1, ITEMS))
    numbers = st.permutations(range(1, ITEMS + 1))
    listed = np.zeros((rows, places), dtype=np.int64)
    relevant = []
    for row in range(rows):
        length = draw(st.integers(0, places))
        listed[row, :length] = draw(numbers)[:length]
        relevant.append(np.asarray(draw(numbers)[: draw(st.integers(1, ITEMS))]))
    return listed, relevant


def counts(relevant):
    return np.asarray([len(items) for items in relevant])


@given(users())
def test_a_place_is_right_where_its_item_was_taken_up(made):
    listed, relevant = made
    slow = [[item in set(taken.tolist()) for item in row]
            for row, taken in zip(listed.tolist(), relevant, strict=True)]  # fmt: skip
    np.testing.assert_array_equal(orders.hits(listed, relevant), slow)


@given(users())
def test_recall_never_falls_with_more_places_and_stays_a_share(made):
    listed, relevant = made
    hit = orders.hits(listed, relevant)
    steps = [orders.recall(hit, counts(relevant), k) for k in range(1, ITEMS + 1)]
    assert (np.diff(steps, axis=0) >= 0).all()
    assert (steps[0] >= 0).all()
    assert (steps[-1] <= 1).all()


@given(users(), st.integers(1, ITEMS))
def test_ndcg_is_from_0_to_1_and_1_for_the_perfect_order_alone(made, k):
    listed, relevant = made
    hit = orders.hits(listed, relevant)
    found = orders.ndcg(hit, counts(relevant), k)
    assert (found >= 0).all()
    assert (found <= 1 + 1e-12).all()
    best = np.minimum(counts(relevant), k)
    perfect = [row[:n].sum() == n for row, n in zip(hit, best, strict=True)]
    np.testing.assert_array_equal(found > 1 - 1e-12, perfect)
    np.testing.assert_array_equal(found == 0, ~hit[:, :k].any(axis=1))


@given(users(), st.data())
def test_the_order_among_right_or_among_wrong_places_does_not_matter(made, data):
    """Items that are alike to the measure may change places."""
    listed, relevant = made
    hit = orders.hits(listed, relevant)
    moved = listed.copy()
    for row in range(len(listed)):
        for side in (hit[row], ~hit[row]):
            at = np.flatnonzero(side)
            moved[row, at] = listed[row, data.draw(st.permutations(at.tolist()))]
    again = orders.hits(moved, relevant)
    for measure in (orders.ndcg, orders.recall):
        for k in (1, 3, ITEMS):
            np.testing.assert_allclose(
                measure(again, counts(relevant), k), measure(hit, counts(relevant), k)
            )


@given(users(), st.data())
def test_a_right_item_moved_up_never_lowers_ndcg(made, data):
    listed, relevant = made
    hit = orders.hits(listed, relevant)
    row = data.draw(st.integers(0, len(listed) - 1))
    place = data.draw(st.integers(0, listed.shape[1] - 1))
    if not place or not hit[row, place] or hit[row, place - 1]:
        return
    moved = listed.copy()
    moved[row, [place - 1, place]] = moved[row, [place, place - 1]]
    better = orders.ndcg(orders.hits(moved, relevant), counts(relevant), listed.shape[1])
    worse = orders.ndcg(hit, counts(relevant), listed.shape[1])
    assert better[row] > worse[row]


def test_known_values():
    """Two of three on places 1 and 3: (1 + 1/2) / (1 + 1/log2(3) + 1/2)."""
    hit = orders.hits(np.asarray([[7, 1, 9, 0]]), [np.asarray([9, 7, 30])])
    assert hit.tolist() == [[True, False, True, False]]
    assert orders.ndcg(hit, np.asarray([3]), 4)[0] == pytest.approx(0.703918, abs=1e-6)
    assert orders.recall(hit, np.asarray([3]), 1)[0] == pytest.approx(1 / 3)
    assert orders.coverage(np.asarray([[7, 1, 9, 0], [7, 2, 0, 0]]), 10, 2) == pytest.approx(0.3)


def test_ndcg_agrees_with_scikit_learn_where_the_list_is_whole():
    from sklearn.metrics import ndcg_score

    draw = np.random.default_rng(0)
    truth = draw.random((40, ITEMS)) < 0.3
    truth[:, 0] = True
    scores = draw.random((40, ITEMS))
    listed = np.argsort(-scores, axis=1) + 1
    relevant = [np.flatnonzero(row) + 1 for row in truth]
    ours = orders.ndcg(orders.hits(listed, relevant), counts(relevant), 5)
    assert ours.mean() == pytest.approx(ndcg_score(truth, scores, k=5))
