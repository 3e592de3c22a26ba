"""Acts as they are made: by their contract, and with something to learn that fame does not tell."""

import json
from datetime import date

import numpy as np
import pytest

from deployments.demo.restaurants import (
    NEW_CUISINE,
    DiningShift,
    restaurant_interactions,
    write_restaurant_interactions,
)
from models.runtime.rankings import orders, peers
from models.runtime.rankings.history import padded
from tasks.contracts.odcs import load_contract
from tests.models.trained import ROOT

pytestmark = pytest.mark.seconds(30)

DAY = date(2026, 1, 1)
CONTRACT = load_contract("restaurant_interactions", ROOT / "data_contracts")


def made(rows=4_000, seed=1, shift=None, days=60, **sizes):
    return restaurant_interactions(rows, DAY, days, seed, shift, **sizes)


def test_the_same_seed_makes_the_same_acts_and_another_does_not():
    one, same, other = made(400, 4), made(400, 4), made(400, 5)
    assert all((one[name].astype(str) == same[name].astype(str)).all() for name in one)
    assert (one["interaction_id"] != other["interaction_id"]).all()


def test_acts_keep_their_contract_and_come_in_order():
    acts = made()
    assert set(acts) - {"broken"} <= set(CONTRACT.column_names)
    assert set(acts["action"]) <= set(CONTRACT.column("action").enum)
    assert (np.diff(acts["occurred_at"]) >= np.timedelta64(0)).all()
    assert acts["occurred_at"].min() >= np.datetime64(DAY)
    assert acts["occurred_at"].max() < np.datetime64("2026-03-02")
    assert len(set(acts["interaction_id"])) == 4_000


def test_a_days_file_holds_its_acts_and_says_nothing_of_what_nobody_knows(tmp_path):
    acts = made(600, shift=DiningShift(broken=0.1))
    files = write_restaurant_interactions(tmp_path, acts)
    records = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert len(records) == 600
    assert not [record for record in records if None in record.values() or "broken" in record]
    assert any("guest_segment" not in record for record in records)
    broken = [record for record in records if record["action"] == "teleport"]
    assert len(broken) == acts["broken"].sum() > 30
    assert files[0].parent.name == "day=01"


def test_a_shift_is_what_it_says():
    usual = made()
    fresh = made(shift=DiningShift(new_guests=0.3))
    known = np.isin(fresh["user_id"], np.unique(usual["user_id"]))
    assert known.mean() == pytest.approx(0.7, abs=0.03)
    cooked = made(shift=DiningShift(new_cuisine=0.4))["cuisine"]
    assert (cooked == NEW_CUISINE).mean() == pytest.approx(0.4, abs=0.1)
    assert NEW_CUISINE not in usual["cuisine"]
    turned = made(shift=DiningShift(taste=1.0))
    liked = usual["action"] != "dismiss"
    assert (turned["restaurant_id"] != usual["restaurant_id"])[liked].mean() > 0.9
    assert (turned["user_id"] == usual["user_id"]).all()


def test_what_most_people_take_is_a_poor_answer_and_who_takes_alike_a_better_one():
    """The newest days, foreseen by popularity and by factorisation of the days before."""
    acts = made(20_000, seed=7, days=120)
    liked = acts["action"] != "dismiss"
    users, at = np.unique(acts["user_id"], return_inverse=True)
    places, what = np.unique(acts["restaurant_id"], return_inverse=True)
    late = acts["occurred_at"] >= np.datetime64("2026-04-17")
    before = [what[(at == u) & liked & ~late] + 1 for u in range(len(users))]
    after = [np.unique(what[(at == u) & liked & late] + 1) for u in range(len(users))]
    relevant = [np.setdiff1d(new, old) for new, old in zip(after, before, strict=True)]
    asked = np.flatnonzero([len(items) > 0 for items in relevant])
    matrix = peers.taken(padded(before, max(map(len, before)), "int32"), len(places))
    found = {}
    factors, items = peers.factors(matrix)
    for name, vectors in (("popular", np.zeros_like(factors)), ("factors", factors)):
        listed, _ = peers.ordered(vectors, items, peers.popularity(matrix), matrix, 10)
        hit = orders.hits(listed[asked], [relevant[row] for row in asked])
        counts = np.asarray([len(relevant[row]) for row in asked])
        found[name] = orders.ndcg(hit, counts, 10).mean()
    assert 0.02 < found["popular"] < 0.15
    assert 1.8 * found["popular"] < found["factors"] < 0.5
