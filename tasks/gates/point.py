"""Gates on point values: the metric as it was measured, and nothing said of chance. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from tasks.gates.finding import Finding, Rival
from tasks.metrics import Better
from tasks.specs.gates import GateSpec


def measured(
    gate: GateSpec,
    candidate: Mapping[str, float],
    champion: Mapping[str, float] | None,
    baseline: Mapping[str, float],
) -> Iterator[Finding]:
    """Each bound of a gate, held to what the jobs measured."""
    value = candidate.get(gate.metric)
    if value is None or not math.isfinite(value):
        names = ", ".join(sorted(candidate)) or "nothing"
        yield Finding(
            metric=gate.metric,
            outcome="error",
            value=value,
            why=f"the training job did not measure it; it measured {names}",
        )
        return
    if gate.at_least is not None:
        yield _bounded(gate.metric, value, gate.at_least, "≥", holds=value >= gate.at_least)
    if gate.at_most is not None:
        yield _bounded(gate.metric, value, gate.at_most, "≤", holds=value <= gate.at_most)
    if gate.no_worse_than_champion is not None:
        if champion is None:
            yield Finding(
                metric=gate.metric,
                outcome="pass",
                value=value,
                rival="champion",
                why="nothing serves yet, so there is nothing to be worse than",
            )
        else:
            yield relative(gate, value, champion, gate.no_worse_than_champion, "champion")
    if gate.no_worse_than_baseline is not None:
        yield relative(gate, value, baseline, gate.no_worse_than_baseline, "baseline")


def relative(
    gate: GateSpec,
    value: float,
    other: Mapping[str, float],
    loss: float,
    rival: Rival,
    part: str = "",
) -> Finding:
    """A metric beside a rival's, of which it may lose a share.

    Args:
        gate: Names the metric and what makes it better.
        value: The candidate's.
        other: The rival's metrics.
        loss: Share of the rival's value that may be lost.
        rival: Who it is.
        part: The slice.
    """
    reference = other.get(gate.metric)
    finite = reference is not None and math.isfinite(reference) and math.isfinite(value)
    if reference is None or not finite or gate.direction is None:
        why = (
            f"nobody has said what makes {gate.metric} better (better: in model.yaml)"
            if finite
            else f"the {rival} was not measured on this split"
        )
        return Finding(
            gate.metric, "error", value=value, rival=rival, reference=reference, part=part, why=why
        )
    bound, holds = _no_worse(gate.direction, value, reference, loss)
    why = f"the {rival} has {reference:.6g}; up to {loss:.0%} worse passes"
    zero = gate.direction == "zero"
    return Finding(
        metric=gate.metric,
        outcome="pass" if holds else "fail",
        sign="≥" if gate.direction == "larger" else "≤",
        bound=bound,
        value=value,
        rival=rival,
        reference=reference,
        holds=holds,
        part=part,
        why=why + ", on either side of zero" * zero,
        zero=zero,
    )


def _no_worse(better: Better, value: float, reference: float, loss: float) -> tuple[float, bool]:
    """The worst value that passes, and whether this one does."""
    margin = abs(reference) * loss
    if better == "larger":
        return reference - margin, value >= reference - margin
    bound = (abs(reference) if better == "zero" else reference) + margin
    return bound, (abs(value) if better == "zero" else value) <= bound


def _bounded(metric: str, value: float, bound: float, sign: str, *, holds: bool) -> Finding:
    return Finding(
        metric=metric,
        outcome="pass" if holds else "fail",
        sign=sign,
        bound=bound,
        value=value,
        holds=holds,
        why="a fixed bound",
    )
