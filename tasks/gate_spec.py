"""The gates of ``model.yaml``: bounds on what was measured on the held-out split."""

from __future__ import annotations

from pydantic import Field, model_validator

from tasks.metrics import METRICS, Better
from tasks.strict import Strict


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
        if self.better and self.better != self.direction:
            raise ValueError(
                f"{self.metric} is better when {self.direction}, not when {self.better}"
            )
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            raise ValueError(
                f"no {self.metric} is at least {self.at_least:g} and at most {self.at_most:g}"
            )
        if self.direction == "larger" and any(loss is not None and loss >= 1 for loss in relative):
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
