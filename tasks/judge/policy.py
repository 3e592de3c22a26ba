"""What a release promises and how it climbs: the judge's frozen policy."""

from __future__ import annotations

from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from tasks.judge.latency_bins import compared_edges


class Immutable(BaseModel):
    """A strict, immutable value: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


STEP = 1.25**0.2
"""Ratio of neighbouring latency edges: 4.6 per cent, five of them a quarter."""


def geometric_edges(
    first: float = 5.0 / STEP**105, ratio: float = STEP, count: int = 301
) -> tuple[float, ...]:
    """Latency edges in ms, each ``ratio`` times the one before: by default 46 µs to 30 s."""
    return tuple(round(first * ratio**i, 6) for i in range(count))


class NonInferiorityMargins(Immutable):
    """How much worse than the stable version still counts as not worse (for promotion)."""

    errors: float = Field(default=0.01, gt=0, lt=1, description="Points of error share.")
    latency_p50: float = Field(
        default=0.10, gt=0, lt=1, description="Points of requests slower than the stable median."
    )
    latency_p90: float = Field(default=0.05, gt=0, lt=1)
    latency_p99: float = Field(default=0.01, gt=0, lt=1)
    predictions: float = Field(
        default=1.6, gt=1, description="Odds of scoring beyond the stable median, p10, p90."
    )


class HarmMargins(Immutable):
    """How much worse than the stable version rolls nothing back; 0 is "no worse at all".

    What lies between this and the tolerance of promotion ends in a proof or undecided. Mirrored
    pairs know no margin.
    """

    errors: float = Field(default=0.0, ge=0, lt=1, description="Points of error share.")
    latency: float = Field(default=0.0, ge=0, lt=1, description="Share by which all are slower.")


class AbsoluteLimits(Immutable):
    """Absolute floors beside the test; None switches one off."""

    max_error_rate: float | None = Field(default=0.05, gt=0, lt=1)
    max_latency_ms: float | None = Field(
        default=2000.0, gt=0, description="At most max_slow_share of requests may take longer."
    )
    max_slow_share: float = Field(default=0.5, gt=0, lt=1)


class StreamWeights(Immutable):
    """How α is divided; streams that the policy has no bins for give theirs to the others."""

    errors: float = Field(default=0.50, gt=0)
    latency: float = Field(default=0.25, ge=0)
    tail: float = Field(default=0.19, ge=0, description="Requests far slower than almost all.")
    predictions: float = Field(default=0.04, ge=0)
    limits: float = Field(default=0.02, ge=0)


class Restart(Immutable):
    """When, within a release, a fault may begin: the mixture over start times.

    Each value is the part of the mass not yet spent.
    """

    first: float = Field(default=0.7, gt=0, lt=1, description="At the first window.")
    on_step: float = Field(default=0.2, ge=0, lt=1, description="At a change of weight.")
    on_watch: float = Field(default=0.25, ge=0, lt=1, description="When the watch begins.")
    scale_seconds: float = Field(default=1800.0, gt=0, description="Else: hazard 1/scale.")


class JudgePolicy(Immutable):
    """The judge's policy. Times in seconds, shares in 0..1."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    alpha: float = Field(
        default=0.01,
        gt=0,
        lt=1,
        description="Chance of ever rolling back a "
        "version that is not worse, over all looks and all metrics.",
    )
    beta: float = Field(
        default=0.05,
        gt=0,
        lt=1,
        description="Chance, per gate, of ever "
        "promoting a version that is worse by the tolerance or more.",
    )
    ladder: tuple[float, ...] = Field(
        default=(0.01, 0.05, 0.10, 0.20, 0.33, 0.50),
        description="Shares in order; the last is watched, the old version its control. At a half "
        "both bear the same load, and tell most about each other.",
    )
    first_weight: float = Field(default=0.05, gt=0, le=1, description="Largest first share.")
    tolerance: NonInferiorityMargins = NonInferiorityMargins()
    harm_margin: HarmMargins = HarmMargins()
    limits: AbsoluteLimits = AbsoluteLimits()
    streams: StreamWeights = StreamWeights()
    restart: Restart = Restart()
    latency_edges: tuple[float, ...] = Field(
        default_factory=geometric_edges,
        description="Inner edges of the latency bins, ms; empty when no latency counts come.",
    )
    prediction_bins: int = Field(default=20, ge=0, description="Number of bins; 0: none come.")
    prediction_drift: float = Field(
        default=0.1,
        ge=0,
        lt=1,
        description="Shift of predictions, in standard deviations, "
        "that any retrained model may show and that is never evidence against it.",
    )
    segments: tuple[str, ...] = Field(default=(), description="Segments with streams of their own.")
    segment_share: float = Field(default=0.3, gt=0, lt=1, description="Part of α for segments.")
    harm_budget: float | None = Field(
        default=None,
        gt=0,
        description="Bad responses that the next share may cost before a fault just small enough "
        "to stay unproven is noticed; None: 24, and 0.6 more per second of lag.",
    )
    lag_seconds: float = Field(default=0.0, ge=0, description="How late a window is told.")
    actuation_seconds: float = Field(default=10.0, ge=0, description="Verdict to moved traffic.")
    sample_ratio: bool = Field(
        default=True,
        description="Whether a canary that answers far fewer requests than its share goes back; "
        "false where users, not requests, are assigned to a version.",
    )
    warm_up_seconds: float = Field(default=60.0, ge=0)
    warm_up_weight: float = Field(default=0.10, gt=0, le=1, description="Largest share in warm-up.")
    warm_up_factor: float = Field(
        default=3.0, ge=1, description="In warm-up only latency beyond this factor counts."
    )
    dwell_seconds: float = Field(default=10.0, ge=0, description="Shortest stay at one share.")
    window_evidence: float = Field(
        default=100.0,
        gt=1,
        description="What one window may at most multiply the evidence of slowness by, for each "
        "half minute of it: requests that a host's pause held up are slow together, and many of "
        "them prove no more than one pause.",
    )
    dispersion_from: float = Field(
        default=1.5,
        ge=1,
        description="Variance between windows, over that of independent requests, from which on "
        "log evidence is divided by it; below it the estimate is taken for chance.",
    )
    hold_evidence: float = Field(default=10.0, gt=1, description="No step at E of this or more.")
    shadow_pairs: int = Field(
        default=200, ge=1, description="Mirrored pairs without an alarm before the first share."
    )
    watch_seconds: float = Field(default=1800.0, ge=0)
    demanded_rate: float = Field(
        default=0.0,
        ge=0,
        description="Requests per second, of both versions together, that must have come in some "
        "window of the watch before it ends; 0 demands nothing.",
    )
    deadline_seconds: float = Field(default=7200.0, gt=0)
    on_deadline: Literal["roll_back", "ask"] = "roll_back"
    revision_windows: int = Field(
        default=12, ge=1, le=1000, description="Latest windows that may still be corrected."
    )

    @model_validator(mode="after")
    def _coherent(self) -> JudgePolicy:
        for name, values in (("ladder", self.ladder), ("latency_edges", self.latency_edges)):
            if list(values) != sorted(set(values)) or any(value <= 0 for value in values):
                raise ValueError(f"{name} must be positive and climb without repeating a value")
        if not self.ladder or self.ladder[-1] > 1:
            raise ValueError("ladder needs at least one share, none above 1")
        if len(set(self.segments)) != len(self.segments):
            raise ValueError("segments must not repeat")
        return self

    @cached_property
    def _hash(self) -> int:
        return hash(self.model_dump_json())

    def __hash__(self) -> int:
        # What is derived from a policy is cached by it and looked up for every window.
        return self._hash

    @property
    def threshold(self) -> float:
        """Evidence at which the canary is rolled back: 1/α (Ville's inequality)."""
        return 1.0 / self.alpha

    @property
    def harm(self) -> float:
        """The harm budget, bad responses."""
        return self.harm_budget if self.harm_budget is not None else 24.0 + 0.6 * self.lag_seconds

    @property
    def reaction_seconds(self) -> float:
        """Lag and actuation; a window's own length is added where it is known."""
        return self.lag_seconds + self.actuation_seconds

    @cached_property
    def compared_edges(self) -> tuple[float, ...]:
        """Edges of the bins in which latencies are compared: wider ones than are counted."""
        return compared_edges(self.latency_edges)
