"""Small made-up windows for the judge's tests."""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from tasks.judge import ArmCounts, JudgePolicy, JudgeState, Window, observe, verdict

EDGES = np.asarray(JudgePolicy().latency_edges)


def arm(rng, requests, errors=0.005, slower=1.0, shift=0.0):
    latency = slower * 80.0 * np.exp(0.5 * rng.standard_normal(requests))
    bins = np.searchsorted(EDGES, latency, side="right")
    scores = np.minimum((ndtr(rng.standard_normal(requests) + shift) * 20).astype(int), 19)
    return ArmCounts(
        requests=requests,
        errors=int(rng.binomial(requests, errors)),
        latency=tuple(np.bincount(bins, minlength=len(EDGES) + 1).tolist()),
        predictions=tuple(np.bincount(scores, minlength=20).tolist()),
    )


def window(rng, t0, weight, *, rate=10.0, stable_errors=0.005, **canary):
    total = int(rng.poisson(rate * 10))
    ours = int(rng.binomial(total, weight))
    return Window(
        t0=t0,
        t1=t0 + 10,
        weight=weight,
        canary=arm(rng, ours, **{"errors": stable_errors, **canary}),
        stable=arm(rng, total - ours, errors=stable_errors),
    )


def steered(policy, rng, *, history=30, windows=300, **kind):
    """A release that follows the judge; returns all windows and the last state."""
    state, weight, told = JudgeState.start(policy), 0.0, []
    for step in range(history + windows):
        told.append(window(rng, step * 10.0, weight, **kind))
        state = observe(state, told[-1])
        answer = verdict(state)
        if answer.action in {"rollback", "promote", "inconclusive"}:
            break
        if step >= history - 1:
            weight = answer.weight
    return told, state
