"""The report as markdown that a Prefect artifact shows as it stands."""

from __future__ import annotations

from tasks.drift.comparison.together import Multivariate
from tasks.drift.quality.champion import Followed
from tasks.drift.reports.report import SHOWN, ColumnDrift, DriftReport
from tasks.reports.figures import number, percent
from tasks.reports.links import shortened
from tasks.reports.markdown import flowing, plain, table
from tasks.reports.pages import SIGNS

SMALLEST = 1e-4
PICTURES, NAME = 8, 48
"""Drifted columns that are drawn; the rest stand in the table. Longest name that is shown whole."""
_HEADLINE = {
    "pass": "No drift",
    "fail": "Drift",
    "inconclusive": "Not enough to tell",
    "error": "Could not be measured",
}


def markdown(report: DriftReport, title: str = "Drift") -> str:
    """The whole page: headline, promise, drifted columns with pictures, the table."""
    drifted = [column for column in report.columns if column.drifted]
    extent = f" in {len(drifted)} of {len(report.columns)} columns" if drifted else ""
    parts = [
        f"# {SIGNS[report.outcome]} {_HEADLINE[report.outcome]}{extent}",
        f"**{plain(title)}**",
        flowing(plain(report.reason)),
    ]
    if drifted and report.next_step:
        parts.append(f"**What happens next.** {plain(report.next_step)}")
    if report.followed:
        names = ", ".join(plain(shortened(name, NAME)) for name in report.followed[:PICTURES])
        parts.append(f"**Told before, and going on as it was told:** {names}.")
    for column in drifted[:PICTURES]:
        parts += _column(column)
    if report.columns:
        parts += ["## Columns", _columns(report)]
    if len(report.columns) > SHOWN:
        parts.append(f"{len(report.columns) - SHOWN} more columns are in the JSON report.")
    if report.together is not None:
        parts.append(_together(report.together))
    learned = (
        "week-to-week variation learned from the reference"
        if report.variation == "learned"
        else "not calibrated for week-to-week variation: one reference partition"
    )
    parts += [
        f"Promise: {report.promise} ({learned}).",
        *([flowing(plain(report.known))] if report.known else []),
        f"Reference: {_span(report.reference_partitions)}, {report.reference_rows:,} rows. "
        f"Current: {_span(report.current_partitions)}, {report.current_rows:,} rows.",
    ]
    return "\n\n".join(parts) + "\n"


def _together(comparison: Multivariate) -> str:
    if comparison.outcome == "inconclusive":
        return "**Rows together:** too few to tell."
    kernel = "" if comparison.mmd_p is None else f", kernel test p = {comparison.mmd_p:.2g}"
    evidence = (
        f"AUC {comparison.auc:.3f} (0.5: cannot be told apart), p = {comparison.p:.2g}{kernel}"
    )
    if comparison.outcome != "fail":
        return f"**Rows together:** new rows look like the champion's. {evidence}."
    return (
        f"**Rows together:** new rows can be told from the champion's. {evidence}; "
        f"it rests on {plain(comparison.led)}. This raises no alarm by itself: two ordinary weeks "
        "can be told apart too, if there are rows enough."
    )


def followed_page(title: str, followed: Followed) -> str:
    """How the champion does on rows that it has not seen."""
    headlines = {**_HEADLINE, "pass": "As good as it was", "fail": "Not as good as it was"}
    sign = SIGNS[followed.outcome]
    parts = [
        f"# {sign} {headlines[followed.outcome]}",
        f"**{plain(title)}**",
        flowing(plain(followed.reason)),
        f"{followed.labelled:,} rows with a label, {followed.unlabelled:,} without.",
    ]
    states = [state for state in (followed.bias, followed.error) if state is not None]
    if states:
        rows = [
            (
                plain(state.subject),
                state.outcome,
                *(number(state.evidence, 3), number(state.bound, 3), _signed(state.change)),
                plain(state.since),
            )
            for state in states
        ]
        header = ("what", "outcome", "evidence", "alarm from", "change", "since")
        parts.append(table(header, rows, numeric=(2, 3, 4)))
    if followed.estimated is not None:
        guess = followed.estimated
        parts.append(
            f"Rows without a label: an error of {number(guess.error, 3)} is expected "
            f"({number(guess.low, 3)} to {number(guess.high, 3)}); held out it was "
            f"{number(guess.labelled_error, 3)}. For {guess.beyond:.0%} of them that is a guess."
        )
    return "\n\n".join(parts) + "\n"


def _signed(value: float) -> str:
    return f"+{number(value, 3)}" if value > 0 else number(value, 3)


def _column(column: ColumnDrift) -> list[str]:
    sentences = [flowing(plain(column.sentence))]
    if column.since:
        sentences.append(f"Since **{plain(column.since)}**.")
    if column.rows:
        condition = shortened(column.rows.replace("`", "'"), 2 * NAME)
        sentences.append(
            f"Look at `{condition}`: {percent(column.current_share)} of the rows, "
            f"{percent(column.reference_share)} before."
        )
    parts = [f"## {plain(shortened(column.name, NAME))}: {column.meaning}", " ".join(sentences)]
    if column.picture:
        parts.append(f"![grey: champion's data, orange: new rows]({column.picture})")
    return parts


def _columns(report: DriftReport) -> str:
    """Strength of the evidence first; effect sizes beside it."""
    rows = [
        (
            plain(shortened(column.name, NAME)),
            f"**{column.meaning or 'yes'}**"
            if column.drifted
            else f"no (below {plain(column.set_aside)})"
            if column.set_aside
            else "no",
            _p(column.adjusted),
            f"{column.effects.psi:.3f}",
            f"{column.effects.jensen_shannon:.3f}",
            "–" if column.effects.wasserstein is None else number(column.effects.wasserstein, 3),
            f"{column.test}, newest {column.window}" if column.window > 1 else column.test,
        )
        for column in report.columns[:SHOWN]
    ]
    header = (
        *("column", "drift", "p (all columns)", "PSI", "JS", "Wasserstein"),
        "strongest test",
    )
    return table(header, rows, numeric=(2, 3, 4, 5))


def _p(value: float) -> str:
    """A p-value: what is smaller than anybody can tell apart is told as that."""
    return "< 0.0001" if value < SMALLEST else number(value, 2)


def _span(names: tuple[str, ...]) -> str:
    if not names:
        return "unnamed"
    shown = names[0] if len(names) == 1 else f"{names[0]} … {names[-1]}"
    return f"{plain(shown)} ({len(names)})"
