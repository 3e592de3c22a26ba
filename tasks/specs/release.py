"""The release section of ``model.yaml``: how a version is put before users."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from tasks.specs.load_test import LoadTestSpec
from tasks.strict import Strict

WHOLE = 1e-9
"""Rounding error of a whole percentage written as a share."""


class Tolerance(Strict):
    """How much worse than the stable version still counts as "not worse"."""

    errors: float = Field(default=0.01, gt=0, lt=1, description="Points of error rate.")
    latency_p50: float = Field(default=0.10, gt=0, lt=1)
    latency_p90: float = Field(default=0.05, gt=0, lt=1)
    latency_p99: float = Field(default=0.01, gt=0, lt=1)
    predictions: float = Field(default=1.6, gt=1, description="Odds ratio per prediction bin.")


class Harm(Strict):
    """How much worse than the stable version rolls nothing back; 0 is "no worse at all"."""

    errors: float = Field(default=0.0, ge=0, lt=1, description="Points of error rate.")
    latency: float = Field(
        default=0.05,
        ge=0,
        lt=1,
        description="Share by which every answer may be slower: no two hosts are equally fast.",
    )


class ReleaseSpec(Strict):
    """How a version is put before users."""

    delivery: Literal["endpoint", "edge"] = Field(
        default="endpoint",
        description="Who answers users: a SageMaker endpoint, or their own browsers and phones "
        "with a model from the CDN.",
    )
    refresh_seconds: int = Field(
        default=300,
        ge=1,
        description="Edge: how long clients may go on without reading latest.json again.",
    )
    strategy: Literal["canary", "blue_green"] = "canary"
    shadow_seconds: int = Field(
        default=0,
        ge=0,
        description="Mirrored traffic before the canary, from its first answer on; "
        "0 skips the phase.",
    )
    shadow_below: float = Field(
        default=0.0,
        ge=0,
        description="Mirror only when fewer requests/s come than this, of which a small share "
        "tells too little; 0 always mirrors.",
    )
    ladder: tuple[float, ...] = Field(
        default=(0.01, 0.05, 0.10, 0.20, 0.33, 0.50),
        description="Shares of traffic, in order; the last is watched. Above a half, "
        "more load alone makes the candidate's instances slower than the old version's.",
    )
    window_seconds: int = Field(default=60, ge=1, description="One observation, seconds.")
    metrics_lag_seconds: int = Field(
        default=60, ge=0, description="How late CloudWatch tells, seconds."
    )
    warm_up_seconds: int = Field(
        default=60, ge=0, description="Start of the canary in which latency is not judged."
    )
    deadline_seconds: int = Field(
        default=14_400, ge=60, description="No proof by then is inconclusive."
    )
    alpha: float = Field(
        default=0.01, gt=0, lt=1, description="Chance of ever rolling back a good version."
    )
    beta: float = Field(default=0.05, gt=0, lt=1, description="Chance of promoting a bad one.")
    max_error_rate: float = Field(default=0.05, gt=0, le=1, description="Absolute floor.")
    max_latency_ms: float = Field(default=2000.0, gt=0, description="Absolute floor, mean.")
    tolerance: Tolerance = Tolerance()
    harm: Harm = Harm()
    sample_ratio: bool = Field(
        default=True,
        description="Endpoints: a candidate that answers far fewer requests than its share goes "
        "back. false where clients choose the version themselves (TargetVariant).",
    )
    prediction_bins: tuple[float, ...] = Field(
        default=(), description="Edges of the prediction bins that the server counts into."
    )
    watch_seconds: int = Field(
        default=3600, ge=0, description="Watch after promotion, old version kept as control."
    )
    demand_load: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="Part of the last week's busiest hour that a window of the watch must have "
        "brought before it ends: what is slow only under load looks well until then. It goes on "
        "for at most deadline_seconds more. 0 demands nothing.",
    )
    keep_versions: int = Field(
        default=10, ge=2, description="Newest versions that stay at hand; older ones are archived."
    )
    load_test: LoadTestSpec = Field(
        default=LoadTestSpec(),
        description="Endpoints: what the candidate's own variant is asked before it has users.",
    )
    approval: Literal["none", "before_canary", "before_promotion"] = "none"
    approval_seconds: int = Field(default=86_400, ge=60, description="No answer by then means no.")
    inconclusive: Literal["roll_back", "ask"] = "roll_back"
    low_traffic: Literal["refuse", "run"] = Field(
        default="refuse",
        description="Where even the busiest hour of the last day brings too few requests for a "
        "proof before the deadline, and no person is asked then: refuse before anything begins, "
        "or run towards the deadline all the same.",
    )
    when_busy: Literal["wait", "refuse"] = "refuse"
    drain_seconds: int = Field(
        default=60, ge=0, description="Old variants live on this long after the last request."
    )

    @property
    def has_endpoint(self) -> bool:
        """Whether an endpoint answers users, and not their own devices."""
        return self.delivery == "endpoint"

    @property
    def assigns_requests(self) -> bool:
        """Whether requests are assigned to a version, and not users."""
        return self.delivery == "endpoint"

    @model_validator(mode="after")
    def _climbs(self) -> ReleaseSpec:
        if not self.ladder or any(not 0 < share < 1 for share in self.ladder):
            raise ValueError("ladder needs shares between 0 and 1 (both excluded)")
        if list(self.ladder) != sorted(set(self.ladder)):
            raise ValueError("ladder must climb, without repeating a share")
        if self.delivery == "edge":
            self._fits_the_edge()
        if list(self.prediction_bins) != sorted(set(self.prediction_bins)):
            raise ValueError("prediction_bins must climb, without repeating an edge")
        return self

    def _fits_the_edge(self) -> None:
        if any(abs(100 * share - round(100 * share)) > WHOLE for share in self.ladder):
            raise ValueError("ladder of an edge release needs whole percentages, like 0.05")
        if self.strategy != "canary" or self.shadow_seconds:
            raise ValueError("an edge release knows no blue_green and no shadow_seconds")
        if self.window_seconds % 60:
            raise ValueError("window_seconds of an edge release must be whole minutes")
