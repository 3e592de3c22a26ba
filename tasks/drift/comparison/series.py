"""A small model of a family of series, and what it lets one expect of later weeks.

Week after week, feature j of a family is a level of its own, a week's effect and sampling noise:

    y_j ~ N(level_j, s_j (noise_j I + unit_j² tau² R(rho))),   R(rho)_ab = rho^|a - b|

The noise is known, for it follows from the rows. How much weeks differ (tau), how long a week's
effect lives on (rho) and how alike the columns are (s_j, scaled inverse chi-square with d degrees
of freedom, as in Smyth 2004) are the family's own: their posterior is computed on a grid from the
restricted likelihood (Patterson and Thompson 1971; Tunnicliffe Wilson 1989 for autocorrelation),
which knows that a mean taken of few weeks that resemble each other hides how far weeks go. A later
mean is judged by the posterior predictive, a mixture of Student's t (Box and Tiao 1973). Fewer
weeks tell less of rho and tau, so that what is expected is wider: there is no number of weeks at
which it begins to hold.

Columns that move together tell less than as many that do not: the likelihood is raised to the
power of the effective number of columns over their number (a composite likelihood, adjusted in
magnitude as by Ribatet, Cooley and Davison 2012).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, stdtr

from tasks.drift.profiles.cells import Floats

RHO = np.asarray([0, 0.2, 0.4, 0.6, 0.75, 0.85, 0.92, 0.97])
RHO_PRIOR = np.asarray([0.5, 0.15, 0.12, 0.1, 0.06, 0.04, 0.02, 0.01])
ALIKE = np.asarray([3.0, 6.0, 15.0, 1e6])
ALIKE_PRIOR = np.asarray([0.1, 0.15, 0.25, 0.5])
_NO_WOBBLE = 0.8
"""Prior probability that weeks differ by nothing but sampling."""
_LEAST, _MOST = 1e-2, 1e5
"""Week-to-week variances that are told apart, in units of the family's sampling variance."""
_COARSE, _FINE, _FAR = 15, 11, 11.0
_NEGLIGIBLE, _AGREE = 1e-5, 0.2
_DOUBLINGS = 60
_ROUNDING = 1e-18
"""Least sampling variance, in a feature's own unit: what differs by less differs by rounding, as a
constant column's spread does where weeks have unlike numbers of rows."""
_EXAMPLES = 48
"""Features of a family from which its parameters are learned; more tell little more."""


@dataclass(frozen=True)
class SeriesFamily:
    """Posterior of a family of features: grid points of (rho, tau, d) and what follows of each.

    Attributes:
        weight: Posterior probability of a point, shape (points,).
        rho, degrees: Of each point, shape (points,).
        tau: Variance of a week's effect in units of ``unit²``, shape (points,).
        level: Generalised least squares level, shape (points, features).
        doubt: Variance of that level, shape (points, features).
        scale: Expected s of each feature, shape (points, features).
        between: unit² of each feature, 0 where it never varied, shape (features,).
        noise: Sampling variance of a reference week, shape (features,).
        weeks: Reference weeks.
    """

    weight: Floats
    rho: Floats
    degrees: Floats
    tau: Floats
    level: Floats
    doubt: Floats
    scale: Floats
    between: Floats
    noise: Floats
    weeks: int

    @property
    def hidden(self) -> float:
        """By how much later weeks may differ more (in variance) than the reference weeks show.

        The highest of 95 % of the posterior; 1 where weeks are independent.
        """
        share = np.asarray([_seen(self.weeks, rho) for rho in self.rho])
        mean = np.asarray([_mean_variance(self.weeks, rho) for rho in self.rho])
        wobble, room = self.tau[:, None] * self.between, 1 + 1 / self.weeks
        ratio = (self.noise * room + wobble * (1 + mean)[:, None]) / (
            room * (self.noise + wobble * share[:, None])
        )
        middle = np.median(ratio, axis=1)
        order = np.argsort(middle)
        at = int(np.searchsorted(np.cumsum(self.weight[order]), 0.95))
        return float(middle[order[min(at, len(order) - 1)]])

    @property
    def memory(self) -> float:
        """Expected rho."""
        return float(self.weight @ self.rho)

    def p_values(
        self, mean: Floats, noise: Floats, count: int, at: NDArray[np.int_] | None = None
    ) -> tuple[Floats, Floats]:
        """Chance of means this high, and of means as far on either side, shape (features,) each.

        Args:
            mean: Of the new weeks.
            noise: Sampling variance of that mean.
            count: New weeks. They are taken as far from the reference weeks as can be.
            at: Features that ``mean`` and ``noise`` are of; None for all.
        """
        at = np.arange(len(self.noise)) if at is None else at
        wobble = self.tau * np.asarray([_mean_variance(count, float(rho)) for rho in self.rho])
        variance = noise + wobble[:, None] * self.between[at] + self.doubt[:, at]
        variance = np.maximum(variance * self.scale[:, at], noise + self.noise[at] / self.weeks)
        t = (mean - self.level[:, at]) / np.sqrt(np.maximum(variance, 1e-300))
        df = (self.degrees + self.weeks - 1)[:, None]
        upper, lower = self.weight @ stdtr(df, -t), self.weight @ stdtr(df, t)
        return upper, np.asarray(2 * np.minimum(upper, lower))

    def reach(self, alpha: float) -> Floats:
        """How far one later week may lie from the level at this error, shape (features,)."""
        low, high = np.zeros(len(self.noise)), np.sqrt(self.noise) * 1e4 + 1e-12
        centre = self.weight @ self.level
        for _ in range(_DOUBLINGS):
            outside = self.p_values(centre + high, self.noise, 1)[1] <= alpha
            if outside.all():
                break
            high = np.where(outside, high, 2 * high)
        for _ in range(40):
            middle = (low + high) / 2
            inside = self.p_values(centre + middle, self.noise, 1)[1] > alpha
            low, high = np.where(inside, middle, low), np.where(inside, high, middle)
        return np.asarray(high)


def family_of(
    values: Floats, noise: Floats, unit: Floats, groups: NDArray[np.int_]
) -> SeriesFamily:
    """Learn a family from its reference weeks.

    Args:
        values: Shape (features, weeks), in order of time.
        noise: Sampling variances of a week, shape (features,).
        unit: Scale in which the family's features vary alike, shape (features,).
        groups: Column of each feature, shape (features,).
    """
    weeks = values.shape[1]
    noise = np.maximum(noise, _ROUNDING)
    telling = values.var(axis=1, ddof=1) > 1e-12 * noise
    between = np.where(telling, unit**2, 0.0)
    if not telling.any():
        point = np.ones(1)
        level = values.mean(axis=1)[None]
        return SeriesFamily(
            point, 0 * point, 1e6 * point, 0 * point, level, noise[None] / weeks,
            np.ones_like(level), between, noise, weeks,
        )  # fmt: skip
    chosen = np.flatnonzero(telling)
    chosen = chosen[np.linspace(0, len(chosen) - 1, min(_EXAMPLES, len(chosen))).astype(int)]
    few = (values[chosen], noise[chosen], between[chosen])
    kappa, width = _kappas(*few, groups[chosen])
    log = _posterior(*few, groups[chosen], kappa) + np.log(width)[None, :, None]
    chance = np.exp(log - log.max())
    points, weight = _gathered(chance / chance.sum(), kappa, *few)
    rho, tau, degrees = points.T
    level, doubt, scale = [], [], []
    for r, t, df in points:
        quadratic, _, mean, variance = _fit(values, noise, between, r, np.asarray([t]))
        level.append(mean[0])
        doubt.append(variance[0])
        scale.append(np.where(telling, (df + quadratic[0]) / (df + weeks - 1), 1.0))
    return SeriesFamily(
        weight, rho, degrees, tau, np.asarray(level), np.asarray(doubt), np.asarray(scale),
        between, noise, weeks,
    )  # fmt: skip


def _gathered(
    chance: Floats, kappa: Floats, values: Floats, noise: Floats, between: Floats
) -> tuple[Floats, Floats]:
    """Points (rho, tau, degrees) that expect different things, and the posterior of each.

    Many points expect the same: where weeks do not differ, it matters not how long their effects
    live. Those that agree within 10 % on how far one week and three may lie stand for each other.
    """
    weeks = values.shape[1]
    standing: dict[tuple[int, ...], list[float]] = {}
    for r, rho in enumerate(RHO):
        tau = kappa / _seen(weeks, rho)
        quadratic, _, _, doubt = _fit(values, noise, between, rho, tau)
        scale = (ALIKE + quadratic.mean(axis=1)[:, None]) / (ALIKE + weeks - 1)
        wide = []
        for count in (1, 3):
            effects = (tau * _mean_variance(count, rho))[:, None] * between
            each = ((effects + noise / count + doubt) / noise).mean(axis=1)
            wide.append(np.rint(np.log(each[:, None] * scale) / _AGREE).astype(int))
        for t, d in np.argwhere(chance[r] > _NEGLIGIBLE):
            key = (int(d), *(int(item[t, d]) for item in wide))
            share = float(chance[r, t, d])
            best = standing.setdefault(key, [0.0, 0.0, 0.0, 0.0, 0.0])
            if share > best[1]:
                best[1:] = share, float(rho), float(tau[t]), float(ALIKE[d])
            best[0] += share
    found = np.asarray(list(standing.values()))
    return found[:, 2:], found[:, 0] / found[:, 0].sum()


def _kappas(
    values: Floats, noise: Floats, between: Floats, groups: NDArray[np.int_]
) -> tuple[Floats, Floats]:
    """Week-to-week variances that the weeks do not rule out, and their prior weights.

    They are variances among the reference weeks as these are seen (kappa), so that what they are
    does not depend on rho.
    """
    size = float(np.median(noise / between))
    coarse = np.append(0.0, size * np.geomspace(_LEAST, _MOST, _COARSE))
    log = _posterior(values, noise, between, groups, coarse).max(axis=(0, 2))
    possible = np.flatnonzero(log > log.max() - _FAR)
    positive = possible[possible > 0]
    if not len(positive):
        return coarse[:1], np.ones(1)
    first, last = max(int(positive[0]) - 1, 1), min(int(positive[-1]) + 1, _COARSE)
    fine = np.geomspace(coarse[first], coarse[last], _FINE)
    step = np.log(coarse[last] / coarse[first]) / (_FINE - 1) / np.log(_MOST / _LEAST)
    weights = np.full(_FINE, (1 - _NO_WOBBLE) * step)
    if possible[0] > 1:
        return fine, weights
    return np.append(0.0, fine), np.append(_NO_WOBBLE, weights)


def _posterior(
    values: Floats, noise: Floats, between: Floats, groups: NDArray[np.int_], kappa: Floats
) -> Floats:
    """Log likelihood and prior of (rho, d) on the grid, shape (rhos, kappas, alikes)."""
    n, weeks = values.shape
    power = independent(values, groups) / n
    v = weeks - 1
    log = np.empty((len(RHO), len(kappa), len(ALIKE)))
    for index, rho in enumerate(RHO):
        quadratic, logs, _, _ = _fit(values, noise, between, rho, kappa / _seen(weeks, rho))
        for d, df in enumerate(ALIKE):
            each = (
                gammaln((df + v) / 2) - gammaln(df / 2) - v / 2 * np.log(df / 2)
                - (df + v) / 2 * np.log1p(quadratic / df) - logs / 2
            )  # fmt: skip
            log[index, :, d] = power * each.sum(axis=1)
    log += np.log(RHO_PRIOR)[:, None, None] + np.log(ALIKE_PRIOR)[None, None, :]
    # Sampling is known: where nothing else makes weeks differ, columns are alike.
    still = kappa == 0
    log[:, still, :-1] = -np.inf
    log[:, still, -1] -= np.log(ALIKE_PRIOR[-1])
    return log


def _fit(
    values: Floats, noise: Floats, between: Floats, rho: float, tau: Floats
) -> tuple[Floats, Floats, Floats, Floats]:
    """Restricted quadratic form, log determinant, level and its variance; (taus, features)."""
    weeks = values.shape[1]
    eigen, vectors = _turned(weeks, float(rho))
    centre = values.mean(axis=1)
    turned, ones = (values - centre[:, None]) @ vectors, vectors.sum(axis=0)
    variance = noise[:, None] + (tau[:, None] * between)[:, :, None] * eigen
    precision = 1 / variance
    a = precision @ ones**2
    b = (precision * turned) @ ones
    quadratic = (precision * turned**2).sum(axis=2) - b**2 / a
    return quadratic, np.log(variance).sum(axis=2) + np.log(a), centre + b / a, 1 / a


def independent(values: Floats, groups: NDArray[np.int_]) -> float:
    """As many independent columns as these features are worth.

    It is n / (1 + (n - 1) r²), r² the mean squared correlation of features of different columns
    less what chance gives it; features of one column count as correlated as they are.
    """
    n, weeks = values.shape
    if n < 2 or weeks < 3:
        # Two weeks tell nothing of correlation: take columns as half alike.
        return float(1 + (len(np.unique(groups)) - 1) / 2)
    residual = values - values.mean(axis=1, keepdims=True)
    residual /= np.maximum(np.sqrt((residual**2).sum(axis=1, keepdims=True)), 1e-300)
    squares = (residual @ residual.T) ** 2
    chance = 1 / (weeks - 1)
    mean = float((squares.sum() - n) / (n * (n - 1)))
    shared = max((mean - chance) / (1 - chance), 0.0)
    return float(n / (1 + (n - 1) * shared))


@lru_cache(maxsize=32)
def _turned(weeks: int, rho: float) -> tuple[Floats, Floats]:
    """Eigenvalues and vectors of the correlation of so many weeks."""
    if not rho:
        return np.ones(weeks), np.eye(weeks)
    distance = np.abs(np.subtract.outer(np.arange(weeks), np.arange(weeks)))
    eigen, vectors = np.linalg.eigh(rho**distance)
    return np.maximum(eigen, 0), vectors


@lru_cache(maxsize=4096)
def _mean_variance(count: int, rho: float) -> float:
    """Variance of the mean of so many weeks in a row, of one week the unit."""
    lags = np.arange(1, count)
    return float((1 + 2 * ((1 - lags / count) * rho**lags).sum()) / count)


def _seen(weeks: int, rho: float) -> float:
    """What of the variance of a week's effect shows among so many weeks in a row, expected."""
    return weeks / (weeks - 1) * (1 - _mean_variance(weeks, rho))
