"""The report as Markdown (for the run) and as one HTML page that needs no network."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from tasks.contracts.reports.report import ContractCheck, ContractReport
from tasks.reports.figures import counted
from tasks.reports.figures import percent as told_share
from tasks.reports.links import shortened
from tasks.reports.markdown import flowing, plain, table
from tasks.reports.pages import SIGNS

if TYPE_CHECKING:
    from tasks.contracts.curation.curate import CurationPlan, Folded
    from tasks.contracts.curation.labelling import Labelled

SHOWN, FEW = 10, 3
VALUE, SENTENCE = 48, 240
"""Longest example, and longest sentence, in signs; the full report has them whole."""
PLACES = {
    "page": "this report with every check",
    "quarantine": "rows set aside, with reasons",
    "docs": "Great Expectations' Data Docs",
    "good": "rows that went on",
    "manifest": "list of those rows' files",
    "report": "this report as JSON",
}
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:1320px;margin:2rem auto;padding:0 1rem;"
    "color:#1b1f24}table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{text-align:left;"
    "padding:.35rem .6rem;border-bottom:1px solid #d8dee4;vertical-align:top}th{background:#f6f8fa;"
    "white-space:nowrap}.checks{table-layout:fixed}.checks th:nth-child(1){width:6.5rem}"
    ".checks th:nth-child(2){width:34%}.checks th:nth-child(3){width:13%}"
    ".checks th:nth-child(4){width:16%}td,li,p,h1{overflow-wrap:break-word}"
    "code{background:#f6f8fa;padding:.1rem .3rem;overflow-wrap:anywhere}.source{color:#57606a}"
    ".pass{color:#1a7f37}.fail{color:#b42318}.error{color:#9a6700}.inconclusive{color:#57606a}"
    ".num{font-variant-numeric:tabular-nums}"
)


def _visible(text: str) -> str:
    """Signs that move, colour or hide what stands beside them, as their escapes."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def _safe(text: str) -> str:
    return escape(_visible(text))


def _telling(report: ContractReport) -> list[ContractCheck]:
    """Checks that did not pass, the most telling first."""
    order = {"error": 0, "fail": 1, "inconclusive": 2}
    checks = [check for check in report.checks if check.outcome != "pass"]
    return sorted(checks, key=lambda check: (order[check.outcome], -check.failed, check.id))


def markdown(report: ContractReport) -> str:
    """A Prefect artifact: verdict first, then counts, then what failed with examples."""
    parts = [
        f"## {SIGNS[report.outcome]} {plain(report.dataset)}: {report.outcome}",
        flowing(plain(report.reason)),
        table(
            ("rows in", "good", "quarantined", "share", "limit"),
            [_counts(report)],
            numeric=range(5),
        ),
        f"{counted(report.objects_in, 'object')} of the lake, {report.unreadable_count:,} of them "
        f"unreadable, against contract {plain(report.contract)} {plain(report.contract_version)}.",
    ]
    telling = _telling(report)
    if telling:
        header = ("", "check", "observed", "bound", "examples")
        parts.append(table(header, [_check_cells(check) for check in telling[:SHOWN]]))
    if len(telling) > SHOWN:
        parts.append(f"{len(telling) - SHOWN} more in the full report.")
    passed = sum(check.outcome == "pass" for check in report.checks)
    parts.append(f"{passed} of {counted(len(report.checks), 'check')} found nothing.")
    for title, items in (
        ("Objects that cannot be read", [item.why for item in report.unreadable]),
        ("Notices", list(report.notices)),
    ):
        if items:
            shown = [f"- {flowing(plain(shortened(item, SENTENCE)))}" for item in items[:SHOWN]]
            parts += [f"**{title}**", "\n".join(shown)]
            if len(items) > SHOWN:
                parts.append(f"{len(items) - SHOWN} more in the full report.")
    if report.addresses:
        rows = [(PLACES.get(name, name), f"`{report.addresses[name]}`") for name in _order(report)]
        parts.append(table(("what", "where"), rows))
    return "\n\n".join(parts) + "\n"


def _counts(report: ContractReport) -> list[str]:
    counts = (report.rows_in, report.rows_good, report.rows_quarantined)
    shares = (report.quarantined_share, report.quarantine_limit)
    return [*(f"{count:,}" for count in counts), *map(told_share, shares)]


def _check_cells(check: ContractCheck) -> tuple[str, ...]:
    shown = [
        f"{plain(shortened(item.value, VALUE))} (row {item.row:,})" for item in check.examples[:FEW]
    ]
    return (
        "ℹ" if check.severity == "warning" else SIGNS[check.outcome],
        f"**{plain(check.id)}**<br>{plain(shortened(check.rule, SENTENCE))}",
        plain(shortened(check.detail or check.observed, SENTENCE)),
        plain(shortened(check.bound, SENTENCE)),
        "<br>".join(shown) or "–",
    )


def _order(report: ContractReport) -> list[str]:
    """Names of the addresses, what a person opens first."""
    known = list(PLACES)
    return sorted(report.addresses, key=lambda name: ([*known, name]).index(name))


def _row(cells: list[tuple[str, str]], tag: str = "td") -> str:
    inner = "".join(f'<{tag} class="{kind}">{text}</{tag}>' for text, kind in cells)
    return f"<tr>{inner}</tr>"


def _check_row(check: ContractCheck) -> str:
    outcome = check.outcome if check.severity == "error" else f"{check.outcome} (warning)"
    return _row(
        [
            (outcome, check.outcome),
            (f"<code>{escape(check.id)}</code><br>{_safe(check.rule)}", ""),
            (_safe(check.detail or check.observed), "num"),
            (_safe(check.bound), "num"),
            (_examples(check), ""),
        ]
    )


def _examples(check: ContractCheck) -> str:
    """Values with their rows; the object that they stand in is named once."""
    parts, source = [], ""
    for item in check.examples:
        if item.source != source:
            source = item.source
            parts.append(f'<span class="source">{_safe(source)}</span>')
        parts.append(f"<code>{_safe(item.value)}</code> row {item.row:,}")
    return "<br>".join(parts)


def html(report: ContractReport) -> str:
    """The whole report on one page: no script, no font, no address is loaded."""
    counts = {
        "rows in": f"{report.rows_in:,}",
        "good": f"{report.rows_good:,}",
        "quarantined": f"{report.rows_quarantined:,} ({told_share(report.quarantined_share)})",
        "limit": told_share(report.quarantine_limit),
        "objects": f"{report.objects_in:,}",
        "unreadable": f"{report.unreadable_count:,}",
        "contract": f"{report.contract} {report.contract_version}",
        "snapshot": report.snapshot[:16],
    }
    failing = _telling(report)
    passing = [check for check in report.checks if check.outcome == "pass"]
    head = [(name, "") for name in ("outcome", "check", "observed", "bound", "examples")]
    lists = "".join(
        f"<h2>{title}</h2><ul>{''.join(f'<li>{_safe(item)}</li>' for item in items)}</ul>"
        for title, items in (
            ("Objects that cannot be read", [item.why for item in report.unreadable]),
            ("Notices", list(report.notices)),
        )
        if items
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(report.dataset)}: {report.outcome}</title><style>{STYLE}</style></head>"
        f'<body><h1>{escape(report.dataset)}: <span class="{report.outcome}">{report.outcome}'
        f"</span></h1><p>{escape(report.reason)}</p><table>"
        f"{_row([(name, '') for name in counts], 'th')}"
        f"{_row([(escape(value), '') for value in counts.values()])}</table>"
        f'<h2>Checks</h2><table class="checks">{_row(head, "th")}'
        f"{''.join(_check_row(check) for check in [*failing, *passing])}</table>{lists}"
        "</body></html>\n"
    )


def curated_page(dataset: str, chosen: CurationPlan, report: ContractReport, folded: Folded) -> str:
    """What became of every raw row that was looked at."""
    aside = report.addresses.get("quarantine", "")
    raw = counted(report.objects_in, "raw object")
    rows = (
        ("rows in", f"{report.rows_in:,}", f"from {raw}: {plain(chosen.reason)}"),
        ("quarantined", f"{report.rows_quarantined:,}", f"`{aside}`" if aside else ""),
        ("new records", f"{folded.rows_new:,}", "seen for the first time"),
        (
            "updated records",
            f"{folded.rows_superseding:,}",
            "a later version took the earlier one's place",
        ),
        (
            "superseded rows",
            f"{folded.rows_superseded:,}",
            "older than, or the same as, what is there",
        ),
    )
    parts = (
        f"## {plain(dataset)}: {folded.rows_new:,} new, {folded.rows_superseding:,} updated",
        table(("what", "rows", "why"), rows, numeric=(1,)),
        f"{counted(len(folded.partitions), 'partition')} looked at; "
        + ("everything was built anew." if chosen.rebuild else "the others were left alone."),
    )
    return "\n\n".join(parts) + "\n"


def labelled_page(dataset: str, prefix: str, counts: Labelled) -> str:
    """How many records have an outcome, and where they lie.

    Args:
        dataset: Of the records.
        prefix: Address of their training data, ``s3://…/``.
        counts: What was counted.
    """
    rows = (
        ("records with an outcome", f"{counts.labelled:,}", f"`{prefix}labeled/`"),
        ("records without one (yet)", f"{counts.unlabelled:,}", f"`{prefix}unlabeled/`"),
        ("outcomes of no known record", f"{counts.orphans:,}", "kept; a late record finds its own"),
    )
    parts = (
        f"## Training data of {plain(dataset)}",
        table(("what", "rows", "where"), rows, numeric=(1,)),
    )
    return "\n\n".join(parts) + "\n"
