"""The gate's verdict: a pure function of bounds and measurements."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from tasks.errors import GateRejected, GateUndecided
from tasks.gate_spec import GateSpec
from tasks.metrics import Better
from tasks.values import Check, Verdict


def decide(
    model: str,
    gates: tuple[GateSpec, ...],
    candidate: Mapping[str, float],
    champion: Mapping[str, float] | None,
    baseline: Mapping[str, float],
) -> Verdict:
    """Judge a candidate.

    Args:
        model: Name of the model.
        gates: Bounds from model.yaml.
        candidate: The candidate's metrics on the held-out split.
        champion: The champion's metrics on the same split; None when nothing serves yet.
        baseline: The scikit-learn baseline's metrics on the same split.

    Returns:
        ``pass`` when every bound holds; ``fail`` when one was measured broken; ``error`` when a
        metric is missing or not a finite number, or nobody has said what makes it better, because
        then nothing was measured.
    """
    checks = tuple(
        check for gate in gates for check in _checks(gate, candidate, champion, baseline)
    )
    return Verdict.of(f"{model} candidate", checks)


def require_pass(verdict: Verdict) -> None:
    """Only a pass goes on.

    Raises:
        GateRejected: the candidate is not good enough.
        GateUndecided: it could not be judged; a person must look.
    """
    if verdict.outcome != "pass":
        error = GateRejected if verdict.outcome == "fail" else GateUndecided
        raise error(
            f"The {verdict.subject} does not pass its gate ({verdict.outcome}): {verdict.reason}.",
            "Look at the gate's page in the run's artifacts; the champion goes on serving.",
        )


def _checks(
    gate: GateSpec,
    candidate: Mapping[str, float],
    champion: Mapping[str, float] | None,
    baseline: Mapping[str, float],
) -> Iterator[Check]:
    value = candidate.get(gate.metric)
    if value is None or not math.isfinite(value):
        names = ", ".join(sorted(candidate)) or "nothing"
        yield Check(
            name=gate.metric,
            outcome="error",
            observed="nothing" if value is None else str(value),
            bound="a finite number",
            detail=f"the training job did not measure it; it measured {names}",
        )
        return
    if gate.at_least is not None:
        yield _check(gate.metric, value, gate.at_least, holds=value >= gate.at_least, sign="≥")
    if gate.at_most is not None:
        yield _check(gate.metric, value, gate.at_most, holds=value <= gate.at_most, sign="≤")
    if gate.no_worse_than_champion is not None:
        if champion is None:
            yield Check(
                name=f"{gate.metric} vs champion",
                outcome="pass",
                observed=f"{value:.6g}",
                bound="none yet",
                detail="nothing serves yet, so there is nothing to be worse than",
            )
        else:
            yield _relative(gate, value, champion, gate.no_worse_than_champion, "champion")
    if gate.no_worse_than_baseline is not None:
        yield _relative(gate, value, baseline, gate.no_worse_than_baseline, "baseline")


def _relative(
    gate: GateSpec, value: float, other: Mapping[str, float], loss: float, who: str
) -> Check:
    name = f"{gate.metric} vs {who}"
    reference = other.get(gate.metric)
    if reference is None or not math.isfinite(reference):
        return Check(
            name=name,
            outcome="error",
            observed=f"{value:.6g}",
            bound=f"{who}: {reference}",
            detail=f"the {who} was not measured on this split",
        )
    if gate.direction is None:
        return Check(
            name=name,
            outcome="error",
            observed=f"{value:.6g}",
            bound=f"{who}: {reference:.6g}",
            detail=f"nobody has said what makes {gate.metric} better (better: in model.yaml)",
        )
    bound, holds = _no_worse(gate.direction, value, reference, loss)
    sign = "≥" if gate.direction == "larger" else "≤"
    detail = f"the {who} has {reference:.6g}; up to {loss:.0%} worse passes"
    if gate.direction == "zero":
        detail += ", on either side of zero"
    return _check(name, value, bound, holds=holds, sign=sign, detail=detail)


def _no_worse(better: Better, value: float, reference: float, loss: float) -> tuple[float, bool]:
    """The worst value that passes, and whether this one does."""
    margin = abs(reference) * loss
    if better == "larger":
        return reference - margin, value >= reference - margin
    bound = (abs(reference) if better == "zero" else reference) + margin
    return bound, (abs(value) if better == "zero" else value) <= bound


def _check(
    name: str, value: float, bound: float, *, holds: bool, sign: str, detail: str = "a fixed bound"
) -> Check:
    return Check(
        name=name,
        outcome="pass" if holds else "fail",
        observed=f"{value:.6g}",
        bound=f"{sign} {bound:.6g}",
        detail=detail,
    )
