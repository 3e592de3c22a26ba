"""A story: what may have happened, the law that it makes of the reference, and its price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tasks.drift.explanation.law import Law

Meaning = Literal[
    "unit change",
    "clock",
    "shift",
    "scale",
    "spread",
    "shift and spread",
    "truncation",
    "one value",
    "mix",
    "outliers",
    "duplicates",
    "nulls",
    "unreadable values",
    "new category",
    "lost category",
    "category share",
    "encoding",
    "words",
    "unclear",
]


@dataclass(frozen=True)
class DriftStory:
    """One explanation of a numeric column.

    Attributes:
        meaning: Its word.
        sentence: What happened, for people.
        law: What the reference becomes if it is true.
        parameters: Numbers that were fitted.
        where: The rows to look at, from and to below these grid units; None for where the current
            rows exceed the reference's most.
        value: The one exact value to look at, as text; "" for an interval.
        size: The factor of a change of unit of all rows; else 0.
        factor: The same where it could be any factor unless it is met closely; else 0.
    """

    meaning: Meaning
    sentence: str
    law: Law
    parameters: int
    where: tuple[float, float] | None = None
    value: str = ""
    size: float = 0.0
    factor: float = 0.0


@dataclass(frozen=True)
class Explained:
    """``rows`` is a condition as in SQL; ``share`` how many current and reference rows meet it."""

    meaning: Meaning
    sentence: str
    rows: str
    share: tuple[float, float]
