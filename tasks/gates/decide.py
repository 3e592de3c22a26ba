"""The gate's verdict: a pure function of bounds and measurements."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from tasks.errors import GateRejected
from tasks.model_spec import GateSpec
from tasks.values import Check, Verdict

SMALLER_IS_BETTER = frozenset({"mae", "rmse", "mse", "mape", "loss", "log_loss", "abs_bias"})


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
        metric is missing or not a finite number, because then nothing was measured.
    """
    checks = tuple(
        check for gate in gates for check in _checks(gate, candidate, champion, baseline)
    )
    return Verdict.of(f"{model} candidate", checks)


def require_pass(verdict: Verdict) -> None:
    """Only a pass goes on.

    Raises:
        GateRejected: any other outcome.
    """
    if verdict.outcome != "pass":
        raise GateRejected(
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
        yield Check(
            name=gate.metric,
            outcome="error",
            observed=str(value),
            bound="a finite number",
            detail="the training job did not measure it",
        )
        return
    if gate.at_least is not None:
        yield _check(gate.metric, value, gate.at_least, smaller=False, detail="a fixed bound")
    if gate.at_most is not None:
        yield _check(gate.metric, value, gate.at_most, smaller=True, detail="a fixed bound")
    smaller = _smaller_is_better(gate)
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
            yield _relative(
                gate.metric, value, champion, gate.no_worse_than_champion, smaller, "champion"
            )
    if gate.no_worse_than_baseline is not None:
        yield _relative(
            gate.metric, value, baseline, gate.no_worse_than_baseline, smaller, "baseline"
        )


def _smaller_is_better(gate: GateSpec) -> bool:
    if gate.at_most is not None:
        return True
    if gate.at_least is not None:
        return False
    return gate.metric in SMALLER_IS_BETTER


def _relative(
    metric: str,
    value: float,
    other: Mapping[str, float],
    loss: float,
    smaller: bool,
    name: str,
) -> Check:
    reference = other.get(metric)
    if reference is None or not math.isfinite(reference):
        return Check(
            name=f"{metric} vs {name}",
            outcome="error",
            observed=f"{value:.6g}",
            bound=f"{name}: {reference}",
            detail=f"the {name} was not measured on this split",
        )
    margin = abs(reference) * loss
    bound = reference + margin if smaller else reference - margin
    return _check(
        f"{metric} vs {name}",
        value,
        bound,
        smaller=smaller,
        detail=f"the {name} has {reference:.6g}; up to {loss:.0%} worse passes",
    )


def _check(name: str, value: float, bound: float, *, smaller: bool, detail: str) -> Check:
    holds = value <= bound if smaller else value >= bound
    return Check(
        name=name,
        outcome="pass" if holds else "fail",
        observed=f"{value:.6g}",
        bound=f"{'≤' if smaller else '≥'} {bound:.6g}",
        detail=detail,
    )
