"""The report: what drifted, how much, since when, where to look, what it means, what follows."""

from __future__ import annotations

from typing import Literal

from tasks.drift.comparison.together import Multivariate
from tasks.drift.explanation.story import Meaning
from tasks.values import Frozen, Outcome

Variation = Literal["learned", "sampling only"]
SHOWN = 20


class Effects(Frozen):
    """Effect sizes. ``wasserstein`` in units of the baseline's spread, None for categories."""

    psi: float
    jensen_shannon: float
    wasserstein: float | None = None


class ColumnDrift(Frozen):
    """What one column shows.

    Attributes:
        drifted: Whether it is part of the alarm.
        test: The test that was the strongest, ``difference`` in its unit.
        p: P-value of the column, over its tests and windows; ``adjusted`` over all columns (Holm).
        window: Partitions that the strongest test looked at.
        since: First partition of the run that differs most; "" without drift.
        rows: Which rows to look at, as a condition; ``current_share`` and ``reference_share`` tell
            how many meet it.
        shares: Reference and current share of each of about 16 cells, or of the 16 most common
            categories.
        picture: Both distributions, as a data address.
        set_aside: Why a column that moved by more than chance allows is no drift here; else "".
    """

    name: str
    drifted: bool
    test: str
    difference: float
    p: float
    adjusted: float
    window: int
    effects: Effects
    meaning: Meaning | Literal[""] = ""
    sentence: str = ""
    since: str = ""
    rows: str = ""
    current_share: float = 0.0
    reference_share: float = 0.0
    shares: tuple[tuple[float, float], ...] = ()
    picture: str = ""
    set_aside: str = ""


class DriftReport(Frozen):
    """The verdict of one check. ``columns`` come with the strongest evidence first.

    ``known`` says in a line what the reference weeks tell of weeks to come, and what they do not.
    ``followed`` are drifted columns whose drift was told and goes on as it was told.
    ``together`` is what rows show beyond columns; it is told, and never part of the outcome.
    """

    schema_version: Literal[1] = 1
    outcome: Outcome
    reason: str
    promise: str
    alpha: float
    variation: Variation
    known: str = ""
    reference_partitions: tuple[str, ...]
    reference_rows: int
    current_partitions: tuple[str, ...]
    current_rows: int
    columns: tuple[ColumnDrift, ...]
    next_step: str = ""
    together: Multivariate | None = None
    followed: tuple[str, ...] = ()

    @property
    def news(self) -> tuple[str, ...]:
        """Names of the columns that raised the alarm and were not told before."""
        return tuple(name for name in self.drifted if name not in self.followed)

    @property
    def drifted(self) -> tuple[str, ...]:
        """Names of the columns that raised the alarm."""
        return tuple(column.name for column in self.columns if column.drifted)

    @property
    def strength(self) -> float:
        """The largest population stability index among the drifted columns."""
        return max((column.effects.psi for column in self.columns if column.drifted), default=0.0)

    @property
    def since(self) -> str:
        """First partition of the earliest drift; "" without one."""
        return min((c.since for c in self.columns if c.drifted and c.since), default="")
