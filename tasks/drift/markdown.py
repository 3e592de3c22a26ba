"""The report as markdown that a Prefect artifact shows as it stands."""

from __future__ import annotations

from tasks.drift.champion import Followed
from tasks.drift.report import SHOWN, ColumnDrift, DriftReport
from tasks.drift.together import Multivariate

_HEADLINE = {
    "pass": "No drift",
    "fail": "Drift",
    "inconclusive": "Not enough to tell",
    "error": "Could not be measured",
}


def markdown(report: DriftReport, title: str) -> str:
    """See :meth:`tasks.drift.report.DriftReport.to_markdown`."""
    lines = [f"# {_safe(title)}: {_HEADLINE[report.outcome]}", "", _safe(report.reason), ""]
    for column in [column for column in report.columns if column.drifted][:SHOWN]:
        lines += _column(column)
    if report.drifted and report.next_step:
        lines += [f"**What happens next.** {_safe(report.next_step)}", ""]
    learned = (
        "week-to-week variation learned from the reference"
        if report.variation == "learned"
        else "not calibrated for week-to-week variation: too few reference partitions"
    )
    lines += [
        f"Promise: {report.promise} ({learned}).",
        f"Reference: {_span(report.reference_partitions)}, {report.reference_rows:,} rows. "
        f"Current: {_span(report.current_partitions)}, {report.current_rows:,} rows.",
        "",
    ]
    if report.together is not None:
        lines += [_together(report.together), ""]
    if report.columns:
        lines += [
            "| column | drift | p (all columns) | PSI | JS | Wasserstein | strongest test |",
            "|---|---|---|---|---|---|---|",
            *[_row(column) for column in report.columns[:SHOWN]],
        ]
    if len(report.columns) > SHOWN:
        lines.append(f"\n{len(report.columns) - SHOWN} more columns are in the JSON report.")
    return "\n".join(lines) + "\n"


def _together(found: Multivariate) -> str:
    if found.outcome == "inconclusive":
        return "**Rows together:** too few to tell."
    kernel = "" if found.mmd_p is None else f", kernel test p = {found.mmd_p:.2g}"
    said = f"AUC {found.auc:.3f} (0.5: cannot be told apart), p = {found.p:.2g}{kernel}"
    if found.outcome != "fail":
        return f"**Rows together:** new rows look like the champion's. {said}."
    return (
        f"**Rows together:** new rows can be told from the champion's. {said}; "
        f"it rests on {_safe(found.led)}. This raises no alarm by itself: two ordinary weeks can "
        "be told apart too, if there are rows enough."
    )


def followed_page(title: str, found: Followed) -> str:
    """How the champion does on rows that it has not seen."""
    said = {**_HEADLINE, "pass": "As good as it was", "fail": "Not as good as it was"}
    lines = [f"# {_safe(title)}: {said[found.outcome]}", "", _safe(found.reason), ""]
    lines += [
        f"{found.labelled:,} rows with a label, {found.unlabelled:,} without.",
        "",
        "| what | outcome | evidence | alarm from | change | since |",
        "|---|---|--:|--:|--:|---|",
    ]
    for state in (found.bias, found.error):
        if state is not None:
            lines.append(
                f"| {state.subject} | {state.outcome} | {state.evidence:.3g} | {state.bound:.3g} "
                f"| {state.change:+.3g} | {_safe(state.since) or '–'} |"
            )
    if found.estimated is not None:
        guess = found.estimated
        lines += [
            "",
            f"Rows without a label: an error of {guess.error:.3g} is expected "
            f"({guess.low:.3g} to {guess.high:.3g}); held out it was {guess.labelled_error:.3g}. "
            f"For {guess.beyond:.0%} of them that is a guess.",
        ]
    return "\n".join(lines) + "\n"


def _column(column: ColumnDrift) -> list[str]:
    lines = [f"## {_safe(column.name)}: {column.meaning}", "", _safe(column.sentence)]
    if column.since:
        lines.append(f"Since **{_safe(column.since)}**.")
    if column.rows:
        condition = column.rows.replace("`", "'")
        lines.append(
            f"Look at `{condition}`: {column.current_share:.2%} of the rows, "
            f"{column.reference_share:.2%} before."
        )
    if column.picture:
        lines += ["", f"![grey: reference, orange: current]({column.picture})"]
    return [*lines, ""]


def _row(column: ColumnDrift) -> str:
    distance = column.effects.wasserstein
    cells = (
        _safe(column.name),
        "**yes**" if column.drifted else "no",
        f"{column.adjusted:.2g}",
        f"{column.effects.psi:.3f}",
        f"{column.effects.jensen_shannon:.3f}",
        "" if distance is None else f"{distance:.3f}",
        f"{column.test}, newest {column.window}" if column.window > 1 else column.test,
    )
    return "| " + " | ".join(cells) + " |"


def _span(names: tuple[str, ...]) -> str:
    if not names:
        return "unnamed"
    shown = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
    return f"{_safe(shown)} ({len(names)})"


def _safe(text: str) -> str:
    """Column names are data: nothing in them may become markup."""
    cleaned = " ".join(text.split())
    for sign in ("\\", "|", "<", ">", "[", "]", "`", "*", "_", "#", "!"):
        cleaned = cleaned.replace(sign, "\\" + sign)
    return cleaned
