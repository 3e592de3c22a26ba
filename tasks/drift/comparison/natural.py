"""Natural variation: is this week further from the reference weeks than they are from each other?

Each column is described by a few scalars a week (features). The week-to-week variance of a feature
is estimated from the reference weeks and shrunk towards what the other columns show, as Smyth
(2004, limma) shrinks gene variances: the prior variance is the trend (sampling variance + unit² x
tau²), with tau² common to a family of features, and its degrees of freedom are estimated from how
much the columns differ. The mean of the new weeks is then judged by a moderated t prediction test.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from scipy.special import digamma, polygamma, stdtr

from tasks.drift.comparison.features import Frame, frame_of
from tasks.drift.comparison.twosample import Tested
from tasks.drift.profiles.cells import Floats
from tasks.drift.profiles.profile import Profile, merged

_ENDLESS = 1e9


@dataclass(frozen=True)
class Prior:
    """Variance that a family of features is shrunk to, shape (features,), and its weight."""

    variance: Floats
    degrees: float


@dataclass(frozen=True)
class Learned:
    """Week-to-week behaviour of every feature of every column.

    Attributes:
        frames: Column → how its features are computed.
        mean, variance, sampling: Per feature: mean over the reference weeks, moderated
            week-to-week variance (sampling included), sampling variance; shape (features,).
        degrees: Degrees of freedom of the moderated variance, shape (features,).
        weeks: Reference weeks.
    """

    frames: Mapping[str, Frame]
    mean: Mapping[str, Floats]
    variance: Mapping[str, Floats]
    sampling: Mapping[str, Floats]
    degrees: Mapping[str, Floats]
    weeks: int


def learn(reference: Sequence[Profile]) -> Learned:
    """Learn natural variation from reference weeks (at least 2; a few features need 8)."""
    whole = merged(reference)
    frames = {
        name: frame_of([week.columns[name] for week in reference], whole.columns[name])
        for name in whole.columns
    }
    names = list(frames)
    values = {name: frames[name].values for name in names}
    sampling = {name: frames[name].sampling.mean(axis=0) for name in names}
    weeks = len(reference)
    squares = {name: values[name].var(axis=0, ddof=1) for name in names}
    features = [feature for name in names for feature in frames[name].features]
    family = np.asarray([feature.family for feature in features])
    square = np.concatenate([squares[name] for name in names])
    noise = np.concatenate([sampling[name] for name in names])
    unit = np.asarray([feature.unit for feature in features])
    variance, degrees = np.empty_like(square), np.empty_like(square)
    for group in np.unique(family):
        at = family == group
        variance[at], degrees[at] = moderated(square[at], noise[at], unit[at], weeks - 1)
    ends = np.cumsum([len(frames[name].features) for name in names])[:-1]
    return Learned(
        frames=frames,
        mean={name: values[name].mean(axis=0) for name in names},
        variance=dict(zip(names, np.split(variance, ends), strict=True)),
        sampling=sampling,
        degrees=dict(zip(names, np.split(degrees, ends), strict=True)),
        weeks=weeks,
    )


def moderated(square: Floats, noise: Floats, unit: Floats, df: int) -> tuple[Floats, Floats]:
    """Moderated variances of one family and their degrees of freedom, both shape (features,).

    Args:
        square: Observed week-to-week variances.
        noise: Their parts that sampling explains; the result is never below them.
        unit: Scale in which the family's features vary alike.
        df: Weeks - 1.
    """
    telling = square > 1e-12 * noise
    if not telling.any():
        return noise.copy(), np.full(len(noise), float(df * len(noise)))
    prior = _prior(square[telling], noise[telling], unit[telling], df)
    floor = np.maximum(noise, 1e-300)
    variance, total = floor.copy(), np.full(len(noise), float(df))
    weight = prior.degrees
    mixed = (
        prior.variance
        if weight >= _ENDLESS
        else ((weight * prior.variance + df * square[telling]) / (weight + df))
    )
    variance[telling] = np.maximum(mixed, floor[telling])
    # What a mean of log variances tells of the prior is worth this many degrees of freedom.
    pooled = 2 * int(telling.sum()) / float(polygamma(1, df / 2))
    total[telling] = min(weight + df, max(pooled, df))
    # Sampling noise is known; only what lies above it is estimated and costs degrees of freedom.
    estimated = np.maximum(1 - floor / variance, 1e-6)
    return variance, total / np.sqrt(estimated)


def _prior(square: Floats, noise: Floats, unit: Floats, df: int) -> Prior:
    """Fit tau² and the prior's degrees of freedom on the log scale, where no column dominates."""
    bias = float(digamma(df / 2) - np.log(df / 2))
    logs = np.log(square) - bias

    def excess(tau: float) -> Floats:
        return np.asarray(logs - np.log(noise + unit**2 * tau))

    low, high = 0.0, float(np.max(square / unit**2)) * 10
    if excess(0.0).mean() > 0:
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if excess(middle).mean() > 0 else (low, middle)
    else:
        high = 0.0
    tau = (low + high) / 2
    residual = excess(tau)
    if len(residual) < 2:
        return Prior(noise + unit**2 * tau, 0.0 if len(residual) < 1 else _ENDLESS)
    spread = float(residual.var(ddof=1)) - float(polygamma(1, df / 2))
    degrees = _ENDLESS if spread <= 1e-3 else 2 * _trigamma_inverse(spread)
    level = 0.0 if degrees >= _ENDLESS else float(digamma(degrees / 2) - np.log(degrees / 2))
    return Prior((noise + unit**2 * tau) * np.exp(min(level + residual.mean(), 0.0)), degrees)


def _trigamma_inverse(value: float) -> float:
    """The x where trigamma(x) is ``value``, by Newton's method (Smyth 2004, appendix)."""
    if value > 1e7:
        return float(1 / np.sqrt(value))
    x = 0.5 + 1 / value
    for _ in range(50):
        trigamma = float(polygamma(1, x))
        step = trigamma * (1 - trigamma / value) / float(polygamma(2, x))
        x += step
        if -step / x < 1e-8:
            break
    return x


@dataclass(frozen=True)
class MeasuredWeeks:
    """Sums over some weeks: features and their sampling variances, shape (features,) each."""

    values: Floats
    sampling: Floats
    weeks: int

    def with_one_more(self, other: MeasuredWeeks) -> MeasuredWeeks:
        """The sums of both."""
        return MeasuredWeeks(
            self.values + other.values, self.sampling + other.sampling, self.weeks + other.weeks
        )


def measured(learned: Learned, name: str, week: Profile) -> MeasuredWeeks:
    """One week of one column."""
    values, sampling = learned.frames[name].measure(week.columns[name])
    return MeasuredWeeks(values, sampling, 1)


def natural_tests(learned: Learned, name: str, current: Sequence[Profile]) -> list[Tested]:
    """Prediction tests of one column: the mean of the current weeks against the reference weeks."""
    weeks = (measured(learned, name, week) for week in current)
    return prediction_tests(learned, name, reduce(MeasuredWeeks.with_one_more, weeks))


def prediction_tests(learned: Learned, name: str, current: MeasuredWeeks) -> list[Tested]:
    """The same from what was measured."""
    frame, weeks, count = learned.frames[name], learned.weeks, current.weeks
    mean, noise = current.values / count, current.sampling / count
    between = np.maximum(learned.variance[name] - learned.sampling[name], 0)
    error = between * (1 / count + 1 / weeks) + noise / count + learned.sampling[name] / weeks
    difference = mean - learned.mean[name]
    t = difference / np.sqrt(np.maximum(error, 1e-300))
    upper = stdtr(learned.degrees[name], -t)
    both = 2 * stdtr(learned.degrees[name], -np.abs(t))
    tests: dict[str, Tested] = {}
    for index, feature in enumerate(frame.features):
        p = float(upper[index] if feature.one_sided else both[index])
        p = min(1.0, p / max(feature.weight, 1e-12))
        if feature.name not in tests or p < tests[feature.name].p:
            moved = float(difference[index])
            tests[feature.name] = Tested(feature.name, p, moved, feature.where)
    return list(tests.values())
