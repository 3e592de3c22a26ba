"""Confidence sequences for the difference of two means, valid at every look. Pure.

The unit is the user. Each counted user brings one number y in [0, 1] (the capped sum of what he
did, over the cap) and an arm Z, which a hash gave him with a known share π. For a supposed
difference δ, with predicted levels θ_C and θ_T = θ_C + δ and a bet λ that were fixed before this
user was counted::

    e = 1 + λ · [ Z · (1 − π) · (y − θ_T)  −  (1 − Z) · π · (y − θ_C) ]

has expectation 1 if δ is the difference, whatever the distribution and however wrong the predicted
levels are, because the arm is drawn independently of what the user would do. The product over
users is then a martingale, a mixture of such products over bets too, and by Ville's inequality it
ever reaches 1/α with a chance of at most α: look as often as you like. The confidence sequence is
the set of δ that were never rejected.

Sources: Waudby-Smith & Ramdas, "Estimating means of bounded random variables by betting" (JRSS B
2024); the two-arm form with known shares: Howard, Ramdas, McAuliffe & Sekhon, "Time-uniform,
nonparametric, nonasymptotic confidence sequences" (Annals of Statistics 2021, section 4.2). The
levels and bets follow from the blocks before, so that sums per block are all that has to be kept.
For a mean (not only 0 or 1) the logarithm of the product is bounded from below by sums of y and y²
(Fan, Grama & Liu, 2015, lemma 4.1), which keeps the promise and costs a little power.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FIRST_USERS = 20
"""Nothing is bet before so many users were counted: they teach the levels."""
MULTIPLES = 2.0 ** np.arange(-3.0, 5.0)
"""Bets aim at differences of so many minimal differences from the supposed one."""
AIM_SPREAD = 2.0
"""Bets near one minimal difference weigh most: a standard deviation of two doublings."""
TINY = 1e-4
DEEPEST_BET = {True: 0.9, False: 0.5}
"""Largest part of the wealth that one user can lose; by whether y is 0 or 1 only."""
FINEST = 0.02
"""Supposed differences lie as near to the estimate as this part of the expected half-width."""
SIDE = 60
ZOOMS = 3


@dataclass(frozen=True)
class Sums:
    """Sums of y by block, oldest first; each array has the shape (..., blocks).

    ``n`` users, ``s`` sum of y, ``q`` sum of y²; first the treatment, then the control.
    """

    n_t: Array
    s_t: Array
    q_t: Array
    n_c: Array
    s_c: Array
    q_c: Array

    def columns(self) -> tuple[Array, ...]:
        """The six arrays."""
        return (self.n_t, self.s_t, self.q_t, self.n_c, self.s_c, self.q_c)


@dataclass(frozen=True)
class Design:
    """What was fixed at the start.

    Args:
        share: Share π of users in the treatment, between 0 and 1.
        aim: Minimal difference, on the scale of y.
        binary: Whether y is 0 or 1 only.
    """

    share: float
    aim: float
    binary: bool


def log_evidence(sums: Sums, null: Array, design: Design) -> Array:
    """Log-evidence against each supposed difference after each block.

    Args:
        sums: Blocks in the order of counting.
        null: Supposed differences on the scale of y, each within (-1, 1); shape (nulls,).
        design: What was fixed at the start.

    Returns:
        Shape (..., blocks, nulls): logarithm of the e-process.
    """
    bets, weights = _bets(design)
    past = [_before(column)[..., None] for column in sums.columns()]
    theta_c, theta_t = _levels(past, null)
    known = past[0] + past[3]
    spread = _variance(past)
    wealth = np.full((*theta_c.shape[:-1], null.size), -np.inf)
    deepest = DEEPEST_BET[design.binary]
    now = [column[..., None] for column in sums.columns()]
    for bet, weight in zip(bets, weights, strict=True):
        limit = _limit(bet > 0, theta_t, theta_c, design.share, deepest)
        stake = np.sign(bet) * np.minimum(abs(bet) / spread, limit)
        stake = np.where(known >= FIRST_USERS, stake, 0.0)
        gained = _gain(now[:3], stake * (1 - design.share), theta_t, binary=design.binary)
        gained += _gain(now[3:], -stake * design.share, theta_c, binary=design.binary)
        wealth = np.logaddexp(wealth, np.log(weight) + np.cumsum(gained, axis=-2))
    return wealth


@dataclass(frozen=True)
class ConfidenceSequence:
    """The confidence sequence after each block, on the scale of y.

    ``low`` and ``high`` have the shape (blocks,) and never widen; both are NaN from where no
    constant difference fits. ``evidence`` is the log-evidence against no difference.
    """

    low: Array
    high: Array
    evidence: Array


def confidence_sequence(sums: Sums, design: Design, alpha: float) -> ConfidenceSequence:
    """The confidence sequence of one experiment: the differences that were never rejected.

    Args:
        sums: Blocks in the order of counting; arrays of shape (blocks,).
        design: What was fixed at the start.
        alpha: Chance of ever missing the difference.
    """
    grid = _grid(sums, design)
    wealth = log_evidence(sums, np.r_[grid, 0.0], design)
    standing = np.maximum.accumulate(wealth[:, :-1], axis=0) < -np.log(alpha)
    some = standing.any(axis=1)
    first = standing.argmax(axis=1)
    last = grid.size - 1 - standing[:, ::-1].argmax(axis=1)
    outer = np.r_[-1.0, grid, 1.0]  # the end lies between what stands and its rejected neighbour
    low, high = np.where(some, outer[first], np.nan), np.where(some, outer[last + 2], np.nan)
    if some.size and some[-1]:
        ends = ((low[-1], grid[first[-1]]), (grid[last[-1]], high[-1]))
        low[-1] = _closer(sums, ends[0], design, alpha, upper=False)
        high[-1] = _closer(sums, ends[1], design, alpha, upper=True)
    return ConfidenceSequence(low=low, high=high, evidence=wealth[:, -1])


def estimate(sums: Sums) -> float:
    """Difference of the means, treatment less control."""
    mean_t = sums.s_t.sum() / max(sums.n_t.sum(), 1.0)
    return float(mean_t - sums.s_c.sum() / max(sums.n_c.sum(), 1.0))


def _grid(sums: Sums, design: Design) -> Array:
    """Supposed differences: dense around the estimate, sparse far away."""
    whole = [column.sum(keepdims=True) for column in sums.columns()]
    users = float(whole[0][0] + whole[3][0]) * design.share * (1 - design.share)
    width = 3.0 * float(np.sqrt(_variance(whole)[0] / max(users, 1.0)))
    steps = np.geomspace(min(FINEST * width, 0.5), 2.0, SIDE)
    around = estimate(sums)
    grid = np.r_[around - steps[::-1], around, around + steps]
    return np.asarray(grid[(grid > -1.0) & (grid < 1.0)])


def _closer(
    sums: Sums, bracket: tuple[float, float], design: Design, alpha: float, *, upper: bool
) -> float:
    """The end within a bracket, from outside, nine times closer with each zoom."""
    for _ in range(ZOOMS):
        grid = np.linspace(*bracket, 10)
        peak = log_evidence(sums, grid[1:-1], design).max(axis=-2)
        standing = np.flatnonzero(np.r_[upper, peak < -np.log(alpha), not upper])
        edge = int(standing[-1] if upper else standing[0] - 1)
        bracket = (float(grid[edge]), float(grid[edge + 1]))
    return bracket[1] if upper else bracket[0]


def _bets(design: Design) -> tuple[Array, Array]:
    weights = np.exp(-0.5 * (np.log2(MULTIPLES) / AIM_SPREAD) ** 2)
    both = np.r_[MULTIPLES, -MULTIPLES] * design.aim
    return both, np.r_[weights, weights] / (2 * weights.sum())


def _before(column: Array) -> Array:
    """Sums over the blocks before each one."""
    return np.cumsum(column, axis=-1) - column


def _levels(past: list[Array], null: Array) -> tuple[Array, Array]:
    """Predicted levels of both arms under each supposed difference."""
    n_t, s_t, _, n_c, s_c, _ = past
    pooled = (s_t - null * n_t + s_c + 0.5) / (n_t + n_c + 1.0)
    theta_c = np.clip(pooled, np.maximum(0.0, -null), np.minimum(1.0, 1.0 - null))
    return theta_c, theta_c + null


def _variance(past: list[Array]) -> Array:
    """Predicted variance of y within an arm; one user's worth of the largest possible is added."""
    n_t, s_t, q_t, n_c, s_c, q_c = past
    squares = q_t - s_t**2 / np.maximum(n_t, 1.0) + q_c - s_c**2 / np.maximum(n_c, 1.0)
    variance: Array = (np.maximum(squares, 0.0) + 0.25) / (n_t + n_c + 1.0)
    return variance


def _limit(positive: Any, theta_t: Array, theta_c: Array, share: float, deepest: float) -> Array:
    """Largest stake of this sign at which one user can lose no more than the deepest bet."""
    down_t = theta_t if positive else 1.0 - theta_t
    down_c = 1.0 - theta_c if positive else theta_c
    worst = np.maximum((1 - share) * down_t, share * down_c)
    return np.asarray(deepest / np.maximum(worst, 1e-12))


def _gain(arm: list[Array], stake: Array, theta: Array, *, binary: bool) -> Array:
    """Sum over a block's users of log(1 + stake · (y − θ)), or a lower bound of it."""
    n, s, q = arm
    if binary:
        hit, miss = np.log1p(stake * (1.0 - theta)), np.log1p(-stake * theta)
        return np.asarray(s * hit + (n - s) * miss)
    down = np.abs(stake) * np.where(stake > 0, theta, 1.0 - theta)
    quadratic = np.where(
        down > TINY, (-np.log1p(-down) - down) / np.maximum(down, TINY) ** 2, 0.5 + down / 3
    )
    squares = np.maximum(q - 2 * theta * s + n * theta**2, 0.0)
    return np.asarray(stake * (s - n * theta) - quadratic * stake**2 * squares)
