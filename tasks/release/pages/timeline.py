"""A release as people see it: one page that can be read in ten seconds. Pure."""

from __future__ import annotations

import math

from tasks.clock import pace
from tasks.release.journal.record import Journal
from tasks.release.machine.undoing import reason
from tasks.release.pages import charts, lines, summary
from tasks.release.pages.unprotected import unprotected
from tasks.reports.pages import table

SIGNS = {"done": "✔", "rolled_back": "↩", "mismatch": "❄"}


def page(journal: Journal) -> str:
    """The whole page: decision, charts, figures, what undoes it, what remains, the journal."""
    parts = [
        f"# {SIGNS.get(journal.phase, '▸')} {_title(journal)}",
        f"**{decision(journal)}**",
    ]
    if journal.recovery and journal.phase == "mismatch":
        parts.append(f"**Next:** {journal.recovery}")
    question = journal.waiting_for
    if question and not journal.ended:
        until = lines.clock(journal.approvals[question].until)
        parts.append(f"**A person must answer ({question}) by {until}; no answer means no.**")
    parts += charts.drawn(journal)
    parts.append(table(("what", "value"), _facts(journal)))
    if journal.marks.get("logs"):
        quoted = "\n".join(f"    {line}" for line in journal.marks["logs"].splitlines())
        parts += ["## What the candidate's containers wrote last", quoted]
    if remaining := unprotected(journal):
        parts += [
            "## What this release does not protect from",
            "\n".join(f"- {sentence}" for sentence in remaining),
        ]
    parts += ["## Journal", lines.shown(journal.entries)]
    return "\n\n".join(parts)


def decision(journal: Journal) -> str:
    """Where the release stands and why, in one sentence."""
    if journal.ended:
        return journal.verdict
    if journal.phase == "rolling_back":
        return f"{_going_back(journal)} {reason(journal)}"
    where = {
        "planned": "Nothing has been changed yet.",
        "shadow": "The candidate answers a copy of the traffic; users see the stable version only.",
        "bring_up": "The candidate is being brought up; it has no traffic.",
        "health_check": "The candidate is up and is being asked; it has no traffic.",
        "canary": f"The candidate has {journal.share:.0%} of the traffic.",
        "promoting": "The candidate is proven not worse and is being promoted.",
        "watching": f"The candidate has {journal.share:.0%}; the old version is its control.",
        "retiring": "The old version is being retired.",
    }[journal.phase]
    return f"{where} {journal.ruling.reason if journal.ruling else ''}".strip()


def _going_back(journal: Journal) -> str:
    if journal.stable is None:
        return "The first version is being taken down."
    return f"{journal.stable.version} is being put back."


def _title(journal: Journal) -> str:
    version = journal.candidate.version
    word = {"done": "released", "rolled_back": "rolled back", "mismatch": "frozen"}
    return f"{journal.model} {version}: {word.get(journal.phase, journal.phase.replace('_', ' '))}"


def _facts(journal: Journal) -> list[tuple[str, object]]:
    requests, errors = journal.answered
    answered = sum(point.candidate.requests for point in journal.timeline)
    unknown = f", {answered - requests:,} unknown" if answered > requests else ""
    share = 1.0 if journal.phase == "done" else journal.share
    if journal.phase == "rolled_back":
        share = 0.0
    return [
        ("previous version", _previous(journal)),
        ("to undo", _undo(journal)),
        ("asked for by", f"{journal.actor}: {journal.reason}"),
        ("strategy", journal.strategy),
        ("share of the candidate", f"{share:.0%}"),
        ("answered by the candidate", f"{answered:,} requests, {errors:,} of them errors{unknown}"),
        ("since", lines.clock(journal.started)),
        ("lasted", _lasted(journal)),
        ("release", f"`{journal.release_id}`"),
        ("owner", f"`{journal.owner}`"),
    ]


def _previous(journal: Journal) -> str:
    if journal.stable is None:
        return "none: this is the first version"
    serves = ", which serves again" if journal.phase == "rolled_back" else ""
    return f"{journal.stable.version}{serves}"


def _undo(journal: Journal) -> str:
    model, stable = journal.model, journal.stable
    if journal.phase == "rolled_back":
        bad = journal.candidate.version
        return f"nothing is left of it; to try it again: release/manual, model {model}, {bad}"
    if not journal.ended:
        return (
            f"**Deployments → rollback/manual → Run → Custom run**, model `{model}`: it takes "
            "this release over at once and puts the previous version back"
        )
    return summary.undo(model, stable.version if stable is not None else None)


def _lasted(journal: Journal) -> str:
    last = journal.ended_at or (journal.entries[-1].at if journal.entries else journal.started)
    seconds = math.floor(last - journal.started)
    rehearsed = f", in {pace()}" if pace() else ""
    return f"{seconds // 60} min {seconds % 60} s{rehearsed}"
