"""What guests did with restaurants in an app, made from a seed.

A guest goes where the kitchen suits his taste, in or near his district, at prices that he pays; the
rest is chance and the fame of the place. Taste has a part that his segment shares and a part of his
own, so that attributes tell something of a stranger, and acts tell more. Fame alone explains
little: what most people take is a poor answer to everybody.

What is wrong in such data is here, too: taps by accident, places that are dismissed, guests and
places of which nothing is known but the id, guests who come back to a place they know. ``broken``
lines are those that a contract must set aside.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from deployments.demo.generate import partition

Columns = dict[str, NDArray[Any]]
SEGMENTS = ("family", "couple", "student", "business", "tourist")
DISTRICTS = ("harbour", "old_town", "university", "station", "park", "west_end", "hill", "docks")
CUISINES = ("italian", "thai", "japanese", "mexican", "indian", "french", "greek", "vegan",
            "burgers", "seafood", "ramen", "bakery")  # fmt: skip
NEW_CUISINE = "cloud_kitchen"
ACTIONS = ("view", "click", "save", "share", "call", "book", "visit")
ACTION_SHARES = (0.45, 0.25, 0.08, 0.02, 0.03, 0.09, 0.08)
DEVICES = ("ios", "android", "web")
TASTES = 6
"""Dimensions of taste."""
ACCIDENTS, DISMISSED, UNTOLD, RETURNS = 0.05, 0.06, 0.05, 0.04
"""Shares: of acts, taps by accident, those that dismiss a place, and those at a place that the
guest knows; of guests and places, those whose attributes nobody knows."""


@dataclass(frozen=True)
class DiningShift:
    """How the world changed, for a drift story; the default is no change.

    Args:
        new_guests: Share of the acts by guests that nobody saw before.
        new_cuisine: Share of the places that cook what nobody cooked before.
        taste: Share of the guests whose taste is another than it was.
        broken: Share of the lines that no contract lets through.
    """

    new_guests: float = 0.0
    new_cuisine: float = 0.0
    taste: float = 0.0
    broken: float = 0.0


@dataclass(frozen=True)
class _City:
    """Guests and places of one seed, whatever the days: guests, places and how well they suit."""

    segment: NDArray[Any]
    home: NDArray[Any]
    activity: NDArray[np.float64]
    cuisine: NDArray[Any]
    district: NDArray[Any]
    price: NDArray[np.int64]
    liking: NDArray[np.float64]


def restaurant_interactions(
    rows: int,
    start: date,
    days: int,
    seed: int = 0,
    shift: DiningShift | None = None,
    *,
    guests: int = 0,
    places: int = 400,
) -> Columns:
    """Acts by the names of their contract's columns, sorted by when they took place.

    Args:
        rows: Number of acts, spread evenly over the days.
        start: First day.
        days: Number of days.
        seed: Same seed, same city; with the same days, the same acts.
        shift: How they differ from the usual.
        guests: How many there are; 0 means one for every 25 acts.
        places: How many restaurants there are.
    """
    change = shift or DiningShift()
    guests = guests or max(rows // 25, 10)
    city = _city(guests, places, seed, change)
    rng = np.random.default_rng((seed, start.toordinal(), rows))
    seconds = np.sort(rng.integers(0, days * 86_400, rows))
    guest = rng.choice(guests, rows, p=city.activity)
    place = _places_of(city, guest, rng)
    action = rng.choice(ACTIONS, rows, p=ACTION_SHARES).astype(object)
    dismissed = rng.random(rows) < DISMISSED
    place[dismissed] = rng.integers(0, places, dismissed.sum())
    action[dismissed] = "dismiss"
    strangers = rng.random(rows) < change.new_guests
    names = np.asarray([f"g{seed}-{n:06d}" for n in range(guests)], dtype=object)
    new_names = np.asarray([f"n{start:%Y%m%d}-{n:06d}" for n in range(guests)], dtype=object)
    ids = [str(UUID(bytes=rng.bytes(16), version=4)) for _ in range(rows)]
    looked = np.isin(action, ACTIONS[:2])
    return {
        "interaction_id": np.asarray(ids, dtype=object),
        "user_id": np.where(strangers, new_names[guest], names[guest]),
        "restaurant_id": np.asarray([f"r{n:05d}" for n in range(places)], dtype=object)[place],
        "action": action,
        "occurred_at": np.datetime64(start, "s") + seconds,
        "dwell_seconds": np.where(looked, np.round(rng.gamma(2, 15, rows), 1), np.nan),
        "rank": rng.integers(1, 31, rows),
        "device": rng.choice(DEVICES, rows, p=(0.45, 0.35, 0.2)).astype(object),
        "guest_segment": city.segment[guest],
        "home_district": city.home[guest],
        "cuisine": city.cuisine[place],
        "price_level": city.price[place],
        "restaurant_district": city.district[place],
        "broken": rng.random(rows) < change.broken,
    }


def _city(guests: int, places: int, seed: int, change: DiningShift) -> _City:
    rng = np.random.default_rng((seed, 77))
    segment_taste = rng.normal(0, 0.7, (len(SEGMENTS), TASTES))
    cuisine_taste = rng.normal(0, 0.9, (len(CUISINES), TASTES))
    segment = rng.integers(0, len(SEGMENTS), guests)
    home = rng.integers(0, len(DISTRICTS), guests)
    own = rng.normal(0, 0.9, (guests, TASTES))
    cuisine = rng.integers(0, len(CUISINES), places)
    district = rng.integers(0, len(DISTRICTS), places)
    price = rng.integers(1, 5, places)
    kitchen = cuisine_taste[cuisine] + rng.normal(0, 0.5, (places, TASTES))
    fame = rng.gumbel(0, 0.35, places)
    turned = rng.random(guests) < change.taste
    taste = segment_taste[segment] + np.where(turned[:, None], -1.0, 1.0) * own
    taste = np.where(turned[:, None], -taste, taste)
    pays = np.asarray([2.0, 2.8, 1.2, 3.6, 2.5])[segment] + rng.normal(0, 0.3, guests)
    liking = (
        taste @ kitchen.T
        + 1.6 * (home[:, None] == district[None, :])
        - 0.6 * np.abs(pays[:, None] - price[None, :])
        + fame[None, :]
    )
    activity = rng.gamma(1.5, 1.0, guests) + 0.05
    named = np.asarray(CUISINES, dtype=object)[cuisine]
    named[rng.random(places) < change.new_cuisine] = NEW_CUISINE
    hidden, bare = rng.random(guests) < UNTOLD, rng.random(places) < UNTOLD
    told = np.asarray(SEGMENTS, dtype=object)[segment], np.asarray(DISTRICTS, dtype=object)[home]
    return _City(
        segment=_untold(told[0], hidden),
        home=_untold(told[1], hidden),
        activity=activity / activity.sum(),
        cuisine=_untold(named, bare),
        district=np.asarray(DISTRICTS, dtype=object)[district],
        price=price,
        liking=liking,
    )


def _untold(values: NDArray[Any], whose: NDArray[np.bool_]) -> NDArray[Any]:
    told = values.copy()
    told[whose] = None
    return told


def _places_of(
    city: _City, guest: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """The place of each act: one that suits and that is new to the guest, mostly.

    Gumbel noise on the log-odds draws without replacement by their softmax (Gumbel 1954): a guest's
    acts are his highest places, in a random order of their being high.
    """
    place = np.zeros(len(guest), dtype=np.int64)
    order = np.argsort(guest, kind="stable")
    edges = np.flatnonzero(np.diff(guest[order])) + 1
    for rows in np.split(order, edges):
        liking = city.liking[guest[rows[0]]]
        drawn = np.argsort(-(liking + rng.gumbel(0, 1, len(liking))), kind="stable")
        visited = rng.permutation(drawn[: len(rows)])
        place[rows] = np.resize(visited, len(rows))
    accident = rng.random(len(guest)) < ACCIDENTS
    place[accident] = rng.integers(0, len(city.price), accident.sum())
    # A return is to what the same guest did before: the act before this one of his.
    back = order[1:][(rng.random(len(order) - 1) < RETURNS) & (np.diff(guest[order]) == 0)]
    before = np.empty(len(guest), dtype=np.int64)
    before[order[1:]] = order[:-1]
    place[back] = place[before[back]]
    return place


def write_restaurant_interactions(root: Path, columns: Columns) -> list[Path]:
    """Write acts as one JSON Lines file a day below ``root``; returns the files."""
    days = columns["occurred_at"].astype("datetime64[D]")
    written = []
    for day in np.unique(days):
        folder = partition(root / "restaurant_interactions", day.astype(object))
        folder.mkdir(parents=True, exist_ok=True)
        rows = np.flatnonzero(days == day)
        written.append(folder / f"restaurant_interactions_{day.astype(object):%Y%m%d}.jsonl")
        lines = (json.dumps(_record(columns, int(row))) for row in rows)
        written[-1].write_text("\n".join(lines) + "\n", encoding="utf-8")
    return written


def _record(columns: Columns, row: int) -> dict[str, Any]:
    record = {}
    for name, values in columns.items():
        value = values[row]
        if name == "occurred_at":
            value = value.astype(object).replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")
        elif isinstance(value, np.generic):
            value = value.item()
        if name != "broken" and value is not None and not _missing(value):
            record[name] = value
    if columns["broken"][row]:
        record |= {"restaurant_id": "", "action": "teleport"}
    return record


def _missing(value: Any) -> bool:
    return isinstance(value, float) and np.isnan(value)


def main() -> None:
    """Write a lake folder from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("root", type=Path, help="folder to write, e.g. /tmp/lake/raw")
    parser.add_argument("--rows", type=int, default=40_000, help="acts")
    parser.add_argument("--start", type=date.fromisoformat, default=date(2026, 1, 1))
    parser.add_argument("--days", type=int, default=120)
    parser.add_argument("--guests", type=int, default=0, help="0: one for every 25 acts")
    parser.add_argument("--places", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shift-new-guests", type=float, default=0.0, help="share of acts, 0 to 1")
    parser.add_argument("--shift-new-cuisine", type=float, default=0.0, help="share of places")
    parser.add_argument("--shift-taste", type=float, default=0.0, help="share of guests")
    parser.add_argument("--broken", type=float, default=0.0, help="share of lines")
    given = parser.parse_args()
    shift = DiningShift(
        given.shift_new_guests, given.shift_new_cuisine, given.shift_taste, given.broken
    )
    made = restaurant_interactions(
        given.rows, given.start, given.days, given.seed, shift,
        guests=given.guests, places=given.places,
    )  # fmt: skip
    written = write_restaurant_interactions(given.root, made)
    last = given.start + timedelta(days=given.days - 1)
    print(f"{len(written)} files of {len(made['action'])} acts, {given.start} to {last}")


if __name__ == "__main__":
    main()
