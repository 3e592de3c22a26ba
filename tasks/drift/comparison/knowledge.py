"""What the reference weeks tell of weeks to come, and what not, in a sentence each. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from tasks.drift.comparison.natural import Learned
from tasks.drift.policy import NATURAL_NUMERIC_BUDGET, DriftPolicy
from tasks.drift.profiles.profile import Profile

LIVES_ON = 0.3
"""Correlation of a week with the next from which people are told that effects live on."""
_WALKS = 0.7
_YEAR_DAYS = 364
_FORTNIGHT = 14
_CLIPPED = 3.0
"""Standard deviations beyond which a level hardly goes: scores are clipped at 3.5."""


def known(learned: Learned | None, reference: Sequence[Profile], policy: DriftPolicy) -> str:
    """The line of a report; "" where there is nothing to say."""
    return " ".join([*_weeks(learned, policy), *_seasons(reference, policy)])


def nothing_to_compare(stored: Sequence[Profile], policy: DriftPolicy) -> str:
    """Why no reference is left."""
    if not stored or policy.season == "none":
        return "the baseline has no row to compare with"
    names = [name for part in stored for name in part.partitions]
    return (
        f"season: {policy.season} asks for reference partitions of the same season, and the "
        f"baseline ({min(names)} to {max(names)}) holds none"
    )


def _weeks(learned: Learned | None, policy: DriftPolicy) -> list[str]:
    if learned is None or "location" not in learned.families:
        return []
    family = learned.families["location"]
    share = NATURAL_NUMERIC_BUDGET["location"] * policy.window_weights[0]
    alpha = policy.alpha * share / max(len(learned.frames), 1)
    telling = family.between > 0
    if not telling.any():
        return []
    reach = float(np.median(family.reach(alpha)[telling]))
    least = " at least" if reach > _CLIPPED else ""
    beyond = f"{min(reach, _CLIPPED):.2g} standard deviations{least}"
    if family.memory >= _WALKS:
        return [
            f"Periods drift by themselves here: only levels that move beyond {beyond} are told."
        ]
    if learned.weeks < policy.enough:
        return [
            f"{learned.weeks} reference periods tell little of how much periods differ: of one "
            f"alone, a level that moves beyond {beyond} is told, and less with every period more."
        ]
    lives = (
        f", and what moves one lives on in the next (correlation {family.memory:.1f})"
        if family.memory >= LIVES_ON
        else ""
    )
    return [f"Of one period alone, a level that moves beyond {beyond} is told{lives}."]


def _seasons(reference: Sequence[Profile], policy: DriftPolicy) -> list[str]:
    days = [_day(name) for part in reference for name in part.partitions]
    known_days = [day for day in days if day is not None]
    if policy.season == "year" or not known_days or len(known_days) < len(days):
        return []
    span = (max(known_days) - min(known_days)).days
    if span >= _YEAR_DAYS - 7 or len(known_days) < 2:
        return []
    return [
        f"The reference spans {_span(span + 1)}, less than a year: what the seasons do to these "
        "data is not known, and may be told as drift."
    ]


def _span(days: int) -> str:
    return f"{(days - 1) // 7 + 1} weeks" if days > _FORTNIGHT else f"{days} days"


def _day(name: str) -> date | None:
    """Day that a partition's name begins with, or the first of its month."""
    try:
        return date.fromisoformat(f"{name}-01" if len(name) == len("2026-01") else name[:10])
    except ValueError:
        return None
