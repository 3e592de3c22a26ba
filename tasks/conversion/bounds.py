"""The bounds of model.yaml, applied to what a conversion measured."""

from __future__ import annotations

from tasks.conversion.parity import Parity, rows_to_prove
from tasks.specs.conversion import FormatSpec
from tasks.values import Check, Outcome


def parity_checks(name: str, parity: Parity, limit: FormatSpec) -> list[Check]:
    """Every bound that the answers' kind has, for the format ``name``."""
    what, error = f"{name} {parity.output}".strip(), parity.mean_error
    checks = [
        Check(
            name=f"{what} parity",
            outcome=_outcome(
                error is not None and (limit.max_error is None or error <= limit.max_error)
            ),
            observed=shown(error),
            bound="finite" if limit.max_error is None else f"≤ {limit.max_error:g}",
            detail=(parity.fault or "an answer is not finite")
            if error is None
            else f"over {parity.rows} rows",
        )
    ]
    if error is None or parity.kind is None:
        return checks
    whole = limit.bounds(name)
    if parity.agreement is not None:
        checks.append(
            Check(
                name=f"{what} agreement",
                outcome=_outcome(parity.agreement >= whole.min_agreement),
                observed=percent(parity.agreement),
                bound=f"≥ {percent(whole.min_agreement)}",
                detail=_proof(parity, whole.min_agreement),
            )
        )
    if parity.group_agreement is not None:
        group = "value" if parity.kind == "values" else "class"
        checks.append(
            Check(
                name=f"{what} agreement of the worst {group}",
                outcome=_outcome(parity.group_agreement >= whole.min_class_agreement),
                observed=percent(parity.group_agreement),
                bound=f"≥ {percent(whole.min_class_agreement)}",
                detail=parity.group,
            )
        )
    for measure, value, bound, detail in (
        ("relative error", parity.relative_error, whole.max_relative_error, "of the worst output"),
        ("largest error", parity.row_error, whole.max_row_error, "of a single answer"),
        ("metric", parity.metric_loss, whole.max_metric_loss, "relative loss on labelled rows"),
    ):
        if value is not None:
            checks.append(
                Check(
                    name=f"{what} {measure}",
                    outcome=_outcome(value <= bound),
                    observed=shown(value),
                    bound=f"≤ {bound:g}",
                    detail=detail
                    if measure == "metric"
                    else f"{detail}, in its standard deviations",
                )
            )
    return checks


def shown(value: float | None) -> str:
    """A measure of a table."""
    return "not finite" if value is None else f"{value:.2g}"


def percent(share: float) -> str:
    """A share of a table; never rounded up to all."""
    return f"{100 * share:.4g} %"


def _proof(parity: Parity, bound: float) -> str:
    """What the rows prove, and whether that is what was asked for."""
    proven = parity.proven
    judged, unit = (parity.answers, "boxes") if parity.answers else (parity.rows, "rows")
    sentence = f"{judged} {unit} prove at least {100 * proven:.1f} % (95 % confidence)"
    if proven < bound <= (parity.agreement or 0.0):
        sentence += f", not the bound: that takes {rows_to_prove(bound)} {unit} that all agree"
    if parity.undecided:
        sentence += f"; in {percent(parity.undecided)} of the {unit} the original is undecided"
    return sentence


def _outcome(holds: bool) -> Outcome:
    return "pass" if holds else "fail"
