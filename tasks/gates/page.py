"""The gate's page: every metric beside the champion's and the baseline's. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasks.reports.figures import UNBROKEN, counted, rounded
from tasks.reports.figures import metric as told_metric
from tasks.reports.markdown import flowing, plain, table
from tasks.reports.pages import SIGNS
from tasks.values import Check, Verdict

ROWS = "rows"


def gate_page(
    model: str,
    verdict: Verdict,
    candidate: Mapping[str, float],
    champion: Mapping[str, float] | None,
    baseline: Mapping[str, float],
) -> str:
    """The verdict, the bounds, and the held-out split measured with all three models.

    Args:
        model: Its name.
        verdict: Of the gate. A check's name begins with its metric.
        candidate: Metrics on the held-out split.
        champion: Metrics of what serves, on the same split; None when nothing serves yet.
        baseline: Metrics of the scikit-learn baseline, on the same split.
    """
    parts = [
        f"# {SIGNS[verdict.outcome]} Gate of {model}: {verdict.outcome}",
        flowing(plain(_reason(verdict))),
    ]
    if verdict.checks:
        rows = [_judged(check, candidate) for check in verdict.checks]
        parts += ["## Bounds", table(("", "check", "candidate", "bound", "why"), rows, (2, 3))]
    gated = {_metric_of(check) for check in verdict.checks}
    names = sorted(
        {*candidate, *(champion or {}), *baseline} - {ROWS},
        key=lambda name: (name not in gated, name),
    )
    if names:
        parts += ["## Held-out split", _measured(names, candidate, champion, baseline)]
    if ROWS in candidate:
        parts.append(f"{candidate[ROWS]:,.0f} rows were learned from or held out.")
    if champion is None:
        parts.append("Nothing serves yet, so there is no champion to compare with.")
    return "\n\n".join(part for part in parts if part)


def _reason(verdict: Verdict) -> str:
    """The verdict's own words where they are short; the table has the figures."""
    wrong = [check.name for check in verdict.checks if check.outcome != "pass"]
    if not wrong:
        return verdict.reason
    count = counted(len(verdict.checks), "check")
    return f"{len(wrong)} of {count} did not pass: {', '.join(wrong)}."


def _judged(check: Check, candidate: Mapping[str, float]) -> tuple[str, ...]:
    name = _metric_of(check)
    return (
        SIGNS[check.outcome],
        plain(check.name),
        _cell(name, candidate),
        _bound(name, check.bound),
        rounded(plain(check.detail)),
    )


def _bound(name: str, bound: str) -> str:
    """A bound in the unit of the figure that it is compared with."""
    sign, _, value = bound.partition(" ")
    try:
        return f"{sign} {told_metric(name, float(value))}"
    except ValueError:
        return rounded(plain(bound))


def _measured(
    names: Sequence[str],
    candidate: Mapping[str, float],
    champion: Mapping[str, float] | None,
    baseline: Mapping[str, float],
) -> str:
    others = (
        {"baseline": baseline} if champion is None else {"champion": champion, "baseline": baseline}
    )
    rows = [
        (
            plain(name),
            *(_cell(name, side) for side in (candidate, *others.values())),
            *([_change(candidate.get(name), champion.get(name))] if champion is not None else []),
        )
        for name in names
    ]
    against = ["against champion"] if champion is not None else []
    header = ("metric", "candidate", *others, *against)
    return table(header, rows, numeric=range(1, len(header)))


def _cell(name: str, side: Mapping[str, float]) -> str:
    return told_metric(name, side[name]) if name in side else "–"


def _change(now: float | None, before: float | None) -> str:
    """How much a metric changed, in percent of what it was."""
    if now is None or before is None or not before:
        return "–"
    change = (now - before) / abs(before)
    return f"{change:+,.1%}".replace("%", f"{UNBROKEN}%")


def _metric_of(check: Check) -> str:
    return check.name.split(" ", 1)[0]
