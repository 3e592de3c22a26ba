"""Slices: is the candidate worse than the champion for some, though not on the whole? Pure.

A slice fails when it is *shown* to be worse than its margin allows. Of many slices some look bad by
chance, so the interval of each is one at 1 − (1 − confidence)/slices (Bonferroni): the chance that
any slice of a gate fails which is inside its margin stays below half of 1 − confidence, however the
slices overlap and depend on each other. Holm's steps would find a little more; but then no interval
that could be drawn decides, and each slice would be held to another figure.

That a slice passes is no proof, unless ``undecided: inconclusive`` asks for one. All must pass
then, which needs no correction (Berger 1982); they get it all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.gates.comparison import Comparison
from tasks.gates.evidence import Evidence
from tasks.gates.finding import Finding
from tasks.gates.point import relative
from tasks.gates.proven import proven
from tasks.specs.gates import GateSpec, SliceSpec

MISSING = "missing"
MOST_NAMED = 3
"""Slices too small to be judged that are named one by one."""


@dataclass(frozen=True)
class Part:
    """A slice: its column's rule, its name, and the numbers of its rows."""

    rule: SliceSpec
    name: str
    rows: NDArray[np.int64]


def judged(gate: GateSpec, confidence: float, evidence: Evidence | None) -> tuple[Finding, ...]:
    """What each slice of a gate shows.

    Args:
        gate: With slices.
        confidence: Of all its slices together.
        evidence: The held-out rows; None where the candidate saved no answers.
    """
    if evidence is None or "champion" not in evidence.sides:
        missing = {} if evidence is None else evidence.missing
        why = missing.get("champion", "no answers were saved to compare")
        return tuple(_unjudged(gate, one.column, why) for one in gate.slices)
    parts = [part for rule in gate.slices for part in parts_of(rule, evidence)]
    large = [part for part in parts if len(part.rows) >= part.rule.min_rows]
    small = [part for part in parts if len(part.rows) < part.rule.min_rows]
    level = 1 - (1 - confidence) / max(len(large), 1)
    return (*(_judged(gate, part, evidence, level) for part in large), *_small(gate, small))


def parts_of(rule: SliceSpec, evidence: Evidence) -> tuple[Part, ...]:
    """The slices of a column: its values, or the bins of its numbers; what is missing is one."""
    values = evidence.columns[rule.column]
    numbers = [value for value in values if _number(value)]
    numeric = bool(numbers) and len(numbers) == sum(value is not None for value in values)
    bins = numeric and len(set(numbers)) > rule.bins
    names, at = binned(values, rule.bins) if bins else _valued(values, numeric=numeric)
    return tuple(
        Part(rule, f"{rule.column}: {name}", np.flatnonzero(at == number))
        for number, name in enumerate(names)
        if (at == number).any()
    )


def binned(values: Sequence[Any], bins: int) -> tuple[list[str], NDArray[np.int64]]:
    """Bins of equally many numbers, named by their edges, and the bin of each value.

    Equal numbers share a bin, so that there may be fewer.
    """
    numbers = np.asarray([np.nan if value is None else float(value) for value in values])
    there = np.isfinite(numbers)
    inner = np.unique(np.quantile(numbers[there], np.linspace(0, 1, bins + 1)[1:-1]))
    edges = [f"{edge:.6g}" for edge in inner]
    names = [
        f"below {edges[0]}",
        *(f"{low} to {high}" for low, high in pairwise(edges)),
        f"from {edges[-1]}",
        MISSING,
    ]
    at = np.where(there, np.searchsorted(inner, numbers, side="right"), len(names) - 1)
    return names, at.astype(np.int64)


def _valued(values: Sequence[Any], *, numeric: bool) -> tuple[list[str], NDArray[np.int64]]:
    told = [
        MISSING if v is None or v == "" else f"{v:.6g}" if _number(v) else str(v) for v in values
    ]
    names = [*sorted(set(told) - {MISSING}, key=float if numeric else str), MISSING]
    index = {name: number for number, name in enumerate(names)}
    return names, np.asarray([index[name] for name in told], dtype=np.int64)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _judged(gate: GateSpec, part: Part, evidence: Evidence, level: float) -> Finding:
    comparison = Comparison(evidence.of(part.rows), {gate.metric}, (1 - level) / 2)
    if comparison.too_few:
        return _unjudged(gate, part.name, comparison.too_few)
    value, reference = (comparison.point(who, gate.metric) for who in ("candidate", "champion"))
    loss = part.rule.no_worse_than_champion
    point = relative(gate, value, {gate.metric: reference}, loss, "champion", part.name)
    found = proven(point, comparison, level)
    if found.outcome != "inconclusive" or part.rule.undecided == "inconclusive":
        return found
    why = f"not shown to be worse; {found.why}"
    return replace(found, outcome="pass", shown=False, why=why)


def _small(gate: GateSpec, parts: Sequence[Part]) -> tuple[Finding, ...]:
    """Slices that are not judged: the largest by name, the others counted."""
    shown = sorted(parts, key=lambda part: -len(part.rows))
    named = [
        _unjudged(gate, part.name, f"{len(part.rows)} of {part.rule.min_rows} rows")
        for part in shown[:MOST_NAMED]
    ]
    rest = shown[MOST_NAMED:]
    if not rest:
        return tuple(named)
    rows = sum(len(part.rows) for part in rest)
    return (*named, _unjudged(gate, f"{len(rest)} more", f"{rows} rows in all, too few in each"))


def _unjudged(gate: GateSpec, part: str, why: str) -> Finding:
    return Finding(
        gate.metric, "pass", rival="champion", part=part, shown=False, why=f"not judged: {why}"
    )
