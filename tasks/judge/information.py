"""How long a proof takes: what a canary that is no worse adds to the evidence per second."""

from __future__ import annotations

import math

import numpy as np

from tasks.judge.non_inferiority import LEVELS, SCORE_LEVELS, margins, present
from tasks.judge.policy import JudgePolicy

USUAL_ERRORS = 0.005
"""Share of errors of a service of which nothing is known."""
LEVEL_OF_GATE = (USUAL_ERRORS, *LEVELS, *np.repeat(SCORE_LEVELS, 2).tolist())


def gain(rate: float, delta: float, share: float) -> float:
    """Evidence per request, natural logarithm, that both versions' share of hits is the same.

    Args:
        rate: That share, 0..1.
        delta: The gate's margin, points of share.
        share: The canary's share of requests.
    """
    worse = min(rate + delta, 1.0 - 1e-9)
    ours, theirs = share / (worse * (1 - worse)), (1 - share) / (rate * (1 - rate))
    both = (ours * worse + theirs * rate) / (ours + theirs)
    return share * _divergence(both, worse) + (1 - share) * _divergence(both, rate)


def seconds_to_proof(policy: JudgePolicy, requests_per_second: float) -> float:
    """Seconds until a canary that is no worse is expected to be proven so in every gate.

    It is taken to have the share below the last step from the first second on, so it takes longer.
    Infinite where nothing is asked.
    """
    if requests_per_second <= 0:
        return math.inf
    share = policy.ladder[max(len(policy.ladder) - 2, 0)]
    final = margins(policy)[:, 0]
    slowest = min(
        gain(LEVEL_OF_GATE[gate], float(final[gate]), share)
        for gate in np.flatnonzero(present(policy))
    )
    return -math.log(policy.beta) / (slowest * requests_per_second)


def _divergence(q: float, p: float) -> float:
    return q * math.log(q / p) + (1 - q) * math.log((1 - q) / (1 - p))
