"""The gate's page: every bound with its interval, and every metric beside the champion's. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from tasks.gates.evidence import Evidence
from tasks.gates.finding import Finding
from tasks.gates.intervals import ConfidenceInterval
from tasks.gates.picture import confusions, forest, reliability
from tasks.reports.chart import image
from tasks.reports.figures import UNBROKEN, counted, percent, rounded
from tasks.reports.figures import metric as told_metric
from tasks.reports.markdown import flowing, plain, table
from tasks.reports.pages import SIGNS
from tasks.values import Check, Verdict

ROWS = "rows"
MOST_CLASSES = 8
"""Classes up to which the table of confusions fits the page."""


def gate_page(
    model: str,
    verdict: Verdict,
    found: Sequence[Finding],
    candidate: Mapping[str, float],
    champion: Mapping[str, float] | None,
    baseline: Mapping[str, float],
    evidence: Evidence | None = None,
    behaved: Sequence[Finding] = (),
    looked_at: Mapping[str, Sequence[Check]] = MappingProxyType({}),
) -> str:
    """The verdict, the bounds, and the held-out split measured with all three models.

    Args:
        model: Its name.
        verdict: Of the gate.
        found: What it was made of.
        candidate: Metrics on the held-out split.
        champion: Metrics of what serves, on the same split; None when nothing serves yet.
        baseline: Metrics of the scikit-learn baseline, on the same split.
        evidence: Answers on the held-out rows; None where none were saved.
        behaved: How answers behave when rows are changed.
        looked_at: What else was looked at, by the title of its table.
    """
    parts = [
        f"# {SIGNS[verdict.outcome]} Gate of {model}: {verdict.outcome}",
        flowing(plain(_reason(verdict))),
    ]
    if found:
        parts += ["## Bounds", _bounds(found), _drawn(forest(found), "differences with margins")]
    if behaved:
        parts += ["## Behaviour on changed rows", _behaviour(behaved)]
    for title, checks in looked_at.items():
        rows = [
            (
                SIGNS[check.outcome],
                check.name,
                plain(check.observed),
                check.bound,
                plain(check.detail),
            )
            for check in checks
        ]
        parts += [f"## {title}", table(("", "tried", "found", "bound", ""), rows, (2, 3))]
    gated = {finding.metric for finding in found}
    names = sorted(
        {*candidate, *(champion or {}), *baseline} - {ROWS},
        key=lambda name: (name not in gated, name),
    )
    if names:
        parts += ["## Held-out split", _measured(names, candidate, champion, baseline)]
    if evidence is not None:
        parts += [_drawn(reliability(evidence), "share of yeses by chance"), _confused(evidence)]
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


def _bounds(found: Sequence[Finding]) -> str:
    """One row a comparison; columns that no row fills are left out.

    A slice that passes because nothing was shown bears a dash and no tick.
    """
    rows = [
        {
            "": SIGNS[finding.outcome] if finding.shown else "–",
            "gate": plain(finding.metric + (f" vs {finding.rival}" if finding.rival else "")),
            "slice": plain(finding.part) if finding.part else "",
            "candidate": _told(finding.metric, finding.value),
            "bound": _bound(finding),
            "interval": _interval(finding),
            "against": _told(finding.metric, finding.reference) if finding.rival else "",
            "why": rounded(plain(finding.why)),
        }
        for finding in found
    ]
    shown = [name for name in rows[0] if name == "" or any(row[name] for row in rows)]
    numeric = [shown.index(name) for name in ("candidate", "bound", "against") if name in shown]
    return table(shown, [[row[name] for name in shown] for row in rows], numeric)


def _behaviour(found: Sequence[Finding]) -> str:
    """One row a rule: the share of rows that behave as expected."""
    rows = [
        (
            SIGNS[finding.outcome],
            plain(finding.metric),
            "–" if finding.value is None else percent(finding.value),
            f"{finding.sign} {percent(finding.bound)}" if finding.sign else "–",
            _shares(finding.interval),
            plain(finding.why),
        )
        for finding in found
    ]
    return table(("", "rule", "behave so", "bound", "interval", "of"), rows, (2, 3))


def _shares(interval: ConfidenceInterval | None) -> str:
    return "" if interval is None else f"{percent(interval.low)} to {percent(interval.high)}"


def _bound(finding: Finding) -> str:
    """In the metric's unit; beside the interval of a difference, the worst difference."""
    if not finding.sign:
        return "a finite number" if finding.outcome == "error" else "–"
    if finding.interval is None or not finding.rival:
        return f"{finding.sign} {told_metric(finding.metric, finding.bound)}"
    return f"{finding.sign} {_signed(finding.metric, finding.margin)}"


def _interval(finding: Finding) -> str:
    interval, name = finding.interval, finding.metric
    if interval is None or not interval.known:
        return ""
    if finding.rival:
        return f"{_signed(name, interval.low)} to {_signed(name, interval.high)}"
    return f"{told_metric(name, interval.low)} to {told_metric(name, interval.high)}"


def _signed(name: str, value: float) -> str:
    """A difference: with its sign."""
    return f"{'+' if value > 0 else ''}{told_metric(name, value)}"


def _told(name: str, value: float | None) -> str:
    return "–" if value is None else told_metric(name, value)


def _drawn(svg: str, alternative: str) -> str:
    return image(svg, alternative) if svg else ""


def _confused(evidence: Evidence) -> str:
    """Rows by their class and the class that the candidate answered."""
    names, cells = confusions(evidence, MOST_CLASSES)
    if not names:
        return ""
    rows = [
        (plain(name), *(f"{count:,}" for count in row))
        for name, row in zip(names, cells, strict=True)
    ]
    header = ("rows of ↓ answered as →", *(plain(name) for name in names))
    return table(header, rows, range(1, len(header)))


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
