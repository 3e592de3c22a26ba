"""The sequential state: sums and products over the windows so far, plain numbers throughout.

All arrays have the releases on their first axis (R). A live release has R = 1; the benchmark folds
hundreds at once through the same code.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from tasks.judge.dispersion import UNKNOWN
from tasks.judge.evidence import STREAMS, alternatives_of
from tasks.judge.hypergeometric import Array
from tasks.judge.non_inferiority import GATES, MULTIPLES, margins
from tasks.judge.policy import JudgePolicy
from tasks.judge.sample_ratio import initial as unspent_ratio

NEVER = -1e300
"""A time that has not come: before every clock's beginning, and a number in strict JSON."""

OPEN, ROLLBACK, PROMOTE, INCONCLUSIVE = range(4)
"""Outcomes by the words of the verdict; while one is open the verdict is hold or step."""

FORMER_KEYS = {
    "proof": "non_inferiority",
    "warm_proof": "warm_up_non_inferiority",
    "watch_proof": "watch_non_inferiority",
    "rung": "step",
    "rung_since": "step_since",
    "canary_seen": "canary_active",
    "told": "observed",
}
"""Keys of states stored by earlier versions: a release under way goes on with the same evidence."""


@dataclass(frozen=True)
class SequentialState:
    """State of R releases after some windows. S: whole and segments; J: columns; G: gates.

    Attributes:
        unspent: Prior mass not yet given to a start time, (R, S, streams).
        wealth: Mass times likelihood ratio of every column, (R, S, J).
        latency: Stable counts by bin so far, (R, S, bins); latency_canary (R, bins).
        predictions: Stable counts so far, (R, S, bins); predictions_canary (R, bins).
        trials: Units of the error test so far by arm, (R, 2); bad likewise.
        boundary: s of the last projection, (R, G, multiples).
        non_inferiority: Log evidence of every gate and margin, (R, G, multiples).
        warm_up_non_inferiority: Log evidence from warm-up alone, (R, G, multiples).
        proven: Whether it ever reached 1/β, (R, G, multiples), 0 or 1.
        watch_non_inferiority: Log evidence at the tolerance since the watch began, (R, G).
        requests, seconds: Fading sums for the request rate, (R,).
        step: Last step of the ladder, -1 before the first, (R,).
        started, watching, step_since, canary_active, observed: Times, (R,): first canary window,
            first window at the last step, first at this step, last canary request, end of last
            window.
        incident_until: Time until which the stable version is taken to be in trouble, (R,).
        upset_until: The same of both versions together; nothing is proven until then, (R,).
        pairs: Mirrored pairs so far, (R,).
        history_moves: Sum and number of squared moves of the stable version's windows against its
            own past, (R, G, 2); see dispersion.
        release_moves: The same of the arms' differences.
        difference, compared_with: The last window's standardised differences, and what they were
            taken from, (R, G).
        sample_ratio: Mass of the test for a canary that answers too few, (R, 1 + alternatives).
        busiest: Largest request rate of a window of the watch so far, per second, (R,).
        peak: Largest evidence so far, (R,).
        outcome, decided: OPEN, ROLLBACK, PROMOTE or INCONCLUSIVE, and when, (R,).
        target, why: Wanted share, and the index into decision.REASONS, (R,).
    """

    unspent: Array
    wealth: Array
    latency: Array
    latency_canary: Array
    predictions: Array
    predictions_canary: Array
    trials: Array
    bad: Array
    boundary: Array
    non_inferiority: Array
    warm_up_non_inferiority: Array
    proven: Array
    watch_non_inferiority: Array
    requests: Array
    seconds: Array
    step: Array
    started: Array
    watching: Array
    step_since: Array
    canary_active: Array
    observed: Array
    incident_until: Array
    upset_until: Array
    pairs: Array
    history_moves: Array
    release_moves: Array
    difference: Array
    compared_with: Array
    sample_ratio: Array
    busiest: Array
    peak: Array
    outcome: Array
    decided: Array
    target: Array
    why: Array

    def to_json(self) -> dict[str, Any]:
        """Plain lists and numbers, exact to the last bit; R must be 1."""
        return {field.name: getattr(self, field.name)[0].tolist() for field in fields(self)}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> SequentialState:
        """The inverse of to_json; documents with the former keys are read as well."""
        renamed = {FORMER_KEYS.get(key, key): value for key, value in document.items()}
        renamed = {key: value.tolist() for key, value in _unobserved().items()} | renamed
        return cls(
            **{
                field.name: np.asarray(renamed[field.name], dtype=float)[None]
                for field in fields(cls)
            }
        )


def _unobserved() -> dict[str, Array]:
    """What states of before 0.2 do not have, as it is before the first window."""
    return {
        "history_moves": np.zeros((len(GATES), 2)),
        "release_moves": np.zeros((len(GATES), 2)),
        "difference": np.zeros(len(GATES)),
        "compared_with": np.full(len(GATES), float(UNKNOWN)),
        "sample_ratio": unspent_ratio(),
        "busiest": np.zeros(()),
    }


def initial(policy: JudgePolicy, releases: int = 1) -> SequentialState:
    """The state before the first window."""
    columns = len(alternatives_of(policy).prior)
    rows = 1 + len(policy.segments)
    latency_bins = len(policy.latency_edges) + 1 if policy.latency_edges else 0
    delta = margins(policy)

    def zeros(*shape: int) -> Array:
        return np.zeros((releases, *shape))

    def never() -> Array:
        return np.full(releases, NEVER)

    shape = (releases, len(GATES), len(MULTIPLES))
    return SequentialState(
        unspent=np.ones((releases, rows, len(STREAMS))),
        wealth=zeros(rows, columns),
        latency=zeros(rows, latency_bins),
        latency_canary=zeros(latency_bins),
        predictions=zeros(rows, policy.prediction_bins),
        predictions_canary=zeros(policy.prediction_bins),
        trials=zeros(2),
        bad=zeros(2),
        boundary=np.broadcast_to(np.minimum(0.005, 0.5 * (1.0 - delta)), shape).copy(),
        non_inferiority=np.zeros(shape),
        warm_up_non_inferiority=np.zeros(shape),
        proven=np.zeros(shape),
        watch_non_inferiority=zeros(len(GATES)),
        requests=zeros(),
        seconds=zeros(),
        step=np.full(releases, -1.0),
        started=never(),
        watching=never(),
        step_since=never(),
        canary_active=never(),
        observed=never(),
        incident_until=never(),
        upset_until=never(),
        pairs=zeros(),
        **{
            name: np.broadcast_to(value, (releases, *value.shape)).copy()
            for name, value in _unobserved().items()
        },
        peak=np.ones(releases),
        outcome=zeros(),
        decided=never(),
        target=zeros(),
        why=zeros(),
    )


def stream_evidence(policy: JudgePolicy, state: SequentialState) -> Array:
    """Evidence of every stream of every row, expectation at most one each, (R, S, streams)."""
    alternatives = alternatives_of(policy)
    result: Array = state.unspent + state.wealth @ alternatives.membership
    return result


def total_evidence(policy: JudgePolicy, state: SequentialState) -> Array:
    """The average of all streams of all rows, (R,): the e-process that Ville bounds."""
    alternatives = alternatives_of(policy)
    by_row = stream_evidence(policy, state) @ alternatives.weights
    result: Array = by_row @ alternatives.rows
    return result
