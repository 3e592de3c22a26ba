"""What a reading means: a winner, no difference, stopped, or not decided yet. Pure."""

from __future__ import annotations

from typing import Literal

from tasks.experiments.blocks import all_counted
from tasks.experiments.plan import Experiment
from tasks.experiments.reading import MetricReading, Reading
from tasks.values import Frozen

Kind = Literal["winner", "no difference", "stopped", "undecided"]


class Decision(Frozen):
    """``winner`` is a version, or None. ``reason`` is one sentence."""

    kind: Kind
    winner: str | None = None
    reason: str


class Conclusion(Frozen):
    """How an experiment ended; written once. ``winner`` is a version, ``at`` unix seconds."""

    kind: Kind
    winner: str | None
    reason: str
    actor: str
    at: float
    reading: Reading


def decide(experiment: Experiment, reading: Reading) -> Decision:
    """Decide from one look; α covers any number of them.

    The treatment wins when one metric is better and every other is proven not to be worse by its
    minimal difference; the control wins when one metric is worse and none is better. When users
    did not come at the promised shares nothing is compared.
    """
    if reading.mismatch:
        return Decision(kind="stopped", reason=mismatch_reason(experiment, reading))
    better = [m for m in reading.metrics if m.state == "better"]
    worse = [m for m in reading.metrics if m.state == "worse"]
    doubtful = [m for m in reading.metrics if m.state != "better" and not m.not_worse]
    if better and not worse and not doubtful:
        return Decision(
            kind="winner",
            winner=experiment.treatment,
            reason=f"{experiment.treatment} (treatment) is better: {_intervals(better)}.",
        )
    if worse and not better:
        return Decision(
            kind="winner",
            winner=experiment.control,
            reason=f"{experiment.control} (control) is better: {_intervals(worse)}.",
        )
    if reading.metrics and all(m.state == "no difference" for m in reading.metrics):
        return Decision(
            kind="no difference",
            reason=f"No difference that matters: {_intervals(reading.metrics)}.",
        )
    if reading.at >= all_counted(experiment):
        return Decision(
            kind="stopped",
            reason=f"The time is over without a decision: {_intervals(reading.metrics)}.",
        )
    return Decision(kind="undecided", reason=_still_open(reading, better, worse, doubtful))


def mismatch_reason(experiment: Experiment, reading: Reading) -> str:
    """Why nothing is compared, in one sentence."""
    treatment, control = (a + b for a, b in zip(reading.users, reading.pending, strict=True))
    return (
        f"Sample-ratio mismatch: {treatment:,} users in the treatment and {control:,} in the "
        f"control do not fit the promised {experiment.percent} percent (evidence "
        f"10^{reading.ratio_evidence:.1f}); users are lost or misrouted in one arm, so nothing is "
        "compared."
    )


def _still_open(
    reading: Reading,
    better: list[MetricReading],
    worse: list[MetricReading],
    doubtful: list[MetricReading],
) -> str:
    if better and worse:
        return (
            f"The metrics disagree: better {_intervals(better)}; worse {_intervals(worse)}. "
            "A person decides."
        )
    if better:
        return (
            f"Better: {_intervals(better)}; not yet proven that nothing else is worse: "
            f"{_intervals(doubtful)}."
        )
    if not sum(reading.users):
        return f"No user has been counted yet; {sum(reading.pending):,} are in their window."
    return f"Not decided yet: {_intervals(reading.metrics)}."


def _intervals(metrics: list[MetricReading] | tuple[MetricReading, ...]) -> str:
    return "; ".join(
        f"{m.metric.name} {m.difference:+.4g} [{m.low:+.4g}, {m.high:+.4g}]"
        if m.state != "inconsistent"
        else f"{m.metric.name} moved while it was measured, no constant difference fits"
        for m in metrics
    )
