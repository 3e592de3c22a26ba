"""The report as Markdown (for the run) and as one HTML page that needs no network."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tasks.contracts.curate import CurationPlan, Folded
    from tasks.contracts.labelling import Labelled
    from tasks.contracts.report import ContractCheck, ContractReport

SHOWN = 10
SIGNS = {"pass": "✔", "fail": "✘", "error": "⚠", "inconclusive": "?"}
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2rem auto;padding:0 1rem;"
    "color:#1b1f24}table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{text-align:left;"
    "padding:.35rem .6rem;border-bottom:1px solid #d8dee4;vertical-align:top}th{background:#f6f8fa}"
    "code{background:#f6f8fa;padding:.1rem .3rem;overflow-wrap:anywhere}.pass{color:#1a7f37}"
    ".fail{color:#b42318}.error{color:#9a6700}.inconclusive{color:#57606a}"
    ".num{text-align:right;font-variant-numeric:tabular-nums}"
)


def _visible(text: str) -> str:
    """Signs that move, colour or hide what stands beside them, as their escapes."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def _safe(text: str) -> str:
    return escape(_visible(text))


def _cell(text: str) -> str:
    """Text inside a Markdown table cell: table cells are Markdown, and ``|`` ends them."""
    plain = _visible(" ".join(text.split()))
    for sign in "\\`*_[]<>|#":
        plain = plain.replace(sign, f"\\{sign}" if sign not in "<>" else {"<": "‹", ">": "›"}[sign])
    return plain or "–"


def _telling(report: ContractReport) -> list[ContractCheck]:
    """Checks that did not pass, the most telling first."""
    order = {"error": 0, "fail": 1, "inconclusive": 2}
    found = [check for check in report.checks if check.outcome != "pass"]
    return sorted(found, key=lambda check: (order[check.outcome], -check.failed, check.id))


def markdown(report: ContractReport) -> str:
    """A Prefect artifact: verdict first, then counts, then what failed with examples."""
    lines = [
        f"## {SIGNS[report.outcome]} {report.dataset}: {report.outcome}",
        "",
        _cell(report.reason),
        "",
        "| rows in | good | quarantined | share | limit | objects | unreadable | contract |",
        "|--:|--:|--:|--:|--:|--:|--:|:--|",
        f"| {report.rows_in:,} | {report.rows_good:,} | {report.rows_quarantined:,} "
        f"| {report.quarantined_share:.2%} | {report.quarantine_limit:.2%} "
        f"| {report.objects_in:,} | {report.unreadable_count:,} "
        f"| {_cell(report.contract)} {report.contract_version} |",
    ]
    telling = _telling(report)
    if telling:
        lines += ["", "| | check | rule | observed | bound | examples |", "|--|--|--|--:|--:|--|"]
    for check in telling[:SHOWN]:
        shown = ", ".join(f"{_cell(item.value)} (row {item.row})" for item in check.examples)
        observed = check.detail or check.observed
        sign = "ℹ" if check.severity == "warning" else SIGNS[check.outcome]
        lines.append(
            f"| {sign} | {_cell(check.id)} | {_cell(check.rule)} | {_cell(observed)} "
            f"| {_cell(check.bound)} | {shown or '–'} |"
        )
    if len(telling) > SHOWN:
        lines += ["", f"{len(telling) - SHOWN} more in the full report."]
    passed = sum(check.outcome == "pass" for check in report.checks)
    lines += ["", f"{passed} of {len(report.checks)} checks found nothing."]
    if report.unreadable:
        lines += ["", "**Objects that cannot be read**", ""]
        lines += [f"- {_cell(item.why)}" for item in report.unreadable[:SHOWN]]
    if report.notices:
        lines += ["", "**Notices**", "", *(f"- {_cell(item)}" for item in report.notices[:SHOWN])]
    if report.addresses:
        lines += ["", "**In S3**", ""]
        lines += [f"- {name}: `{where}`" for name, where in sorted(report.addresses.items())]
    return "\n".join(lines) + "\n"


def _row(cells: list[tuple[str, str]], tag: str = "td") -> str:
    inner = "".join(f'<{tag} class="{kind}">{text}</{tag}>' for text, kind in cells)
    return f"<tr>{inner}</tr>"


def _check_row(check: ContractCheck) -> str:
    examples = "<br>".join(
        f"<code>{_safe(item.value)}</code> {_safe(item.source)}, row {item.row}"
        for item in check.examples
    )
    told = check.outcome if check.severity == "error" else f"{check.outcome} (warning)"
    return _row(
        [
            (told, check.outcome),
            (f"<code>{escape(check.id)}</code>", ""),
            (escape(check.rule), ""),
            (_safe(check.detail or check.observed), "num"),
            (escape(check.bound), "num"),
            (examples, ""),
        ]
    )


def html(report: ContractReport) -> str:
    """The whole report on one page: no script, no font, no address is loaded."""
    counts = {
        "rows in": f"{report.rows_in:,}",
        "good": f"{report.rows_good:,}",
        "quarantined": f"{report.rows_quarantined:,} ({report.quarantined_share:.2%})",
        "limit": f"{report.quarantine_limit:.2%}",
        "objects": f"{report.objects_in:,}",
        "unreadable": f"{report.unreadable_count:,}",
        "contract": f"{report.contract} {report.contract_version}",
        "snapshot": report.snapshot[:16],
    }
    failing = _telling(report)
    passing = [check for check in report.checks if check.outcome == "pass"]
    head = [(name, "") for name in ("outcome", "check", "rule", "observed", "bound", "examples")]
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
        f"<h2>Checks</h2><table>{_row(head, 'th')}"
        f"{''.join(_check_row(check) for check in [*failing, *passing])}</table>{lists}"
        "</body></html>\n"
    )


def curated_page(dataset: str, chosen: CurationPlan, report: ContractReport, folded: Folded) -> str:
    """What became of every raw row that was looked at."""
    told = (
        ("rows in", report.rows_in, f"from {report.objects_in:,} raw objects: {chosen.reason}"),
        ("quarantined", report.rows_quarantined, report.addresses.get("quarantine", "")),
        ("new records", folded.rows_new, "seen for the first time"),
        (
            "updated records",
            folded.rows_superseding,
            "a later version took the earlier one's place",
        ),
        ("superseded rows", folded.rows_superseded, "older than, or the same as, what is there"),
    )
    lines = [
        f"## {_cell(dataset)}: {folded.rows_new:,} new, {folded.rows_superseding:,} updated",
        "",
        "| what | rows | |",
        "|---|--:|---|",
        *(f"| {name} | {rows:,} | {_cell(why)} |" for name, rows, why in told),
        "",
        f"{len(folded.partitions):,} partitions were looked at; "
        + ("everything was built anew." if chosen.rebuild else "the others were left alone."),
    ]
    return "\n".join(lines) + "\n"


def labelled_page(dataset: str, prefix: str, found: Labelled) -> str:
    """How many records have an outcome, and where they lie."""
    lines = [
        f"## Training data of {_cell(dataset)}",
        "",
        "| what | rows | where |",
        "|---|--:|---|",
        f"| records with an outcome | {found.labelled:,} | `{prefix}labeled/` |",
        f"| records without one (yet) | {found.unlabelled:,} | `{prefix}unlabeled/` |",
        f"| outcomes of no known record | {found.orphans:,} | kept; a late record finds its own |",
    ]
    return "\n".join(lines) + "\n"
