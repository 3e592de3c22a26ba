"""What a drift check promises, and how it looks: the only knobs there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from tasks.values import Frozen

Season = Literal["none", "weekday", "year"]


class Gates(Frozen):
    """Smallest differences that count where week-to-week variation is not known.

    They bite from about a million rows on, where sampling noise is far below what anyone would act
    upon. Shares are 0-1.
    """

    distribution: float = Field(default=0.005, ge=0, description="Kolmogorov-Smirnov distance")
    tail: float = Field(default=0.001, ge=0, description="share beyond the reference's 0.5 %")
    missing: float = Field(default=0.001, ge=0, description="share without a value")
    category: float = Field(default=0.002, ge=0, description="share of one category")
    fresh: float = Field(default=0.0005, ge=0, description="share of values never seen before")


class DriftPolicy(Frozen):
    """How a check decides.

    Attributes:
        checks_per_false_alarm: "At most one false alarm per N checks", over all columns together.
        windows: A check looks at the newest partition alone and at the newest 3, … merged.
        window_weights: How the error budget is shared among the windows.
        natural_from: Reference partitions from which week-to-week variation is learned. Fewer tell
            less of it, so that only larger changes are told: there is no number to reach.
        enough: Reference partitions from which the report no longer says that they are few.
        least_rows: Fewer current rows than this decide nothing; smaller partitions are taken
            together with those before them until there are as many.
        gates: Smallest differences that count while variation is not known.
        least_psi: Smallest population stability index at which a moved distribution is drift in
            this data set, 0 for any (0.1 is the trade's "no significant change"). Faults (nulls,
            tails, new values) are not subject to it. What sampling adds to it is taken off first.
        season: Which reference partitions a partition is compared with (see reference.py).
        ignore: Columns that never raise an alarm; they are reported.
        next_step: What happens after an alarm, in one sentence; it stands on the report.
    """

    checks_per_false_alarm: int = Field(default=104, ge=1, le=1_000_000)
    windows: tuple[int, ...] = (1, 3)
    window_weights: tuple[float, ...] = (0.3, 0.7)
    natural_from: int = Field(default=2, ge=2)
    enough: int = Field(default=8, ge=2)
    least_rows: int = Field(default=100, ge=1)
    gates: Gates = Gates()
    least_psi: float = Field(default=0.0, ge=0)
    season: Season = "none"
    ignore: frozenset[str] = frozenset()
    next_step: str = "A retraining on fresh data is started with this report as its reason."

    @model_validator(mode="after")
    def _windows_fit(self) -> Self:
        ascending = list(self.windows) == sorted(set(self.windows)) and self.windows[:1] == (1,)
        if not ascending or len(self.windows) != len(self.window_weights):
            raise ValueError("windows must ascend from 1, each with one weight")
        if min(self.window_weights) <= 0 or sum(self.window_weights) > 1 + 1e-9:
            raise ValueError("window weights must be positive and add up to at most 1")
        return self

    @property
    def alpha(self) -> float:
        """Error budget of one check over all its columns and windows; 0.5 at N = 1."""
        return 0.5 if self.checks_per_false_alarm == 1 else 1 / self.checks_per_false_alarm

    @property
    def promise(self) -> str:
        """The sentence that is printed on the report."""
        return f"at most one false alarm per {self.checks_per_false_alarm:,} checks"


MOVED = frozenset(
    {
        "location",
        "spread",
        "skewness",
        "peakedness",
        "cells",
        "largest gap",
        "one category",
        "all categories",
    }
)
"""Tests of a moved distribution; the others find faults."""

NUMERIC_BUDGET: Mapping[str, float] = {
    "location": 0.33,
    "spread": 0.15,
    "cells": 0.15,
    "largest gap": 0.1,
    "low tail": 0.075,
    "high tail": 0.075,
    "one value": 0.02,
    "missing": 0.1,
}
"""Share of a numeric column's error budget that each test may spend (weighted Bonferroni)."""

CATEGORICAL_BUDGET: Mapping[str, float] = {
    "one category": 0.6,
    "all categories": 0.2,
    "new values": 0.1,
    "missing": 0.1,
}
"""The same for a categorical column."""

WORD_BUDGET: Mapping[str, float] = {"one category": 0.9, "missing": 0.1}
"""The same for the words of a text column."""

NATURAL_NUMERIC_BUDGET: Mapping[str, float] = {
    "location": 0.4,
    "spread": 0.13,
    "skewness": 0.04,
    "peakedness": 0.04,
    "cells": 0.05,
    "low tail": 0.06,
    "high tail": 0.06,
    "one value": 0.02,
    "missing": 0.1,
}
"""Budgets where natural variation is learned; a tenth is kept back for estimating variances."""

NATURAL_CATEGORICAL_BUDGET: Mapping[str, float] = {
    "one category": 0.6,
    "all categories": 0.1,
    "new values": 0.1,
    "missing": 0.1,
}
