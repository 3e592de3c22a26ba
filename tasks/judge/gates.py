"""What the gates count: requests, and those that are slow, wrong or score far out, by arm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tasks.judge.hypergeometric import Array
from tasks.judge.non_inferiority import gate_counts, gate_edges
from tasks.judge.policy import JudgePolicy
from tasks.judge.sequential import SequentialState
from tasks.judge.window import WindowArrays

PRIOR_RATES = np.array([0.005, 0.5, 0.1, 0.01, 0.5, 0.5, 0.1, 0.1])


@dataclass(frozen=True)
class GateCounts:
    """Requests, and those that count, of every gate by arm: this window and the past.

    Each (R, gates, 2), the canary first. ``excess``, (R, gates), is what a gate's margin is less
    by, because its edge lies before the stable version's quantile.
    """

    trials: Array
    hits: Array
    past_trials: Array
    past_hits: Array
    excess: Array

    @property
    def shared_rates(self) -> Array:
        """Rate of every gate's hits in the past, both arms pooled, (R, gates)."""
        rate = (self.past_hits.sum(-1) + 0.5) / (self.past_trials.sum(-1) + 0.5 / PRIOR_RATES)
        return np.asarray(np.clip(rate, 1e-6, 1.0 - 1e-6))

    @staticmethod
    def stable(window: Array, past: Array) -> Array:
        """The stable version's part of this window beside its part of the past, as two arms."""
        return np.stack([window[..., 1], past[..., 1]], axis=-1)


def gates_of(policy: JudgePolicy, state: SequentialState, counts: WindowArrays) -> GateCounts:
    """Count a window, and the past before it; the edges follow from the past alone."""
    edges = gate_edges(policy, state.latency[:, 0], state.predictions[:, 0])
    seen = gate_counts(
        policy,
        edges.first,
        counts.trials[:, 0],
        counts.bad[:, 0],
        counts.latency[:, 0],
        counts.predictions[:, 0],
    )
    past = gate_counts(
        policy,
        edges.first,
        state.trials,
        state.bad,
        np.stack([state.latency_canary, state.latency[:, 0]], axis=1),
        np.stack([state.predictions_canary, state.predictions[:, 0]], axis=1),
    )
    excess = np.concatenate([np.zeros((len(edges.excess), 1)), edges.excess], axis=1)
    return GateCounts(*seen, *past, excess)
