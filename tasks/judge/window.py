"""What the judge sees: one window of counts, and many of them side by side as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, NonNegativeInt, model_validator

from tasks.judge.policy import Immutable, JudgePolicy

Array = NDArray[np.float64]
SEVERAL = 5
MOST = 10**15
"""Largest count: all whole numbers up to it are exact in floating point."""


class ArmCounts(Immutable):
    """Integers of one arm in one window.

    ``errors`` that are not told are unknown, which is not none: while they are, nothing climbs.
    Where users are sticky, give ``users`` (distinct users seen) and ``users_with_error`` (users
    whose first error of this release fell into this window): then users are the unit of the
    error test, and one broken user counts once. ``latency`` has one count more than
    ``latency_edges``: below the first edge, …, from the last edge on.
    """

    requests: int = Field(default=0, ge=0, le=MOST)
    errors: int | None = Field(default=None, ge=0)
    users: int | None = Field(default=None, ge=0, le=MOST)
    users_with_error: int | None = Field(default=None, ge=0)
    latency: tuple[int, ...] = ()
    predictions: tuple[int, ...] = ()

    @model_validator(mode="after")
    def _counts(self) -> ArmCounts:
        if self.errors is not None and self.errors > self.requests:
            raise ValueError(f"errors ({self.errors}) exceed requests ({self.requests})")
        if (self.users is None) != (self.users_with_error is None):
            raise ValueError("users and users_with_error come together")
        if self.users is not None and (self.users_with_error or 0) > self.users:
            raise ValueError("users_with_error exceed users")
        for counts in (self.latency, self.predictions):
            if min(counts, default=0) < 0:
                raise ValueError("counts must not be negative")
            if sum(counts) > MOST:
                raise ValueError(f"counts add up to more than {MOST:.0e}")
        return self


class Arms(Immutable):
    """Both arms."""

    canary: ArmCounts = ArmCounts()
    stable: ArmCounts = ArmCounts()


class Pairs(Immutable):
    """Mirrored requests, answered by both versions; the users saw the stable answer only.

    ``worse`` and ``better`` count the pairs that differ: only the canary failed / only the stable
    version failed; the canary slower / faster by more than the shadow's margin; the canary's
    score higher / lower by more than its margin. Pairs that agree are counted in ``pairs`` alone.
    """

    pairs: int = Field(default=0, ge=0, le=MOST)
    errors: tuple[NonNegativeInt, NonNegativeInt] = (0, 0)
    latency: tuple[NonNegativeInt, NonNegativeInt] = (0, 0)
    predictions: tuple[NonNegativeInt, NonNegativeInt] = (0, 0)

    @model_validator(mode="after")
    def _within(self) -> Pairs:
        for name in ("errors", "latency", "predictions"):
            differ = sum(getattr(self, name))
            if differ > self.pairs:
                raise ValueError(f"{differ} pairs differ in {name}, but there are {self.pairs}")
        return self


class Window(Immutable):
    """One window: [t0, t1) in unix seconds, the canary's share, and the counts of both arms."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    t0: float
    t1: float
    weight: float = Field(ge=0, le=1)
    canary: ArmCounts = ArmCounts()
    stable: ArmCounts = ArmCounts()
    segments: Mapping[str, Arms] = {}
    warmup: bool = False
    shadow: Pairs | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Window:
        if self.t1 <= self.t0:
            raise ValueError(f"t1 ({self.t1}) must come after t0 ({self.t0})")
        return self


@dataclass(frozen=True)
class WindowArrays:
    """One window of each of R releases; S = 1 + segments rows per release, row 0 is the whole.

    Shapes: t0, t1, weight, warmup (R,); requests, trials, bad (R, S, 2), arms are (canary,
    stable), trials are 0 where requests are answered and errors unknown; latency (R, S, 2, bins);
    predictions (R, S, 2, bins); pairs (R, 4, 2): the pairs themselves, then errors, latency,
    predictions.
    """

    t0: Array
    t1: Array
    weight: Array
    warmup: NDArray[np.bool_]
    requests: Array
    trials: Array
    bad: Array
    latency: Array
    predictions: Array
    pairs: Array

    @property
    def unknown(self) -> NDArray[np.bool_]:
        """Whether a version answers and its errors, or all of its latencies, are not told, (R,)."""
        requests, trials, bad = self.requests[:, 0], self.trials[:, 0], self.bad[:, 0]
        errors = (requests > 0) & (trials == 0)
        if not self.latency.shape[-1]:
            return np.asarray(errors.any(-1))
        # A failed request may have no latency, and the last one's may be told a little later.
        slow = (requests - bad >= SEVERAL) & (self.latency[:, 0].sum(-1) == 0)
        return np.asarray((errors | slow).any(-1))


def counts_of(policy: JudgePolicy, window: Window) -> WindowArrays:
    """The window as arrays with R = 1.

    Raises:
        ValueError: a count vector has another length than the policy's bins.
    """
    return counts_of_all(policy, (window,))


def counts_of_all(policy: JudgePolicy, windows: Sequence[Window]) -> WindowArrays:
    """Windows as arrays, one after the other along the first axis.

    Raises:
        ValueError: a count vector has another length than the policy's bins.
    """
    names = policy.segments
    arms: list[ArmCounts] = []
    for window in windows:
        arms += (window.canary, window.stable)
        for name in names:
            segment = window.segments.get(name, _NOTHING)
            arms += (segment.canary, segment.stable)
    shape = (len(windows), 1 + len(names), 2)
    latency_bins = len(policy.latency_edges) + 1 if policy.latency_edges else 0
    pairs = np.zeros((len(windows), 4, 2))
    for index, window in enumerate(windows):
        if window.shadow is not None:
            shadow = window.shadow
            pairs[index] = ((shadow.pairs, 0), shadow.errors, shadow.latency, shadow.predictions)
    numbers = np.array([(arm.requests, *_units(arm)) for arm in arms], dtype=float)
    return WindowArrays(
        t0=np.array([window.t0 for window in windows], dtype=float),
        t1=np.array([window.t1 for window in windows], dtype=float),
        weight=np.array([window.weight for window in windows], dtype=float),
        warmup=np.array([window.warmup for window in windows], dtype=bool),
        requests=numbers[:, 0].reshape(shape),
        trials=numbers[:, 1].reshape(shape),
        bad=numbers[:, 2].reshape(shape),
        latency=_bins("latency", [arm.latency for arm in arms], latency_bins, shape),
        predictions=_bins(
            "predictions", [arm.predictions for arm in arms], policy.prediction_bins, shape
        ),
        pairs=pairs,
    )


def _units(arm: ArmCounts) -> tuple[int, int]:
    """Units of the error test and those with an error; none of an arm whose errors are unknown."""
    if arm.users is not None:
        return arm.users, arm.users_with_error or 0
    return (0, 0) if arm.errors is None else (arm.requests, arm.errors)


def _bins(
    name: str, vectors: Sequence[tuple[int, ...]], bins: int, shape: tuple[int, ...]
) -> Array:
    if bins == 0:
        return np.zeros((*shape, 0))
    empty = (0,) * bins
    for vector in vectors:
        if vector and len(vector) != bins:
            raise ValueError(
                f"a window has {len(vector)} {name} counts, but the policy has {bins} bins"
            )
    return np.array([vector or empty for vector in vectors], dtype=float).reshape((*shape, bins))


_NOTHING = Arms()
