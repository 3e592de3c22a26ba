"""The experiments' door: Prefect tasks. Each calls one verb and shows what came of it.

What an experiment is stands in S3 and DynamoDB; calling again is always safe.
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.experiments import page, verbs
from tasks.experiments.plan import Experiment, SuccessMetric, WhenDecided
from tasks.experiments.verbs import Bench, ExperimentStatus, RegistryReader
from tasks.reports.artifacts import current_flow_run_id, key_for, logger, show
from tasks.retrying import retried


def bench_of(registry: RegistryReader) -> Bench:
    """Where this installation keeps its experiments."""
    return Bench.here(registry)


@retried("start experiment")
def begin(
    bench: Bench,
    model: str,
    control: str,
    treatment: str,
    percent: int,
    days: float,
    window_hours: float,
    metrics: Sequence[SuccessMetric],
    alpha: float,
    when_decided: WhenDecided,
    actor: str,
    reason: str,
) -> Experiment:
    """See `verbs.start`."""
    started = verbs.start(
        bench,
        model=model,
        control=control,
        treatment=treatment,
        percent=percent,
        days=days,
        window_hours=window_hours,
        metrics=metrics,
        alpha=alpha,
        when_decided=when_decided,
        actor=actor,
        reason=reason,
        run=current_flow_run_id() or "",
    )
    show(key_for("experiment", model), page.started_page(started), "What is compared")
    logger().info(f"Experiment {started.id}: {started.treatment} against {started.control}")
    return started


@retried("record")
def record(bench: Bench, model: str, url: str) -> str:
    """See `verbs.record`; a sentence that says what was recorded."""
    experiment, batch, made = verbs.record(bench, model, url)
    told = page.recorded_page(experiment, url, batch.lines, batch.repeated, made, batch.wrong)
    show(key_for("records", model), told, "What was recorded")
    return (
        f"{experiment.id}: {made.events:,} of {batch.lines:,} records are new, "
        f"{made.entered:,} new users; {made.repeated + batch.repeated:,} were known, "
        f"{made.late:,} too late, {made.ended:,} after the end, {len(batch.wrong):,} not readable."
    )


@retried("which experiments")
def at_hand(bench: Bench, models: Sequence[str]) -> list[str]:
    """See `verbs.at_hand`."""
    return verbs.at_hand(bench, models)


@retried("read experiment")
def look(bench: Bench, model: str) -> ExperimentStatus:
    """See `verbs.look`; also logs each metric in CloudWatch."""
    seen = verbs.look(bench, model)
    _show(seen)
    if seen.conclusion is None:
        verbs.publish(bench, seen)
    return seen


@retried("conclude experiment")
def conclude(
    bench: Bench, model: str, actor: str, reason: str, stop: bool = False
) -> ExperimentStatus:
    """See `verbs.conclude`."""
    seen = verbs.conclude(bench, model, actor, reason, stop=stop)
    _show(seen)
    return seen


@retried("tell people")
def tell(bench: Bench, seen: ExperimentStatus) -> str:
    """See `verbs.announce`."""
    said = verbs.announce(bench, seen)
    logger().info(f"Told people of {seen.experiment.id}: {said}")
    return said


@retried("what to release")
def to_release(bench: Bench, seen: ExperimentStatus) -> tuple[str | None, str]:
    """See `verbs.to_release`."""
    found = verbs.to_release(bench, seen)
    logger().info(found[1])
    return found


def _show(seen: ExperimentStatus) -> None:
    model = seen.experiment.model
    told = page.page(seen.experiment, seen.reading, seen.decision, seen.conclusion)
    show(key_for("experiment", model), told, "What is known so far")
    logger().info(f"{seen.experiment.id}: {seen.decision.kind}: {seen.decision.reason}")
