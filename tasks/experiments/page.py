"""An experiment as people see it: one page, read in ten seconds. Pure."""

from __future__ import annotations

from tasks.clock import utc, wall
from tasks.experiments.blocks import all_counted
from tasks.experiments.decision import Conclusion, Decision, mismatch_reason
from tasks.experiments.entries import Recorded
from tasks.experiments.plan import DAY, HOUR, Experiment
from tasks.experiments.reading import MetricReading, Reading
from tasks.reports.chart import image, line_chart
from tasks.reports.figures import number
from tasks.reports.pages import table

SIGNS = {"winner": "✔", "no difference": "=", "stopped": "■", "undecided": "▸"}
STATES = {
    "better": "✅ better",
    "worse": "❌ worse",
    "no difference": "= no difference that matters",
    "open": "▸ open",
    "inconsistent": "⚠ the difference moved: no constant one fits",
}
SHOWN = 5
NO_EVIDENCE, CERTAIN = 0.02, 9
"""Base-10 logarithms of e-values below and above which a page tells no number."""


def page(
    experiment: Experiment,
    reading: Reading,
    decision: Decision,
    conclusion: Conclusion | None = None,
) -> str:
    """The whole page: decision, intervals, pictures, what was asked for, what to do."""
    verdict = conclusion or decision
    parts = [
        f"# {SIGNS[verdict.kind]} Experiment on {experiment.model}: {_title(verdict)}",
        f"**{verdict.reason}**",
    ]
    if conclusion is None:
        parts.append(_next(decision))
    if reading.mismatch:
        why = mismatch_reason(experiment, reading)
        parts.append(f"**Nothing below is a comparison.** {'' if why == verdict.reason else why}")
    else:
        parts += [_metrics(reading), *(_picture(experiment, m) for m in reading.metrics)]
    parts.append(table(("what", "value"), _facts(experiment, reading, conclusion)))
    parts.append(_promise(experiment))
    return "\n\n".join(part for part in parts if part)


def started_page(experiment: Experiment) -> str:
    """What has begun."""
    return "\n\n".join(
        (
            f"# ▸ Experiment on {experiment.model}: started",
            f"**{experiment.percent} percent of the users are given {experiment.treatment}, the "
            f"others {experiment.control}, until {_when(experiment.ends)} (UTC).**",
            table(("what", "value"), _plan_rows(experiment)),
            _promise(experiment),
        )
    )


def news(decision: Decision, conclusion: Conclusion | None) -> str:
    """What there is to tell people, in a word that is the same while it is; "" for nothing."""
    verdict = conclusion or decision
    if verdict.kind == "undecided":
        return ""
    state = "concluded" if conclusion else "decided"
    return f"{state}: {_title(verdict)}"


def letter(
    experiment: Experiment, decision: Decision, conclusion: Conclusion | None
) -> tuple[str, str]:
    """Subject and text of the message that tells people of it."""
    verdict = conclusion or decision
    subject = f"Experiment on {experiment.model}: {_title(verdict)}"
    if conclusion is not None:
        how = f"Concluded by {conclusion.actor}; users are no longer split."
    else:
        how = "It goes on until somebody concludes it with experiment/conclude."
    arms = (
        f"Treatment {experiment.treatment} ({experiment.percent} percent of the users), control "
        f"{experiment.control}, experiment {experiment.id}."
    )
    return subject, f"{verdict.reason}\n\n{how}\n\n{arms}"


def recorded_page(
    experiment: Experiment,
    source: str,
    lines: int,
    repeated: int,
    counts: Recorded,
    wrong: tuple[str, ...],
) -> str:
    """What became of a file of records."""
    rows = [
        ("lines", f"{lines:,}"),
        ("recorded now", f"{counts.events:,}"),
        ("new users", f"{counts.entered:,}"),
        ("known before (counted once)", f"{counts.repeated + repeated:,}"),
        ("too late: their user had been counted", f"{counts.late:,}"),
        ("of users who came after the end", f"{counts.ended:,}"),
        ("not readable", f"{len(wrong):,}"),
    ]
    parts = [
        f"# Records of experiment `{experiment.id}`",
        f"From `{source}`.",
        table(("", ""), rows),
    ]
    parts += [f"- {fault}" for fault in wrong[:SHOWN]]
    return "\n\n".join(parts)


def _title(verdict: Decision | Conclusion) -> str:
    return f"{verdict.winner} wins" if verdict.winner else verdict.kind


def _next(decision: Decision) -> str:
    advice = {
        "winner": "conclude it with **experiment/conclude**; that can release the winner too.",
        "no difference": "conclude it with **experiment/conclude**; keep the control.",
        "stopped": "conclude it with **experiment/conclude**; no version is named winner.",
        "undecided": "wait; look as often as you like, looking costs nothing.",
    }
    return f"**Next:** {advice[decision.kind]}"


def _metrics(reading: Reading) -> str:
    rows = [
        (
            m.metric.name,
            STATES[m.state],
            f"{m.difference:+.4g}",
            f"{m.low:+.4g} to {m.high:+.4g}",
            f"{m.treatment:.4g}",
            f"{m.control:.4g}",
            f"±{m.metric.minimal_difference:g}",
            _odds(m.evidence),
        )
        for m in reading.metrics
    ]
    header = (
        *("metric", "treatment is", "difference per user", "interval"),
        *("treatment", "control", "matters from", "evidence"),
    )
    return table(header, rows)


def _odds(evidence: float) -> str:
    """An e-value from its base-10 logarithm; at 1 or below it speaks for no difference."""
    if evidence <= NO_EVIDENCE:
        return "none"
    if evidence > CERTAIN:
        return f"> {10**CERTAIN:,} : 1"
    return f"{number(10**evidence, 2)} : 1"


def _picture(experiment: Experiment, reading: MetricReading) -> str:
    metric = reading.metric
    unit, name = (DAY, "days") if experiment.ends - experiment.starts > 2 * DAY else (HOUR, "hours")
    looks = [((look.at - experiment.starts) / unit, look) for look in reading.history]
    if not looks:
        return ""
    span = (0.0, max(x for x, _ in looks))
    # The first intervals hold everything; drawn in full they would hide the last.
    reach = 4 * max(abs(reading.low), abs(reading.high), metric.minimal_difference)
    shown = [(x, look) for x, look in looks if max(abs(look.low), abs(look.high)) <= reach]
    series = {
        "estimate": [(x, look.difference) for x, look in shown],
        # There and back again: the outline of a band.
        "interval": [(x, look.high) for x, look in shown]
        + [(x, look.low) for x, look in reversed(shown)],
        "no difference": [(x, 0.0) for x in span],
    }
    for sign, word in ((1, "matters above"), (-1, "matters below")):
        level = sign * metric.minimal_difference
        series[word] = [(x, level) for x in span]
    title = f"{metric.name}: treatment less control ({metric.direction} is better)"
    return image(line_chart(title, series, name), f"{metric.name} over time")


def _facts(
    experiment: Experiment, reading: Reading, conclusion: Conclusion | None
) -> list[tuple[str, object]]:
    treatment, control = reading.users
    waiting = sum(reading.pending)
    facts = _plan_rows(experiment)
    facts += [
        ("users counted", f"{treatment:,} treatment, {control:,} control"),
        ("users in their window", f"{waiting:,}"),
        (
            "shares",
            "❌ do not fit the split"
            if reading.mismatch
            else f"✅ fit the split (evidence against: {_odds(reading.ratio_evidence)})",
        ),
        (
            "seen with the other arm's version",
            f"{reading.crossed:,} users (they stay in their arm)",
        ),
        ("records that came too late", f"{reading.late:,}"),
        ("read at (UTC)", _when(reading.at)),
        ("last possible reading (UTC)", _when(all_counted(experiment))),
    ]
    if conclusion is not None:
        facts += [("concluded by", conclusion.actor), ("concluded at (UTC)", _when(conclusion.at))]
    return facts


def _plan_rows(experiment: Experiment) -> list[tuple[str, object]]:
    metrics = "; ".join(
        f"{m.name} ({m.kind}, {m.direction} is better, matters from {m.minimal_difference:g})"
        for m in experiment.metrics
    )
    return [
        ("experiment", f"`{experiment.id}`"),
        ("treatment", f"{experiment.treatment}, {experiment.percent} percent of the users"),
        ("control", experiment.control),
        ("success metrics", metrics),
        ("from, to (UTC)", f"{_when(experiment.starts)} to {_when(experiment.ends)}"),
        ("a user's window", f"{experiment.window_seconds / HOUR:g} hours"),
        ("when decided", experiment.when_decided),
        ("asked for by", f"{experiment.actor}: {experiment.reason}"),
    ]


def _promise(experiment: Experiment) -> str:
    shared = len(experiment.metrics)
    among = f", shared by {shared} metrics in equal parts" if shared > 1 else ""
    return (
        f"The chance that any interval ever leaves out the true difference is at most "
        f"{experiment.alpha:.3g}{among}, however often somebody looks. The unit is the user, who "
        "counts once, for what he did within his window."
    )


def _when(at: float) -> str:
    return utc(wall(at)).strftime("%Y-%m-%d %H:%M")
