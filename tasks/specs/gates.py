"""The gates of ``model.yaml``: bounds on what was measured on the held-out split."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from tasks.metrics import METRICS, Better
from tasks.strict import Strict


class SliceSpec(Strict):
    """A column whose every value must be served no worse than the champion serves it."""

    column: str = Field(
        min_length=1,
        description="Column of the contract: each of its values is a slice, or each bin of a "
        "number. It need not be a feature.",
    )
    no_worse_than_champion: float = Field(
        ge=0, description="Relative loss against the champion in a slice that is still no harm."
    )
    min_rows: int = Field(
        default=50,
        ge=20,
        description="Held-out rows from which a slice is judged; smaller ones are counted.",
    )
    bins: int = Field(
        default=4, ge=2, le=20, description="Bins of equally many rows of a number column."
    )
    undecided: Literal["pass", "inconclusive"] = Field(
        default="pass",
        description="What a slice counts as that is shown neither to be worse than its margin nor "
        "to be inside it.",
    )


class GateSpec(Strict):
    """One bound on one metric of the held-out split."""

    metric: str = Field(
        min_length=1,
        description="Name of the metric: one that is measured (models.md), or an own program's.",
    )
    better: Better | None = Field(
        default=None,
        description="What makes it better: smaller, larger, or nearer to zero. Known for the "
        "metrics that Sluice measures; needed for one that only an own program measures.",
    )
    at_least: float | None = Field(default=None, description="Lowest value that passes.")
    at_most: float | None = Field(default=None, description="Highest value that passes.")
    no_worse_than_champion: float | None = Field(
        default=None,
        ge=0,
        description="Relative loss against the champion on the same split that still passes.",
    )
    no_worse_than_baseline: float | None = Field(
        default=None,
        ge=0,
        description="Relative loss against the scikit-learn baseline that still passes.",
    )
    confidence: float | None = Field(
        default=None,
        gt=0.5,
        le=0.999,
        description="Of the intervals that decide, such as 0.95: a bound must hold for the "
        "interval's worse end (gates.md). Without it point values decide.",
    )
    slices: tuple[SliceSpec, ...] = Field(
        default=(), max_length=20, description="Columns in whose values it must hold, too."
    )

    @property
    def known(self) -> bool:
        """Whether the shared programs measure it."""
        return self.metric in METRICS

    @property
    def direction(self) -> Better | None:
        """What makes the metric better; None when nobody has said so."""
        known = METRICS.get(self.metric)
        return known.better if known else self.better

    @model_validator(mode="after")
    def _bounded(self) -> GateSpec:
        relative = (self.no_worse_than_champion, self.no_worse_than_baseline)
        if all(bound is None for bound in (self.at_least, self.at_most, *relative)):
            raise ValueError(f"gate on {self.metric!r} has no bound")
        if self.confidence is not None and not self.known:
            raise ValueError(
                f"confidence: {self.metric} is measured by metrics() of a model.py alone, which "
                "runs in its job; an interval needs a metric of the task"
            )
        if self.slices and self.confidence is None:
            raise ValueError(
                f"slices: say the confidence of the gate on {self.metric} too; in a small slice a "
                "point value shows nothing"
            )
        columns = [one.column for one in self.slices]
        if len(set(columns)) < len(columns):
            raise ValueError(f"slices: a column is named twice in {', '.join(columns)}")
        if self.better and self.better != self.direction:
            raise ValueError(
                f"{self.metric} is better when {self.direction}, not when {self.better}"
            )
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(
                f"no {self.metric} is at least {self.at_least:g} and at most {self.at_most:g}"
            )
        losses = (*relative, *(one.no_worse_than_champion for one in self.slices))
        if self.direction == "larger" and any(loss is not None and loss >= 1 for loss in losses):
            raise ValueError(f"losing all of {self.metric} passes: a relative loss is below 1 here")
        if all(loss is None for loss in relative) and (
            (self.direction in {"smaller", "zero"} and self.at_most is None)
            or (self.direction in {"larger", "zero"} and self.at_least is None)
        ):
            raise ValueError(
                f"{self.metric} is better when {self.direction}, and this gate bounds only its "
                "better side: the worst value would pass"
            )
        return self
