"""The served order: exact search, the second stage, and what each user already knows."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from models.runtime.rankings.history import History, TakenUp
from models.runtime.rankings.recommender import SIGNS, Recommender, SecondStage, Towers
from models.runtime.rankings.search import best

SCORES = arrays.arrays(
    np.float32,
    st.integers(1, 40),
    elements=st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0]) | st.floats(-9, 9, width=32),
)
"""Few different values: ties are what an exact search gets wrong."""


@given(SCORES, st.integers(0, 45))
def test_the_best_are_those_that_a_stable_sort_puts_first(scores, count):
    order = np.argsort(-scores, kind="stable")
    expected = [i for i in order if np.isfinite(scores[i])][:count]
    assert best(scores, count).tolist() == expected


def acts(seed=0, users=6, items=30, rows=60):
    draw = np.random.default_rng(seed)
    return TakenUp(
        draw.integers(1, users + 1, rows), draw.integers(1, items + 1, rows),
        np.sort(draw.integers(0, 40, rows)), np.ones(rows),
    )  # fmt: skip


def recommender(seed=0, second=True, candidates=12, most=8, items=30):
    draw = np.random.default_rng(seed)
    towers = Towers(
        draw.normal(size=(7, 4)).astype(np.float32),
        # Rounded, so that some scores are equal.
        np.round(draw.normal(size=(items, 5)), 1).astype(np.float32),
        (
            (draw.normal(size=(3, 5)).astype(np.float32), np.zeros(5, np.float32)),
            (draw.normal(size=(5, 4)).astype(np.float32), np.zeros(4, np.float32)),
        ),
    )
    weights = draw.normal(size=len(SIGNS)).astype(np.float32)
    taken = acts(seed, items=items)
    popularity = np.asarray([taken.shares(items), taken.recent_shares(items)], np.float32)
    stage = SecondStage(weights, -1.0) if second else None
    return Recommender(towers, popularity, History.of(taken, 6), stage, most, candidates)


def ask(model, user, k=8, without=0, features=(0.1, -0.3, 2.0)):
    return model.predict(
        {
            "user": np.asarray([[user]]),
            "features": np.asarray([features], np.float32),
            "k": np.asarray([[k]]),
            "exclude_seen": np.asarray([[without]]),
        }
    )


def brute_force(model, user, k, without, features=(0.1, -0.3, 2.0)):
    """Every item by its score, the candidates by their chance: whole sorts, nothing clever."""
    vector = model.towers.user_vectors(np.asarray([user]), np.asarray([features], np.float32))[0]
    scores = model.retrieved(vector)
    np.testing.assert_allclose(scores, model.towers.items @ vector, rtol=1e-4, atol=1e-5)
    known = set(model.history.of_user(user).tolist())
    open_items = [i for i in range(len(scores)) if not (without and i + 1 in known)]
    first = sorted(open_items, key=lambda i: (-scores[i], i))
    if model.second is None:
        return [i + 1 for i in first[:k]]
    candidates = np.asarray(first[: model.candidates])
    signs = model.signs(model.history.of_user(user) - 1, candidates, scores[candidates])
    chances = model.second.chances(signs)
    order = sorted(range(len(candidates)), key=lambda at: (-chances[at], candidates[at]))
    return [int(candidates[at]) + 1 for at in order[:k]]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 30), st.integers(0, 6), st.integers(1, 8), st.booleans(), st.booleans())
def test_what_is_served_is_what_brute_force_finds(seed, user, k, without, second):
    model = recommender(seed, second)
    answer = ask(model, user, k, int(without))
    expected = brute_force(model, user, k, without)
    assert answer["items"][0, :k].tolist() == expected
    assert not answer["items"][0, k:].any()
    assert (np.diff(answer["scores"][0, :k]) <= 0).all()
    if without:
        assert not set(expected) & set(model.history.of_user(user).tolist())


def test_the_same_user_gets_the_same_answer_whoever_else_is_asked_for():
    model = recommender(3)
    alone = ask(model, 2)
    together = model.predict(
        {
            "user": np.asarray([[1], [2], [0]]),
            "features": np.tile(np.asarray([[0.1, -0.3, 2.0]], np.float32), (3, 1)),
            "k": np.full((3, 1), 8),
            "exclude_seen": np.zeros((3, 1)),
        }
    )
    for name, values in alone.items():
        np.testing.assert_array_equal(together[name][1], values[0])


def test_fewer_items_than_places_leave_the_rest_empty():
    answer = ask(recommender(1, items=5), 1)
    assert sorted(answer["items"][0].tolist()) == [0, 0, 0, 1, 2, 3, 4, 5]
    assert not answer["scores"][0, 5:].any()


def test_a_history_holds_each_item_once_where_it_was_last_taken_up():
    taken = TakenUp(
        np.asarray([2, 1, 2, 2, 1]), np.asarray([5, 9, 7, 5, 9]),
        np.asarray([1, 1, 2, 3, 3]), np.ones(5),
    )  # fmt: skip
    history = History.of(taken, 3)
    assert [history.of_user(user).tolist() for user in range(4)] == [[], [9], [7, 5], []]


@given(st.integers(0, 50), st.floats(0.05, 0.95))
def test_the_newest_acts_are_never_older_than_the_others(seed, share):
    older, later = acts(seed).parted(share)
    assert len(older) + len(later) == 60
    if len(older) and len(later):
        assert older.days.max() <= later.days.min()


def test_recent_popularity_forgets_what_is_long_ago():
    taken = TakenUp(
        np.asarray([1, 2, 3, 4]), np.asarray([1, 1, 1, 2]),
        np.asarray([0, 0, 0, 50]), np.asarray([1.0, 1.0, 2.0, 1.0]),
    )  # fmt: skip
    assert taken.shares(3).tolist() == pytest.approx([0.8, 0.2, 0.1])
    assert taken.recent_shares(3).tolist() == pytest.approx([0.5, 1.0, 0.5])
