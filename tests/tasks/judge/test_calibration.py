"""α and β measured, small but real; benchmarks/canary measures them with 4,000 releases."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
from scipy.special import ndtr

from tasks.judge import JudgePolicy
from tasks.judge.sequential import ROLLBACK, initial, total_evidence
from tasks.judge.update import update
from tasks.judge.window import WindowArrays

POLICY = JudgePolicy(alpha=0.1, watch_seconds=600)
REPS = 250


def _play(seed, canary_errors, steps=90, history=12):
    """Releases that follow the judge at 20 requests/s, 2 % errors; α is 10 % to be measurable."""
    rng = np.random.default_rng(seed)
    edges = np.asarray(POLICY.latency_edges)
    law = np.diff(np.r_[0.0, ndtr(np.log(edges / 80.0) / 0.5), 1.0])
    scores = np.full(20, 0.05)
    state = initial(POLICY, REPS)
    peak, last = np.ones(REPS), np.zeros(REPS, dtype=bool)
    for step in range(history + steps):
        weight = state.target if step >= history else np.zeros(REPS)
        last |= weight >= POLICY.ladder[-1]
        total = rng.poisson(200, REPS)
        ours = rng.binomial(total, weight)
        requests = np.stack([ours, total - ours], axis=1)
        bad = np.stack(
            [rng.binomial(ours, canary_errors), rng.binomial(total - ours, 0.02)], axis=1
        )
        both = [rng.multinomial(requests, law), rng.multinomial(requests, scores)]
        counts = WindowArrays(
            t0=np.full(REPS, 10.0 * step),
            t1=np.full(REPS, 10.0 * step + 10.0),
            weight=weight,
            warmup=np.zeros(REPS, dtype=bool),
            requests=requests[:, None].astype(float),
            trials=requests[:, None].astype(float),
            bad=bad[:, None].astype(float),
            latency=both[0][:, None].astype(float),
            predictions=both[1][:, None].astype(float),
            pairs=np.zeros((REPS, 4, 2)),
        )
        state = update(POLICY, state, counts)
        open_now = state.outcome == 0
        peak = np.where(open_now, np.maximum(peak, total_evidence(POLICY, state)), peak)
        assert all(np.isfinite(getattr(state, field.name)).all() for field in fields(state))
    return state, last


def test_a_good_version_is_rolled_back_no_more_often_than_promised():
    state, last = _play(1, 0.02)
    false_alarms = float((state.outcome == ROLLBACK).mean())
    # The bound is 10 %; three standard errors of 250 releases are 5.7 points.
    assert false_alarms <= 0.10 + 0.057
    assert false_alarms >= 0.01, "so rare that power is wasted"
    assert last.mean() > 0.8


def test_a_version_worse_by_the_tolerance_is_promoted_no_more_often_than_promised():
    _, last = _play(2, 0.03)
    # 5 %, and three standard errors of 250 releases are 4.1 points.
    assert last.mean() <= 0.05 + 0.041
