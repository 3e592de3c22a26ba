"""Start, record, read, conclude: what the flow's tasks call. Thin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from tasks import objects
from tasks.aws import asking, client
from tasks.clock import Clock, system_clock, utc, wall
from tasks.errors import ExperimentError, ExperimentUndecided, RecordsUnreadable
from tasks.experiments import assigned, store
from tasks.experiments.blocks import all_counted
from tasks.experiments.decision import Conclusion, Decision, decide
from tasks.experiments.entries import EventBatch, Recorded, batch
from tasks.experiments.page import letter, news
from tasks.experiments.plan import ARMS, DAY, Experiment, SuccessMetric, WhenDecided, plan
from tasks.experiments.reading import Reading, read
from tasks.experiments.records import Records
from tasks.experiments.store import Dossier
from tasks.notify import Topic
from tasks.settings import settings
from tasks.values import Pointer

SHOWN = 3


class RegistryReader(Protocol):
    """What an experiment needs of the registry."""

    @property
    def bucket(self) -> str:
        """The registry's bucket."""
        ...

    def versions(self, model: str) -> tuple[str, ...]:
        """Committed versions, oldest first."""
        ...

    def pointer(self, model: str) -> Pointer | None:
        """The pointer, or None before the first release."""
        ...

    def histories(self, model: str) -> Sequence[Any]:
        """The history of each candidate, with ``version`` and ``status``."""
        ...


@dataclass(frozen=True)
class ExperimentContext:
    """Where experiments are kept: registry, table, metrics, clock, topic."""

    registry: RegistryReader
    table: str
    namespace: str
    clock: Clock
    topic: str = ""

    @classmethod
    def here(cls, registry: RegistryReader) -> ExperimentContext:
        """As the settings say."""
        chosen = settings()
        return cls(
            registry,
            chosen.experiments_table,
            chosen.metrics_namespace,
            system_clock(),
            chosen.alerts_topic_arn,
        )

    @property
    def bucket(self) -> str:
        """The registry's bucket."""
        return self.registry.bucket


@dataclass(frozen=True)
class ExperimentStatus:
    """A reading, and what it means. ``conclusion`` when the experiment is over."""

    experiment: Experiment
    reading: Reading
    decision: Decision
    conclusion: Conclusion | None = None


def start(
    context: ExperimentContext,
    *,
    model: str,
    control: str,
    treatment: str,
    percent: int,
    days: float,
    window_hours: float,
    metrics: Sequence[SuccessMetric | Any],
    alpha: float,
    when_decided: WhenDecided,
    actor: str,
    reason: str,
    run: str = "",
) -> Experiment:
    """Start an experiment; a retry of the same flow run finds what it began.

    Args:
        context: Where experiments are kept.
        model: Which model.
        control: Version to compare with; "" takes the one that serves.
        treatment: Version to try.
        percent: Users in the treatment.
        days: How long users are counted.
        window_hours: Hours in which what a user does counts.
        metrics: Success metrics.
        alpha: Chance of a wrong winner.
        when_decided: What a reading does once it is decided.
        actor: Who.
        reason: Why.
        run: Id of the flow run.

    Raises:
        InvalidExperiment: the plan is wrong; every fault is named at once.
        ExperimentRunning: another one has not been concluded.
    """
    known = context.registry.versions(model)
    pointer = context.registry.pointer(model)
    experiment = plan(
        model=model,
        control=control or (pointer.version if pointer else ""),
        treatment=treatment,
        known=known,
        percent=percent,
        days=days,
        window_hours=window_hours,
        metrics=metrics,
        alpha=alpha,
        when_decided=when_decided,
        actor=actor,
        reason=reason,
        now=context.clock.now(),
        run=run,
        withdrawn=pointer.previous if pointer and pointer.rollback else None,
    )
    require_table(context.table)
    return store.open_experiment(context.bucket, experiment)


def require_table(name: str) -> None:
    """See that the table is there and forgets by itself, before users are assigned.

    Raises:
        ExperimentError: it has no time-to-live attribute, or another one.
        AwsError: there is no such table, or it may not be asked.
    """
    with asking(f"DescribeTimeToLive {name} (SLUICE_EXPERIMENTS_TABLE)"):
        answer = client("dynamodb").describe_time_to_live(TableName=name)
    retention = answer["TimeToLiveDescription"]
    if retention.get("AttributeName") != "expires" or "ENABL" not in retention["TimeToLiveStatus"]:
        raise ExperimentError(
            f"The table {name!r} would keep records for ever: time to live is "
            f"{retention['TimeToLiveStatus']} on {retention.get('AttributeName')!r}.",
            "Enable time to live on its attribute 'expires'.",
        )


def record(
    context: ExperimentContext, model: str, url: str
) -> tuple[Experiment, EventBatch, Recorded]:
    """Record a file of JSON lines.

    Args:
        context: Where experiments are kept.
        model: Whose experiment.
        url: ``s3://bucket/key`` of the file.

    Raises:
        ExperimentUnknown: the model has no experiment.
        RecordsUnreadable: there is no such file, or no line of it can be read.
    """
    known = store.dossier(context.bucket, model)
    experiment = known.experiment
    if known.conclusion is not None:
        raise ExperimentError(
            f"{model}: experiment {experiment.id} is concluded; records no longer count.",
            "Start another one with experiment/start.",
        )
    scheme, _, rest = url.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme != "s3" or not bucket or not key:
        raise RecordsUnreadable(f"{url!r} is no address in S3.", "Write it as s3://bucket/key.")
    stored = objects.read(bucket, key)
    if stored is None:
        raise RecordsUnreadable(f"{url} is not there.", "Correct the address.")
    events = batch(experiment, stored.body.decode("utf-8", "replace").splitlines())
    if not events.users:
        raise RecordsUnreadable(
            f"{url}: none of {events.lines} lines is a record: {'; '.join(events.wrong[:SHOWN])}.",
            "See docs/experiments.md for what a line holds.",
        )
    return (
        experiment,
        events,
        Records(context.table, experiment).record(events.users, context.clock.now()),
    )


def observe(context: ExperimentContext, model: str) -> ExperimentStatus:
    """Count who is due, and read the experiment of a model.

    Raises:
        ExperimentUnknown: the model has no experiment.
    """
    return _status(context, store.dossier(context.bucket, model))


def conclude(
    context: ExperimentContext, model: str, actor: str, reason: str, *, stop: bool = False
) -> ExperimentStatus:
    """End the experiment of a model; ended once, it stays as it was ended.

    Args:
        context: Where experiments are kept.
        model: Which model.
        actor: Who ends it.
        reason: Why, in a sentence; stands in the conclusion of a stopped experiment.
        stop: End it without a winner although the evidence is not there yet.

    Raises:
        ExperimentUnknown: the model has no experiment.
        ExperimentUndecided: the evidence is not there yet, and ``stop`` was not asked for.
    """
    known = store.dossier(context.bucket, model)
    status = _status(context, known)
    if status.conclusion is not None:
        store.tell_clients(context.bucket, known.experiment, status.conclusion)
        return status
    decided = status.decision
    if decided.kind == "undecided":
        if not stop:
            until = utc(wall(all_counted(known.experiment))).strftime("%Y-%m-%d %H:%M")
            raise ExperimentUndecided(
                f"{model}: experiment {known.experiment.id} is not decided: {decided.reason}",
                f"Wait (at the latest until {until} UTC), or conclude it with stop.",
            )
        decided = Decision(kind="stopped", reason=f"Stopped: {reason}. {decided.reason}")
    conclusion = Conclusion(
        kind=decided.kind,
        winner=decided.winner,
        reason=decided.reason,
        actor=actor,
        at=context.clock.now(),
        reading=status.reading,
    )
    stands = store.close_experiment(context.bucket, known, conclusion)
    return replace(status, conclusion=stands, reading=stands.reading, decision=_decided(stands))


def to_release(context: ExperimentContext, status: ExperimentStatus) -> tuple[str | None, str]:
    """The version that a concluded experiment puts before users, and a sentence that says why.

    Only a winning treatment has to be released; and not when the pointer meanwhile left the
    control, since what serves then was never compared with it.
    """
    experiment, conclusion = status.experiment, status.conclusion
    model = experiment.model
    winner = conclusion.winner if conclusion else None
    if winner is None:
        return None, "Nothing is released: there is no winner."
    pointer = context.registry.pointer(model)
    serving = pointer.version if pointer else None
    if serving == winner:
        return None, f"{winner} serves already."
    if winner == experiment.control or serving != experiment.control:
        return None, (
            f"Nothing is released: {serving} serves, not {experiment.control}, which "
            f"{experiment.treatment} was compared with."
        )
    if any(
        r.version == winner and r.status == "rolled_back" for r in context.registry.histories(model)
    ):
        return None, f"{winner} is not released by itself: it was rolled back before."
    return winner, f"{winner} is to be released."


def open_experiments(context: ExperimentContext, models: Sequence[str]) -> list[str]:
    """Those models whose experiment runs, or was concluded but its winner not yet released.

    The second is what a run leaves that died between the two; a day later it is let be.
    """
    still_open = []
    for model in models:
        assignment = assigned.public(context.bucket, model)
        if assignment is None:
            continue
        if assignment.state == "running" or _unreleased(
            context, store.dossier(context.bucket, model)
        ):
            still_open.append(model)
    return still_open


def _unreleased(context: ExperimentContext, known: Dossier) -> bool:
    ended = known.conclusion
    if ended is None or known.experiment.when_decided != "release":
        return False
    if context.clock.now() > ended.at + DAY:
        return False
    return to_release(context, _status(context, known))[0] is not None


def publish(context: ExperimentContext, status: ExperimentStatus) -> None:
    """Log each metric per model, version and metric in CloudWatch."""
    data = []
    for measured in status.reading.metrics:
        for arm, users in zip(ARMS, status.reading.users, strict=True):
            value = measured.treatment if arm == "treatment" else measured.control
            dimensions = {
                "ModelName": status.experiment.model,
                "Version": status.experiment.version_of(arm),
                "Metric": measured.metric.name,
            }
            named = [{"Name": key, "Value": text} for key, text in dimensions.items()]
            at = utc(status.reading.at)
            data += [
                {"MetricName": name, "Dimensions": named, "Timestamp": at, "Value": number}
                for name, number in (("ExperimentMean", value), ("ExperimentUsers", float(users)))
            ]
    if data:
        with asking(f"PutMetricData {context.namespace} (experiment {status.experiment.id})"):
            client("cloudwatch").put_metric_data(Namespace=context.namespace, MetricData=data)


def announce(context: ExperimentContext, status: ExperimentStatus) -> str:
    """Tell people what was decided, and how an experiment ended: each once.

    Who dies after telling and before writing it down tells again.

    Returns:
        The message's id, or in brackets why nobody was told.
    """
    experiment = status.experiment
    word = news(status.decision, status.conclusion)
    if not word:
        return "(nobody told: it is not decided)"
    if word in store.dossier(context.bucket, experiment.model).told:
        return "(told before)"
    message_id = Topic(context.topic).tell(*letter(experiment, status.decision, status.conclusion))
    if context.topic:
        store.note_told(context.bucket, experiment, word)
    return message_id


def _status(context: ExperimentContext, known: Dossier) -> ExperimentStatus:
    experiment = known.experiment
    if known.conclusion is not None:
        ended = known.conclusion
        return ExperimentStatus(experiment, ended.reading, _decided(ended), ended)
    records = Records(context.table, experiment)
    now = context.clock.now()
    records.settle(now)
    tally = records.tally(now)
    reading = read(experiment, tally.cells, now, tally.pending, tally.late)
    return ExperimentStatus(experiment, reading, decide(experiment, reading))


def _decided(ended: Conclusion) -> Decision:
    return Decision(kind=ended.kind, winner=ended.winner, reason=ended.reason)
