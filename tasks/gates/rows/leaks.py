"""Columns that tell the label, or that are no more than a row's name. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.tables.operations import is_missing
from tasks.gates.rows.finding import RowFinding, broken, unknown
from tasks.gates.rows.sides import ChannelRows, RowFeature, percent, sample
from tasks.gates.rows.strength import FEWEST_ROWS, MOST_CELLS, judged, strength, told_by_absence
from tasks.gates.rows.targets import RowTarget, TargetKind
from tasks.gates.rows.views import views
from tasks.specs.data_gates import LeakingColumnSpec, RowSeverity

MOST_ROWS = 20_000
AT_LEAST: Mapping[TargetKind, float] = {
    "yes or no": 0.995,
    "labels": 0.995,
    "classes": 0.99,
    "number": 0.99,
}
ABSENCE = 0.995
AREA = "area under ROC"
FIGURE: Mapping[TargetKind, str] = {
    "yes or no": AREA,
    "labels": AREA,
    "classes": "share of the rest told",
    "number": "R² of ranks",
}
"""What a strength is called."""
DISTINCT = 0.99
"""Distinct values for each row from which a column is a name of rows."""
DENSE = 3
"""Numbers to each row up to which whole numbers that never repeat are a counter."""
RISING = 0.99
FEWEST_DAYS = 10
LEAK, IDENTIFIERS = "leaking column", "identifiers"


def leaking(
    rows: ChannelRows,
    features: Sequence[RowFeature],
    target: RowTarget,
    rule: LeakingColumnSpec,
    allowed: Mapping[str, str],
) -> tuple[RowFinding, ...]:
    """Columns that tell the label by themselves; the strongest that does not, where none does.

    Args:
        rows: Of both sides; at most 20,000 of them are looked at.
        features: Their columns.
        target: Their labels.
        rule: The bound.
        allowed: Why a column may, by its name.
    """
    at = sample(len(rows), min(MOST_ROWS, MOST_CELLS // max(len(target.names), 1)))
    some, labels = rows.take(at), target.questions.take(at)
    if not features or not judged(labels):
        why = "too few rows of each class" if features else "no single columns"
        return (unknown(LEAK, why),)
    if len(features) == 1:
        return (unknown(LEAK, f"{features[0].name} is all that an answer can be made of"),)
    bound = rule.at_least or AT_LEAST[labels.kind]
    found, best = [], (-1.0, "")
    for feature in features:
        absent, value, said = _told(feature, some.columns[feature.name], labels)
        # What is missing has a value of its own in some views: absence is the plainer reason.
        missing = absent >= ABSENCE
        if value >= bound or missing:
            figure, limit = (AREA, ABSENCE) if missing else (FIGURE[labels.kind], bound)
            how = "its being missing" if missing else said
            found.append(_leak(feature, f"{figure} {absent if missing else value:.4f}", limit, how,
                               rule, allowed.get(feature.name)))  # fmt: skip
        best = max(best, (value, feature.name))
    if found:
        return tuple(found)
    return (
        RowFinding(
            LEAK,
            "pass",
            f"{FIGURE[labels.kind]} {max(best[0], 0):.3f}",
            f"< {bound:g}",
            f"the strongest of {len(features)} is {best[1]}",
        ),
    )


def _leak(
    feature: RowFeature,
    value: str,
    bound: float,
    how: str,
    rule: LeakingColumnSpec,
    reason: str | None,
) -> RowFinding:
    name, limit = f"{LEAK}: {feature.name}", f"< {bound:g}"
    if reason is not None:
        return RowFinding(name, "pass", value, limit, f"allowed: {reason}")
    part = f" ({how})" if how else ""
    return RowFinding(
        name,
        broken(rule.severity),
        value,
        limit,
        f"{feature.name}{part} tells the label by itself, so it is likely not known when the model "
        "is asked",
        f"write data.features: {{{feature.name}: drop}}, or, if it is known then, say so in "
        f"data_gates.allow: {{column: {feature.name}, reason: …}}",
    )


def _told(feature: RowFeature, values: NDArray[Any], target: RowTarget) -> tuple[float, float, str]:
    """How well its absence tells the label, how well its values do, and which part of them."""
    missing = is_missing(values)
    absent = told_by_absence(missing, target)
    if missing.all():
        return absent, 0.0, ""
    scored = [(strength(view, target), view.said) for view in views(feature.kind, values)]
    best = max(value for value, _ in scored)
    # Of what tells as much, the plainest: views begin with the whole value.
    return absent, best, next(said for value, said in scored if value >= best - 1e-6)


def identifying(
    rows: ChannelRows,
    features: Sequence[RowFeature],
    severity: RowSeverity,
    allowed: Mapping[str, str],
) -> tuple[RowFinding, ...]:
    """Features that differ in nearly every row: keys, ids and counters.

    Numbers that are measured differ in nearly every row, too: only whole ones that count up, or
    rise with the days, are names.
    """
    if not features or len(rows) < FEWEST_ROWS:
        return (unknown(IDENTIFIERS, "no single columns" if not features else "too few rows"),)
    found = []
    for feature in features:
        why = _names_rows(feature, rows)
        if not why:
            continue
        distinct = percent(_distinct(rows.columns[feature.name]))
        name = f"{IDENTIFIERS}: {feature.name}"
        reason = allowed.get(feature.name)
        if reason is not None:
            found.append(RowFinding(name, "pass", distinct, "", f"allowed: {reason}"))
            continue
        found.append(
            RowFinding(
                name,
                broken(severity),
                f"{distinct} distinct",
                f"< {percent(DISTINCT)}",
                f"{why}: nothing that is learned of it holds for another row",
                f"write data.features: {{{feature.name}: drop}}, or say in data_gates.allow why "
                "it stays",
            )
        )
    return tuple(found) or (RowFinding(IDENTIFIERS, "pass", "none", "none"),)


def _names_rows(feature: RowFeature, rows: ChannelRows) -> str:
    values = rows.columns[feature.name]
    if feature.kind == "date" or _distinct(values) < DISTINCT:
        return ""
    if feature.key:
        return "it is part of the contract's key"
    if values.dtype.kind == "O":
        single = np.mean([len(str(value).split()) == 1 for value in values])
        return "it is one word that nearly no other row has" if single >= DISTINCT else ""
    numbers = values[~is_missing(values)]
    if not (numbers == np.round(numbers)).all():
        return ""
    if float(np.ptp(numbers)) < DENSE * len(numbers):
        return "its whole numbers count the rows"
    return "it rises with the days" if _rises(values, rows.days) else ""


def _rises(values: NDArray[Any], days: NDArray[Any]) -> bool:
    from scipy.stats import spearmanr

    there = ~(is_missing(values) | np.isnat(days))
    told = days[there].astype(np.int64)
    if len(np.unique(told)) < FEWEST_DAYS:
        return False
    return bool(abs(spearmanr(values[there], told).statistic) >= RISING)


def _distinct(values: NDArray[Any]) -> float:
    there = values[~is_missing(values)]
    if len(there) < FEWEST_ROWS:
        return 0.0
    return len(set(there.tolist())) / len(there)
