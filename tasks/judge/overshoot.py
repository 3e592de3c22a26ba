"""Overshoot correction of the streams of yes-or-no counts.

Ville's inequality is loose where a process jumps past its bound. Rollback is certain once the
stream alone reaches C = 1 / (α · its share), so what lies above C buys nothing. Before each
window the process is therefore multiplied by the largest b with E[min(b · S', C)] ≤ S (Fischer &
Ramdas 2024, "Improving the (approximate) sequential probability ratio test by avoiding
overshoot"). The law of S' under H0 is known exactly given the margins: the bad count is
hypergeometric.
"""

from __future__ import annotations

import numpy as np

from tasks.judge.evidence import Alternatives
from tasks.judge.hypergeometric import Array, log_pgf_upper, log_pmf
from tasks.judge.policy import JudgePolicy

LARGEST_SUPPORT = 48
NEWTON_STEPS = 4


def overshoot_correction(
    policy: JudgePolicy,
    alternatives: Alternatives,
    stream: int,
    odds: tuple[float, ...],
    staked: Array,
    unspent: Array,
    trials: Array,
    hits: Array,
) -> Array:
    """Factor b ≥ 1 of a stream of yes-or-no counts for this window, (R, S).

    Args:
        policy: The policy.
        alternatives: Its columns.
        stream: Which stream.
        odds: Odds ratios of its columns.
        staked: Wealth of every column before the window, new mass included, (R, S, J).
        unspent: Mass that has not started, (R, S, streams).
        trials: Requests by arm, (R, S, 2).
        hits: Bad ones; only their sum is used, never who had them.
    """
    bad = hits.sum(-1)
    correction: Array = np.ones(bad.shape)
    draws, total = trials[..., 0], trials.sum(-1)
    pick = (bad > 0) & (draws > 0) & (draws < total) & (bad <= LARGEST_SUPPORT)
    if not pick.any():
        return correction
    share = alternatives.weights[stream] * alternatives.rows
    if share[0] <= 0:
        return correction
    bound = np.broadcast_to(policy.threshold / share, bad.shape)
    money = staked[..., alternatives.stream == stream]
    idle = unspent[..., stream]
    theta = np.array(odds)
    before = idle + money.sum(-1)
    pick &= idle + (money * _steepest(draws, bad, theta)).sum(-1) > bound
    if not pick.any():
        return correction
    bad, draws, total, bound = bad[pick], draws[pick], total[pick], bound[pick]
    money, idle, before = money[pick], idle[pick], before[pick]
    values = np.arange(int(min(bad.max(), draws.max())) + 1.0)
    with np.errstate(under="ignore"):
        chance = np.exp(log_pmf(values, draws[:, None], bad[:, None], total[:, None]))
    cost = log_pgf_upper(draws[:, None], bad[:, None], total[:, None], theta)
    gain = np.exp(np.minimum(values[:, None] * np.log(theta) - cost[:, None], 460.0))
    after = idle[:, None] + (gain * money[:, None]).sum(-1)
    factor = np.ones(len(bad))
    for _ in range(NEWTON_STEPS):
        # Newton from the left on a concave function never passes the root, so stopping early is
        # conservative.
        below = factor[:, None] * after < bound[:, None]
        slope = (chance * after * below).sum(1)
        value = factor * slope + (chance * ~below).sum(1) * bound
        ahead = np.where(slope > 1e-12, (before - value) / np.maximum(slope, 1e-12), 0.0)
        factor = factor + np.maximum(ahead, 0.0)
    correction[pick] = np.clip(factor, 1.0, 1e3)
    return correction


def _steepest(draws: Array, bad: Array, odds: Array) -> Array:
    """An upper bound of each column's factor: every bad request is the canary's."""
    most = np.minimum(draws, bad)[..., None]
    return np.asarray(np.exp(np.minimum(most * np.log(odds), 460.0)))
