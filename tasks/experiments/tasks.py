"""The experiments' door: Prefect tasks. Each calls one verb and shows what came of it.

What an experiment is stands in S3 and DynamoDB; calling again is always safe.
"""

from __future__ import annotations

from collections.abc import Sequence

from tasks.experiments import page, verbs
from tasks.experiments.plan import Experiment, SuccessMetric, WhenDecided
from tasks.experiments.verbs import ExperimentContext, ExperimentStatus, RegistryReader
from tasks.reports.artifacts import current_flow_run_id, key_for, logger, show
from tasks.retrying import retried


def context_of(registry: RegistryReader) -> ExperimentContext:
    """Where this installation keeps its experiments."""
    return ExperimentContext.here(registry)


@retried("start experiment")
def begin(
    context: ExperimentContext,
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
        context,
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
def record(context: ExperimentContext, model: str, url: str) -> str:
    """See `verbs.record`; a sentence that says what was recorded."""
    experiment, batch, counts = verbs.record(context, model, url)
    markdown = page.recorded_page(experiment, url, batch.lines, batch.repeated, counts, batch.wrong)
    show(key_for("records", model), markdown, "What was recorded")
    return (
        f"{experiment.id}: {counts.events:,} of {batch.lines:,} records are new, "
        f"{counts.entered:,} new users; {counts.repeated + batch.repeated:,} were known, "
        f"{counts.late:,} too late, {counts.ended:,} after the end, "
        f"{len(batch.wrong):,} not readable."
    )


@retried("which experiments")
def open_experiments(context: ExperimentContext, models: Sequence[str]) -> list[str]:
    """See `verbs.open_experiments`."""
    return verbs.open_experiments(context, models)


@retried("read experiment")
def observe(context: ExperimentContext, model: str) -> ExperimentStatus:
    """See `verbs.observe`; also logs each metric in CloudWatch."""
    status = verbs.observe(context, model)
    _show(status)
    if status.conclusion is None:
        verbs.publish(context, status)
    return status


@retried("conclude experiment")
def conclude(
    context: ExperimentContext, model: str, actor: str, reason: str, stop: bool = False
) -> ExperimentStatus:
    """See `verbs.conclude`."""
    status = verbs.conclude(context, model, actor, reason, stop=stop)
    _show(status)
    return status


@retried("tell people")
def tell(context: ExperimentContext, status: ExperimentStatus) -> str:
    """See `verbs.announce`."""
    message_id = verbs.announce(context, status)
    logger().info(f"Told people of {status.experiment.id}: {message_id}")
    return message_id


@retried("what to release")
def to_release(context: ExperimentContext, status: ExperimentStatus) -> tuple[str | None, str]:
    """See `verbs.to_release`."""
    version, why = verbs.to_release(context, status)
    logger().info(why)
    return version, why


def _show(status: ExperimentStatus) -> None:
    model = status.experiment.model
    markdown = page.page(status.experiment, status.reading, status.decision, status.conclusion)
    show(key_for("experiment", model), markdown, "What is known so far")
    logger().info(f"{status.experiment.id}: {status.decision.kind}: {status.decision.reason}")
