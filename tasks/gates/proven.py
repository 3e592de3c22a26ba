"""Gates with a confidence: a bound must hold for the worse end of an interval. Pure."""

from __future__ import annotations

from dataclasses import replace

from tasks.gates.comparison import Comparison
from tasks.gates.finding import Finding
from tasks.gates.intervals import ConfidenceInterval
from tasks.values import Outcome


def proven(finding: Finding, comparison: Comparison | None, confidence: float) -> Finding:
    """A finding of point values, decided by an interval instead.

    The whole interval inside the bound passes, the whole outside fails; where the bound lies
    between its ends, nothing is shown.

    Args:
        finding: What the point values say.
        comparison: The held-out rows; None where the candidate saved no answers.
        confidence: Of the interval.
    """
    if finding.holds is None:
        return finding
    if comparison is None:
        why = f"confidence {confidence:g} asks for the candidate's answers, and it saved none"
        return replace(finding, outcome="error", why=why)
    if finding.rival and finding.rival not in comparison.evidence.sides:
        why = comparison.evidence.missing.get(
            finding.rival, f"the {finding.rival} saved no answers"
        )
        return replace(finding, why=f"{why}: point values compared")
    if comparison.too_few:
        return replace(finding, outcome="inconclusive", why=comparison.too_few)
    if finding.rival:
        interval = comparison.difference(finding.metric, finding.rival, confidence)
        bound = finding.margin
    else:
        interval = comparison.value(finding.metric, confidence)
        bound = finding.bound
    outcome = against(interval, bound, finding.sign)
    return replace(finding, outcome=outcome, interval=interval, why=_why(interval))


def against(interval: ConfidenceInterval, bound: float, sign: str) -> Outcome:
    """Where an interval lies: inside a bound, outside, or across it."""
    if not interval.known:
        return "inconclusive"
    worst, best = (interval.low, interval.high) if sign == "≥" else (-interval.high, -interval.low)
    limit = bound if sign == "≥" else -bound
    if worst >= limit:
        return "pass"
    return "fail" if best < limit else "inconclusive"


def _why(interval: ConfidenceInterval) -> str:
    if not interval.known:
        return "a resample has no finite value: the rows are too few or too alike"
    return interval.method
