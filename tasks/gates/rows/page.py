"""The page of the rows: what was looked at, what was found, which rows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasks.gates.rows.finding import NOT_CHECKED, Level, RowFinding
from tasks.reports.markdown import flowing, plain, table
from tasks.values import Verdict

ROW_SIGNS: Mapping[Level, str] = {"pass": "✔", "warn": "⚠", "fail": "✘", "unknown": "–"}
SUMMED: Mapping[Level, str] = {
    "fail": "failed",
    "warn": "warned of",
    "pass": "passed",
    "unknown": NOT_CHECKED,
}


def rows_page(
    model: str, verdict: Verdict, found: Sequence[RowFinding], training: int, holdout: int
) -> str:
    """The verdict, a row for each check, and what to do about those that did not pass.

    Args:
        model: Its name.
        verdict: Of the rows.
        found: What it was made of.
        training: Labelled rows to learn from.
        holdout: Labelled rows that are held out.
    """
    parts = [
        f"# {ROW_SIGNS['fail' if verdict.outcome == 'fail' else 'pass']} Rows of {model}: "
        f"{verdict.outcome}",
        f"{training:,} labelled rows to learn from, {holdout:,} held out. {_summed(found)}",
    ]
    if found:
        cells = [
            (
                ROW_SIGNS[finding.level],
                plain(finding.name),
                plain(finding.value),
                plain(finding.bound),
                plain(
                    f"{NOT_CHECKED}: {finding.why}" if finding.level == "unknown" else finding.why
                ),
            )
            for finding in found
        ]
        parts.append(table(("", "check", "found", "bound", "why"), cells))
    parts += [
        flowing(f"**{plain(finding.name)}**: {plain(finding.advice)}.")
        for finding in found
        if finding.level in {"warn", "fail"} and finding.advice
    ]
    named = [
        (plain(finding.name), "<br>".join(plain(example) for example in finding.examples))
        for finding in found
        if finding.examples
    ]
    if named:
        parts += ["## Rows to look at", table(("check", "rows, by their key"), named)]
    return "\n\n".join(parts)


def _summed(found: Sequence[RowFinding]) -> str:
    counts = {level: sum(one.level == level for one in found) for level in SUMMED}
    told = [f"{counts[level]} {word}" for level, word in SUMMED.items() if counts[level]]
    return f"Checks: {', '.join(told)}." if told else "model.yaml switches every check off."
