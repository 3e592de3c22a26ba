"""Power100 interactions made from a seed: who asked for a partner how, and whether one was found.

They come as the apps write them: once when they take place, with nothing known of what came of
them, and once more, whole and under the same id, on the day on which that is known. A partner is
found within days; that none will be is known a week later, and of some nobody ever hears. So
whoever takes silence for a no, or learns from the newest days, learns from another world.

The chance of a match follows a known law of thresholds and pairs: no column says much alone, so
that a linear model sees little of it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from deployments.demo.generate import partition

Columns = dict[str, NDArray[Any]]
USERS = ("contractor", "partner", "influencer", "preferred_partner", "employee")
KINDS = ("ai_concierge", "form_submission", "partner_match", "demo_booking")
DEVICES = ("desktop", "mobile", "tablet")
CHANNELS = ("web", "mobile", "sms", "email")
ALGORITHMS = ("v1", "v2")
STATES = ("AZ", "CA", "CO", "FL", "GA", "IL", "NC", "NY", "OH", "PA", "TX", "WA")
SOUTH = ("AZ", "CA", "FL", "GA", "NC", "TX")
NEW_STATE = "HI"
SILENT = 0.03
"""Share of interactions of which nobody ever hears what came."""
LATEST = 21
"""Days after which nothing arrives any more."""
BASE = -5.3
"""Log-odds where nothing speaks for a match: about 10 % of all interactions lead to one."""


@dataclass(frozen=True)
class PartnerShift:
    """How the interactions changed, for a drift story; the default is no change.

    Args:
        tokens: Factor on the length of conversations (another assistant talks more).
        new_state: Share of interactions from a state never seen before.
        demand: Added to the log-odds of every match (partners are scarce, or plenty).
    """

    tokens: float = 1.0
    new_state: float = 0.0
    demand: float = 0.0


def partner_interactions(
    rows: int, start: date, days: int, seed: int = 0, shift: PartnerShift | None = None
) -> Columns:
    """Interactions by the names of their contract's columns, sorted by when they took place.

    Args:
        rows: Number of interactions, spread evenly over the days.
        start: First day.
        days: Number of days.
        seed: Same seed, same rows.
        shift: How they differ from the usual.

    Returns:
        What is known at once; ``matched`` (whether a partner was found), ``chance`` (of that, by
        the law) and ``arrives`` (days until it is known, -1 for never).
    """
    change = shift or PartnerShift()
    rng = np.random.default_rng((seed, start.toordinal(), rows))
    seconds = np.sort(rng.integers(0, days * 86_400, rows))
    people = max(rows // 3, 1)
    person = rng.integers(0, people, rows)
    state = rng.choice(STATES, rows).astype(object)
    state[rng.random(rows) < change.new_state] = NEW_STATE
    tokens = np.round(np.exp(rng.normal(7.0, 0.8, rows)) * change.tokens)
    columns: Columns = {
        "interaction_id": _ids(rng, rows),
        "session_id": _ids(rng, rows),
        "user_id": np.asarray([f"u{number:06d}" for number in person], dtype=object),
        "user_type": rng.choice(USERS, people, p=(0.55, 0.2, 0.1, 0.1, 0.05))[person],
        "timestamp": np.datetime64(start, "s") + seconds,
        "interaction_type": rng.choice(KINDS, rows, p=(0.4, 0.25, 0.2, 0.15)),
        "ai_conversation.total_tokens": tokens.astype(np.int64),
        "ai_conversation.cost": np.round(tokens * 8e-6 * rng.uniform(0.8, 1.2, rows), 5),
        "ai_conversation.duration_ms": np.round(np.exp(rng.normal(12.2, 0.9, rows))),
        "metadata.device_type": rng.choice(DEVICES, rows, p=(0.5, 0.4, 0.1)),
        "metadata.channel": rng.choice(CHANNELS, rows, p=(0.5, 0.25, 0.1, 0.15)),
        "metadata.response_ms": np.round(np.exp(rng.normal(7.6, 0.7, rows))),
        "metadata.location.country": np.full(rows, "US", dtype=object),
        "metadata.location.state": state,
        "experiments.matching_algorithm": rng.choice(ALGORITHMS, rows),
    }
    columns["chance"] = 1 / (1 + np.exp(-(BASE + _law(columns) + change.demand)))
    columns["matched"] = rng.random(rows) < columns["chance"]
    waiting = np.where(columns["matched"], rng.gamma(2, 1.5, rows), 6 + rng.gamma(3, 1.5, rows))
    arrives = np.clip(np.ceil(waiting), 1, LATEST).astype(np.int64)
    columns["arrives"] = np.where(rng.random(rows) < SILENT, -1, arrives)
    return columns


def _law(columns: Columns) -> NDArray[np.float64]:
    """What speaks for a match, in log-odds: each line a pair or a threshold."""
    kind, user = columns["interaction_type"], columns["user_type"]
    tokens = columns["ai_conversation.total_tokens"]
    slow = columns["metadata.response_ms"] > 3_000
    long = columns["ai_conversation.duration_ms"] > 200_000
    desktop = columns["metadata.device_type"] == "desktop"
    south = np.isin(columns["metadata.location.state"], SOUTH)
    second = columns["experiments.matching_algorithm"] == "v2"
    asks, offers = np.isin(kind, KINDS[1:3]), np.isin(user, USERS[1:4])
    parts = [
        1.7 * (asks != offers),
        1.5 * (south == second),
        1.2 * (desktop == long),
        1.0 * ((tokens > 600) & (tokens < 2_200)),
        -1.2 * (slow & (columns["metadata.channel"] != "email")),
    ]
    return np.asarray(np.sum(parts, axis=0), dtype=np.float64)


def versions(columns: Columns, until: date | None = None) -> Iterator[tuple[date, dict[str, Any]]]:
    """Day of writing and record of every version, as the apps write them.

    Args:
        columns: Of :func:`partner_interactions`.
        until: The last day on which anything has been written; None waits for all that arrives.
    """
    known = [name for name in columns if name not in {"chance", "matched", "arrives"}]
    lists = {name: columns[name].tolist() for name in known}
    for row, moment in enumerate(lists["timestamp"]):
        if until is not None and moment.date() > until:
            return
        plain = {name: values[row] for name, values in lists.items()}
        first = _nested(plain | {"timestamp": _stamp(moment)})
        blank = {"partner_matched": None, "match_score": None, "deal_closed": None}
        yield moment.date(), first | {"outcomes": blank}
        arrives = int(columns["arrives"][row])
        told = moment + timedelta(days=arrives)
        if arrives < 0 or (until is not None and told.date() > until):
            continue
        outcome = blank | {"partner_matched": bool(columns["matched"][row])}
        yield told.date(), first | {"updated_at": _stamp(told), "outcomes": outcome}


def write_interactions(root: Path, columns: Columns, until: date | None = None) -> list[Path]:
    """Write every version below ``root``, in a file for each day of writing; returns the files."""
    by_day: dict[date, list[str]] = {}
    for day, record in versions(columns, until):
        by_day.setdefault(day, []).append(json.dumps(record))
    written = []
    for day, lines in sorted(by_day.items()):
        folder = partition(root, day)
        folder.mkdir(parents=True, exist_ok=True)
        written.append(folder / f"interactions_{day:%Y%m%d}.jsonl")
        written[-1].write_text("\n".join(lines) + "\n", encoding="utf-8")
    return written


def _nested(flat: dict[str, Any]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, value in flat.items():
        *outer, last = name.split(".")
        inside = made
        for part in outer:
            inside = inside.setdefault(part, {})
        inside[last] = value
    return made


def _ids(rng: np.random.Generator, rows: int) -> NDArray[Any]:
    made = [str(UUID(bytes=rng.bytes(16), version=4)) for _ in range(rows)]
    return np.asarray(made, dtype=object)


def _stamp(moment: datetime) -> str:
    return moment.replace(tzinfo=UTC).isoformat().replace("+00:00", "Z")


def main() -> None:
    """Write a lake folder from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("root", type=Path, help="folder to write, e.g. /tmp/lake/raw")
    parser.add_argument("--rows", type=int, default=30_000, help="interactions")
    parser.add_argument("--start", type=date.fromisoformat, default=date(2026, 1, 1))
    parser.add_argument("--days", type=int, default=150)
    parser.add_argument("--until", type=date.fromisoformat, help="last day of writing")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--shift-tokens", type=float, default=1.0, help="factor on their length")
    parser.add_argument("--shift-new-state", type=float, default=0.0, help="share, 0 to 1")
    parser.add_argument("--shift-demand", type=float, default=0.0, help="added to the log-odds")
    given = parser.parse_args()
    shift = PartnerShift(given.shift_tokens, given.shift_new_state, given.shift_demand)
    made = partner_interactions(given.rows, given.start, given.days, given.seed, shift)
    print(f"{len(write_interactions(given.root, made, given.until))} files of interactions")


if __name__ == "__main__":
    main()
