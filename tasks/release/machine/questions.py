"""What the machine asks people, and how it tells them where a release stands. Pure."""

from __future__ import annotations

from tasks.release.journal.record import Gate, Journal
from tasks.release.machine.actions import POLL, Action, Ask, Notify, Wait


def has_control(journal: Journal) -> bool:
    """Whether both versions serve at the same time, so that they can be compared."""
    return journal.strategy == "canary" and journal.stable is not None


def asked(journal: Journal, gate: Gate) -> Action | None:
    """The question, the wait for its answer, or None once it was granted."""
    approval = journal.approvals.get(gate)
    if approval is None:
        return Ask(gate=gate)
    if f"notified:{gate}" not in journal.marks:
        return Notify(
            mark=f"notified:{gate}",
            subject=f"Approval needed: {journal.model} {journal.candidate.version}",
            text=f"{gate.replace('_', ' ')}: {_said(journal)} No answer means no.",
        )
    return None if approval.granted else Wait(seconds=POLL, why=f"a person must answer ({gate})")


def granted_by(journal: Journal, gate: Gate) -> str:
    """Who let the release go on, and why; "" when nobody was asked or has said yes."""
    approval = journal.approvals.get(gate)
    if approval is None or not approval.granted:
        return ""
    return approval.by + (f" ({approval.note})" if approval.note else "")


def denied(journal: Journal, now: float) -> str:
    """Why a person's answer (or silence) ends the release, or ""."""
    for gate, approval in journal.approvals.items():
        if approval.granted is False:
            return f"refused ({gate}) by {approval.by}: {approval.note}"
        if approval.granted is None and now > approval.until:
            return f"no answer in time ({gate}) means no"
    return ""


def _said(journal: Journal) -> str:
    return journal.ruling.reason if journal.ruling else "nothing has been measured yet."


def how(journal: Journal) -> str:
    """How the candidate is compared, in a few words."""
    if journal.stable is None:
        return "first version: no stable version to compare with"
    return {
        "canary": "both versions side by side",
        "blue_green": "SageMaker's own blue/green guardrail",
        "direct": "by hand, without comparison",
    }[journal.strategy]


def proof(journal: Journal) -> str:
    """Why the candidate serves alone now."""
    person = granted_by(journal, "inconclusive")
    if person and (journal.ruling is None or journal.ruling.action != "promote"):
        return f"{journal.candidate.version} serves alone: {person} decided it without a proof."
    if has_control(journal) and journal.ruling is not None:
        return f"{journal.candidate.version} serves alone: {journal.ruling.reason}"
    return f"{journal.candidate.version} serves alone ({how(journal)})."
