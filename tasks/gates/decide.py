"""The gate's verdict: a pure function of bounds, measurements and answers on held-out rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tasks.errors import GateInconclusive, GateRejected, GateUndecided
from tasks.gates import slices
from tasks.gates.comparison import Comparison
from tasks.gates.evidence import Evidence
from tasks.gates.finding import Finding
from tasks.gates.point import measured
from tasks.gates.proven import proven
from tasks.specs.gates import GateSpec
from tasks.values import Check, Verdict


def decide(
    model: str,
    gates: tuple[GateSpec, ...],
    candidate: Mapping[str, float],
    champion: Mapping[str, float] | None,
    baseline: Mapping[str, float],
    evidence: Evidence | None = None,
) -> Verdict:
    """Judge a candidate.

    Args:
        model: Name of the model.
        gates: Bounds from model.yaml.
        candidate: The candidate's metrics on the held-out split.
        champion: The champion's metrics on the same split; None when nothing serves yet.
        baseline: The scikit-learn baseline's metrics on the same split.
        evidence: What each of them said of the held-out rows; None where no gate has a confidence,
            or the candidate saved no answers.

    Returns:
        ``pass`` when every bound holds; ``fail`` when one was measured broken; ``inconclusive``
        when an interval lies across one; ``error`` when a metric is missing or not a finite number,
        or nobody has said what makes it better, because then nothing was measured.
    """
    return verdict_of(model, findings(gates, candidate, champion, baseline, evidence))


def findings(
    gates: tuple[GateSpec, ...],
    candidate: Mapping[str, float],
    champion: Mapping[str, float] | None,
    baseline: Mapping[str, float],
    evidence: Evidence | None = None,
) -> tuple[Finding, ...]:
    """Every comparison of every gate, in their order; the arguments are those of `decide`."""
    comparison = None if evidence is None else compared(gates, evidence)
    return tuple(
        finding
        for gate in gates
        for finding in _of_gate(gate, candidate, champion, baseline, comparison)
    )


def compared(gates: tuple[GateSpec, ...], evidence: Evidence) -> Comparison:
    """All held-out rows, ready for the intervals that the gates ask for."""
    asked = [gate for gate in gates if gate.confidence is not None]
    tails = [(1 - gate.confidence) / 2 for gate in asked if gate.confidence is not None]
    return Comparison(evidence, {gate.metric for gate in asked}, min(tails, default=0.025))


def verdict_of(model: str, found: tuple[Finding, ...], tried: tuple[Check, ...] = ()) -> Verdict:
    """The worst of what was found on rows, and of what else was tried."""
    return Verdict.of(f"{model} candidate", (*(finding.check() for finding in found), *tried))


def require_pass(verdict: Verdict) -> None:
    """Only a pass goes on.

    Raises:
        GateRejected: the candidate is not good enough.
        GateInconclusive: too few held-out rows show whether it is.
        GateUndecided: it could not be judged; a person must look.
    """
    if verdict.outcome == "pass":
        return
    what = (
        f"The {verdict.subject} does not pass its gate ({verdict.outcome}): "
        f"{verdict.reason.removesuffix('.')}."
    )
    look = "Look at the gate's page in the run's artifacts; the champion goes on serving."
    if verdict.outcome == "inconclusive" and verdict.checks:
        raise GateInconclusive(
            what,
            f"{look} Hold out more rows; a retraining may also let the point values decide "
            "(accept_inconclusive), an upload has to come again.",
        )
    error = GateRejected if verdict.outcome == "fail" else GateUndecided
    raise error(what, look)


def _of_gate(
    gate: GateSpec,
    candidate: Mapping[str, float],
    champion: Mapping[str, float] | None,
    baseline: Mapping[str, float],
    comparison: Comparison | None,
) -> Iterator[Finding]:
    found = measured(gate, candidate, champion, baseline)
    if gate.confidence is None:
        yield from found
        return
    confidence = gate.confidence
    yield from (proven(finding, comparison, confidence) for finding in found)
    if gate.slices and champion is not None:
        evidence = None if comparison is None else comparison.evidence
        yield from slices.judged(gate, confidence, evidence)
