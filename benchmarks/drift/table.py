"""One row of the benchmark's table: goal, what was reached, and whether that is enough."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """``holds`` is None where there is no goal."""

    what: str
    goal: str
    reached: str
    holds: bool | None = None

    def __str__(self) -> str:
        sign = {True: "yes", False: "NO", None: ""}[self.holds]
        return f"| {self.what} | {self.goal} | {self.reached} | {sign} |"


HEAD = "| what | goal | reached | holds |\n|---|---|---|---|"
