"""What clients record, one JSON object a line. Pure.

``{"user_id": "u1", "event_id": "e1", "metric": "demo_booked", "value": 1, "version": "v…"}``:
``metric`` may be left out (the user was given a version, nothing more), ``value`` is 1 then and by
default, ``version`` is what the user was given, when the client knows it. ``event_id`` is unique
per user: a repeated event counts once, whatever it holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import astuple, dataclass
from typing import Any

from tasks.experiments.blocks import MILLION
from tasks.experiments.plan import Experiment

LONGEST = 256
LARGEST = 1e12
KEYS = frozenset({"user_id", "event_id", "metric", "value", "version"})


@dataclass(frozen=True)
class UserEvent:
    """One event of a user; ``amount`` in millionths of the metric's unit."""

    event: str
    metric: str
    amount: int
    version: str


@dataclass(frozen=True)
class EventBatch:
    """A batch of records: events by user, each event once, and the lines that are none."""

    lines: int
    repeated: int
    users: Mapping[str, tuple[UserEvent, ...]]
    wrong: tuple[str, ...]


@dataclass(frozen=True)
class Recorded:
    """What became of events.

    ``events`` count; ``entered`` users are new ones; ``repeated`` events were known; ``late`` ones
    came after their user had been counted; ``ended``: of users who came after the end.
    """

    events: int = 0
    entered: int = 0
    repeated: int = 0
    late: int = 0
    ended: int = 0

    def __add__(self, other: Recorded) -> Recorded:
        return Recorded(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def batch(experiment: Experiment, lines: Iterable[str]) -> EventBatch:
    """Parse lines; what is wrong with one of them never loses the others."""
    users: dict[str, dict[str, UserEvent]] = {}
    wrong: list[str] = []
    total = repeated = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        total += 1
        try:
            user, entry = _entry(experiment, line)
        except ValueError as error:
            wrong.append(f"line {number}: {error}")
            continue
        known = users.setdefault(user, {})
        repeated += entry.event in known
        known.setdefault(entry.event, entry)
    return EventBatch(
        lines=total,
        repeated=repeated,
        users={user: tuple(known.values()) for user, known in users.items()},
        wrong=tuple(wrong),
    )


def _entry(experiment: Experiment, line: str) -> tuple[str, UserEvent]:
    try:
        document = json.loads(line)
    except ValueError:
        raise ValueError(f"{line[:60]!r} is not JSON") from None
    if not isinstance(document, dict):
        raise ValueError(f"{line[:60]!r} is not a JSON object")  # noqa: TRY004  of a line
    unknown = sorted(document.keys() - KEYS)
    if unknown:
        raise ValueError(f"unknown keys {', '.join(map(repr, unknown))}")
    metric = _text(document, "metric", needed=False)
    if metric and metric not in {known.name for known in experiment.metrics}:
        raise ValueError(f"{metric!r} is no metric of this experiment")
    entry = UserEvent(
        event=_text(document, "event_id"),
        metric=metric,
        amount=_amount(document.get("value", 1)) if metric else 0,
        version=_text(document, "version", needed=False),
    )
    return _text(document, "user_id"), entry


def _text(document: Mapping[str, Any], key: str, *, needed: bool = True) -> str:
    value = document.get(key)
    if value is None and not needed:
        return ""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST:
        raise ValueError(f"{key} is {value!r}, not a text of 1 to {LONGEST} characters")
    return value


def _amount(value: object) -> int:
    if isinstance(value, bool):
        return MILLION * value
    if not isinstance(value, int | float) or not abs(value) <= LARGEST:
        raise ValueError(f"value is {value!r}, not a number")
    return round(value * MILLION)
