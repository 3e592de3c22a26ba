"""The judge's memory: sums and products over the windows so far, plain numbers throughout.

All arrays have the releases on their first axis (R). A live release has R = 1; the benchmark folds
hundreds at once through the same code.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from tasks.judge.evidence import STREAMS, alternatives_of
from tasks.judge.hypergeometric import Array
from tasks.judge.policy import JudgePolicy
from tasks.judge.proof import GATES, MULTIPLES, margins

NEVER = -1e300
"""A time that has not come: before every clock's beginning, and a number in strict JSON."""

OPEN, ROLLED_BACK, PROMOTED, UNDECIDED = range(4)


@dataclass(frozen=True)
class Ledger:
    """State of R releases after some windows. S: whole and segments; J: columns; G: gates.

    Attributes:
        unspent: Prior mass not yet given to a start time, (R, S, streams).
        wealth: Mass times likelihood ratio of every column, (R, S, J).
        latency: Stable counts by bin so far, (R, S, bins); latency_canary (R, bins).
        predictions: Stable counts so far, (R, S, bins); predictions_canary (R, bins).
        trials: Units of the error test so far by arm, (R, 2); bad likewise.
        boundary: s of the last projection, (R, G, multiples).
        proof: Log evidence of every gate and margin, (R, G, multiples).
        warm_proof: Log evidence from warm-up alone, (R, G, multiples).
        proven: Whether it ever reached 1/β, (R, G, multiples), 0 or 1.
        watch_proof: Log evidence at the tolerance since the watch began, (R, G).
        requests, seconds: Fading sums for the request rate, (R,).
        rung: Last rung of the ladder, -1 before the first, (R,).
        started, watching, rung_since, canary_seen, told: Times, (R,): first canary window, first
            window at full traffic, first at this rung, last canary request, end of last window.
        incident_until: Time until which the stable version is taken to be in trouble, (R,).
        upset_until: The same of both versions together; nothing is proven until then, (R,).
        pairs: Mirrored pairs so far, (R,).
        peak: Largest evidence so far, (R,).
        outcome, decided: OPEN, ROLLED_BACK, PROMOTED or UNDECIDED, and when, (R,).
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
    proof: Array
    warm_proof: Array
    proven: Array
    watch_proof: Array
    requests: Array
    seconds: Array
    rung: Array
    started: Array
    watching: Array
    rung_since: Array
    canary_seen: Array
    told: Array
    incident_until: Array
    upset_until: Array
    pairs: Array
    peak: Array
    outcome: Array
    decided: Array
    target: Array
    why: Array

    def to_json(self) -> dict[str, Any]:
        """Plain lists and numbers, exact to the last bit; R must be 1."""
        return {field.name: getattr(self, field.name)[0].tolist() for field in fields(self)}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Ledger:
        """The inverse of to_json."""
        return cls(
            **{
                field.name: np.asarray(document[field.name], dtype=float)[None]
                for field in fields(cls)
            }
        )


def opening(policy: JudgePolicy, releases: int = 1) -> Ledger:
    """The ledger before the first window."""
    columns = len(alternatives_of(policy).prior)
    rows = 1 + len(policy.segments)
    latency_bins = len(policy.latency_edges) + 1 if policy.latency_edges else 0
    delta = margins(policy)

    def zeros(*shape: int) -> Array:
        return np.zeros((releases, *shape))

    def never() -> Array:
        return np.full(releases, NEVER)

    shape = (releases, len(GATES), len(MULTIPLES))
    return Ledger(
        unspent=np.ones((releases, rows, len(STREAMS))),
        wealth=zeros(rows, columns),
        latency=zeros(rows, latency_bins),
        latency_canary=zeros(latency_bins),
        predictions=zeros(rows, policy.prediction_bins),
        predictions_canary=zeros(policy.prediction_bins),
        trials=zeros(2),
        bad=zeros(2),
        boundary=np.broadcast_to(np.minimum(0.005, 0.5 * (1.0 - delta)), shape).copy(),
        proof=np.zeros(shape),
        warm_proof=np.zeros(shape),
        proven=np.zeros(shape),
        watch_proof=zeros(len(GATES)),
        requests=zeros(),
        seconds=zeros(),
        rung=np.full(releases, -1.0),
        started=never(),
        watching=never(),
        rung_since=never(),
        canary_seen=never(),
        told=never(),
        incident_until=never(),
        upset_until=never(),
        pairs=zeros(),
        peak=np.ones(releases),
        outcome=zeros(),
        decided=never(),
        target=zeros(),
        why=zeros(),
    )


def stream_evidence(policy: JudgePolicy, ledger: Ledger) -> Array:
    """Evidence of every stream of every row, expectation at most one each, (R, S, streams)."""
    alternatives = alternatives_of(policy)
    result: Array = ledger.unspent + ledger.wealth @ alternatives.membership
    return result


def total_evidence(policy: JudgePolicy, ledger: Ledger) -> Array:
    """The average of all streams of all rows, (R,): the e-process that Ville bounds."""
    alternatives = alternatives_of(policy)
    by_row = stream_evidence(policy, ledger) @ alternatives.weights
    result: Array = by_row @ alternatives.rows
    return result
