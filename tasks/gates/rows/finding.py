"""What was found of the rows: verdict and page are made of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tasks.specs.data_gates import RowSeverity
from tasks.values import WARNING, Check, Outcome

Level = Literal["pass", "warn", "fail", "unknown"]
OUTCOMES: dict[Level, Outcome] = {"pass": "pass", "warn": "pass", "fail": "fail", "unknown": "pass"}
"""A warning and what could not be looked at let a run go on."""
NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class RowFinding:
    """One check of the rows.

    Args:
        name: What was looked at; with the column, where it is one column's.
        level: What came of it.
        value: The figure, printed as it stands.
        bound: The bound, likewise.
        why: What it means, or why nothing was looked at; a sentence without its point.
        advice: What to do; "" where nothing is to be done.
        examples: Names of rows to look at, with a word on each.
    """

    name: str
    level: Level
    value: str = ""
    bound: str = ""
    why: str = ""
    advice: str = ""
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line of a log."""
        bound = f" (bound {self.bound})" if self.bound else ""
        told = "; ".join(part for part in (self.why, self.advice) if part)
        return f"{self.name}: {self.value}{bound}, {told}"

    def check(self) -> Check:
        """As the verdict keeps it."""
        told = f"{WARNING}{self.why}" if self.level == "warn" else self.why
        if self.level == "unknown":
            told = f"{NOT_CHECKED}: {self.why}"
        detail = f"{told}; {self.advice}" if self.advice else told
        return Check(
            name=self.name,
            outcome=OUTCOMES[self.level],
            observed=self.value,
            bound=self.bound,
            detail=detail,
        )


def broken(severity: RowSeverity) -> Level:
    """What a bound that is not kept comes to."""
    return "fail" if severity == "fail" else "warn"


def unknown(name: str, why: str) -> RowFinding:
    """A check that these rows do not allow, and why."""
    return RowFinding(name, "unknown", why=why)
