"""The release checklist: what was shown of a version before and while it met users. Pure.

Made of evidence alone: what was found of its rows and by its gate (``evidence/`` of the bundle),
what its manifest lists, what the release's journal says was done and read back. A line without
evidence says so and is ``inconclusive``; nothing is ticked by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping

from tasks.release.hosting.answers import ASKED
from tasks.release.journal.record import Journal
from tasks.reports.figures import counted, number, percent, rounded, size
from tasks.reports.pages import SIGNS, table
from tasks.values import SEVERITY, WARNING, Check, Manifest, Outcome, Verdict

ROWS, GATE = "evidence/rows.json", "evidence/gate.json"
"""Where a bundle keeps what was found of the rows that it learned from, and by its gate."""
SCANNED = frozenset(
    {"archive", "archive size", "places and links", "pickles", "programs", "graph steps", "secrets"}
)
"""Checks of the gate that look through the archive."""
TRIED = frozenset(
    {"serving program", "serving errors", "serving p95", "serving memory", "cold start"}
)
"""Checks of the gate that try the serving program."""
ERROR_SHARE = 0.01
"""Errors that a version may answer its users with before this line says that it fails."""


def checklist(
    journal: Journal,
    manifest: Manifest,
    rows: Verdict | None,
    gate: Verdict | None,
    intact: Mapping[str, str],
    back: str | None,
    experiment: Collection[str],
) -> Verdict:
    """Every line of the checklist, for a release that has ended.

    Args:
        journal: The release.
        manifest: Of the candidate.
        rows: What was found of its rows; None for an upload, and in a bundle older than that file.
        gate: What the gate found; None where the bundle is older than that file.
        intact: Of the versions that were read and held to their manifests, what is wrong; "" is
            nothing.
        back: The version that a rollback puts back now.
        experiment: Versions that an experiment compares.
    """
    version = journal.candidate.version
    return Verdict.of(
        f"{journal.model} {version}",
        (
            _rows(rows),
            _of_gate("accuracy", gate, lambda name: name not in SCANNED | TRIED, "none was kept"),
            _sizes(manifest),
            _of_gate("security scan", gate, SCANNED.__contains__, "none was kept"),
            _load_test(journal, gate),
            _ab(journal, experiment),
            _uploaded(manifest, intact),
            _marked("invalidation", journal, "cdn", "it was not promoted, or the CDN not told"),
            _health(journal),
            _marked("alarms", journal, "alarms", f"{journal.strategy}: no canary, no alarms"),
            _service_level(journal),
            _errors(journal),
            _way_back(back, intact),
        ),
    )


def page(verdict: Verdict, address: str) -> str:
    """The checklist as a table, and where it is kept."""
    rows = [
        (SIGNS[check.outcome], check.name, rounded(check.observed), check.bound, check.detail)
        for check in verdict.checks
    ]
    done = sum(check.outcome == "pass" for check in verdict.checks)
    told = [f"{done} of {counted(len(rows), 'line')} shown"]
    for words, outcomes in (("not kept", {"fail", "error"}), ("shown by nobody", {"inconclusive"})):
        names = [check.name for check in verdict.checks if check.outcome in outcomes]
        told += [f"{words}: {', '.join(names)}"] if names else []
    return "\n\n".join(
        [
            f"# {SIGNS[verdict.outcome]} Release checklist of {verdict.subject}",
            f"{'; '.join(told)}.",
            table(("", "line", "found", "bound", ""), rows),
            f"Kept as `{address}`.",
        ]
    )


def _of_gate(name: str, gate: Verdict | None, which: Callable[[str], bool], missing: str) -> Check:
    chosen = [check for check in gate.checks if which(check.name)] if gate is not None else []
    if not chosen:
        return Check(name=name, outcome="inconclusive", observed="nothing", detail=missing)
    part = Verdict.of(name, tuple(chosen))
    wrong = [f"{check.name}: {check.observed}" for check in chosen if check.outcome != "pass"]
    told = wrong or [
        f"{check.name} {check.observed}" for check in chosen if check.observed != "none"
    ]
    return Check(
        name=name,
        outcome=part.outcome,
        observed="; ".join(told),
        bound=f"all {counted(len(chosen), 'check')} of the gate",
    )


def _rows(rows: Verdict | None) -> Check:
    """Whether they could be learned from and measured on; their warnings are told, not failed."""
    if rows is None or not rows.checks:
        why = "it was uploaded, or made before rows were checked" if rows is None else rows.reason
        return Check(name="rows", outcome="inconclusive", observed="nothing", detail=why)
    warned = [check.name for check in rows.checks if check.detail.startswith(WARNING)]
    return Check(
        name="rows",
        outcome=rows.outcome,
        observed=f"warned of {', '.join(warned)}" if warned else rows.reason,
        bound=f"all {counted(len(rows.checks), 'check')} of the rows",
    )


def _sizes(manifest: Manifest) -> Check:
    wanted = ("model.tar.gz", "tflite/", "tfjs/")
    files = [file for file in manifest.files if file.path.startswith(wanted)]
    whole: dict[str, int] = {}
    for file in files:
        form = "tfjs" if file.path.startswith("tfjs/") else file.path
        whole[form] = whole.get(form, 0) + file.size
    parity = [f"{name} within {number(error)}" for name, error in sorted(manifest.parity.items())]
    return Check(
        name="sizes",
        outcome="pass" if whole else "inconclusive",
        observed=", ".join(f"{name} {size(bytes_)}" for name, bytes_ in whole.items()) or "nothing",
        bound="conversion.max_bytes of model.yaml",
        detail=f"answers as the original does: {', '.join(parity)}" if parity else "",
    )


def _ab(journal: Journal, experiment: Collection[str]) -> Check:
    spec = journal.spec
    if journal.strategy == "canary":
        shares = ", ".join(percent(share) for share in spec.ladder)
        said = f"canary at {shares}; α {percent(spec.alpha)}, β {percent(spec.beta)}"
    else:
        said = journal.strategy.replace("_", "/")
    compared = f"an experiment compares {', '.join(sorted(experiment))}" if experiment else ""
    return Check(
        name="A/B configuration",
        outcome="pass",
        observed=said,
        detail=compared or "no experiment is under way",
    )


def _uploaded(manifest: Manifest, intact: Mapping[str, str]) -> Check:
    wrong = intact.get(manifest.version)
    outcome: Outcome = "inconclusive" if wrong is None else "fail" if wrong else "pass"
    total = sum(file.size for file in manifest.files)
    return Check(
        name="versioned upload",
        outcome=outcome,
        observed=wrong or f"{counted(len(manifest.files), 'file')}, {size(total)}",
        bound="read back, by SHA-256",
    )


def _marked(name: str, journal: Journal, mark: str, missing: str) -> Check:
    said = journal.marks.get(mark, "")
    outcome: Outcome = "pass" if said else "inconclusive"
    return Check(
        name=name, outcome=outcome, observed=said or "nothing", detail="" if said else missing
    )


def _load_test(journal: Journal, gate: Verdict | None) -> Check:
    """On its own variant before it had users; and its program's trial, where there was one."""
    trial = _of_gate(
        "load test", gate, TRIED.__contains__, "model.yaml asks for no trial of the program"
    )
    said = journal.marks.get("health", "")
    if ASKED not in said:
        return trial
    outcome: Outcome = "pass" if said.startswith("pass") else "fail"
    tried = trial.outcome != "inconclusive"
    return Check(
        name="load test",
        outcome=max(outcome, trial.outcome, key=SEVERITY.index) if tried else outcome,
        observed=said.partition(": ")[2],
        bound="release.load_test of model.yaml",
        detail=f"on trial before: {trial.observed}" if tried else "",
    )


def _health(journal: Journal) -> Check:
    said = journal.marks.get("health", "")
    outcome: Outcome = "pass" if said.startswith("pass") else "fail" if said else "inconclusive"
    return Check(
        name="health",
        outcome=outcome,
        observed=said.removeprefix("pass: ") or "nothing",
        bound="the candidate answers its own sample",
    )


def _service_level(journal: Journal) -> Check:
    requests, errors = journal.answered
    slow = [
        point.candidate.latency_p99
        for point in journal.timeline
        if point.candidate.latency_p99 is not None
    ]
    limits = journal.spec
    bound = f"errors ≤ {percent(limits.max_error_rate)}, p99 ≤ {number(limits.max_latency_ms)} ms"
    if not requests:
        return _unseen("service level", bound)
    worst = max(slow, default=0.0)
    kept = errors / requests <= limits.max_error_rate and worst <= limits.max_latency_ms
    return Check(
        name="service level",
        outcome="pass" if kept else "fail",
        observed=f"{percent(1 - errors / requests)} answered; "
        f"slowest window's p99 {number(worst)} ms",
        bound=bound,
    )


def _errors(journal: Journal) -> Check:
    requests, errors = journal.answered
    bound = f"< {percent(ERROR_SHARE)}"
    if not requests:
        return _unseen("error rate", bound)
    return Check(
        name="error rate",
        outcome="pass" if errors / requests < ERROR_SHARE else "fail",
        observed=f"{percent(errors / requests)} of {counted(requests, 'request')}",
        bound=bound,
    )


def _unseen(name: str, bound: str) -> Check:
    return Check(
        name=name,
        outcome="inconclusive",
        observed="no request",
        bound=bound,
        detail="nobody asked the candidate while it was judged",
    )


def _way_back(back: str | None, intact: Mapping[str, str]) -> Check:
    bound = "an earlier version, read and found as its manifest says"
    if back is None:
        return Check(
            name="rollback plan",
            outcome="inconclusive",
            observed="no earlier version",
            bound=bound,
            detail="a first version can only be taken down",
        )
    wrong = intact.get(back)
    outcome: Outcome = "inconclusive" if wrong is None else "fail" if wrong else "pass"
    return Check(name="rollback plan", outcome=outcome, observed=wrong or f"to {back}", bound=bound)
