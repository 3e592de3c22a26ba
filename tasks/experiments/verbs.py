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
class Bench:
    """Where experiments are kept."""

    registry: RegistryReader
    table: str
    namespace: str
    clock: Clock
    topic: str = ""

    @classmethod
    def here(cls, registry: RegistryReader) -> Bench:
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
    bench: Bench,
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
        bench: Where.
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
    known = bench.registry.versions(model)
    pointer = bench.registry.pointer(model)
    asked = plan(
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
        now=bench.clock.now(),
        run=run,
        withdrawn=pointer.previous if pointer and pointer.rollback else None,
    )
    require_table(bench.table)
    return store.open_experiment(bench.bucket, asked)


def require_table(name: str) -> None:
    """See that the table is there and forgets by itself, before users are assigned.

    Raises:
        ExperimentError: it has no time-to-live attribute, or another one.
        AwsError: there is no such table, or it may not be asked.
    """
    with asking(f"DescribeTimeToLive {name} (SLUICE_EXPERIMENTS_TABLE)"):
        answer = client("dynamodb").describe_time_to_live(TableName=name)
    found = answer["TimeToLiveDescription"]
    if found.get("AttributeName") != "expires" or "ENABL" not in found["TimeToLiveStatus"]:
        raise ExperimentError(
            f"The table {name!r} would keep records for ever: time to live is "
            f"{found['TimeToLiveStatus']} on {found.get('AttributeName')!r}.",
            "Enable time to live on its attribute 'expires'.",
        )


def record(bench: Bench, model: str, url: str) -> tuple[Experiment, EventBatch, Recorded]:
    """Record a file of JSON lines.

    Args:
        bench: Where.
        model: Whose experiment.
        url: ``s3://bucket/key`` of the file.

    Raises:
        ExperimentUnknown: the model has no experiment.
        RecordsUnreadable: there is no such file, or no line of it can be read.
    """
    known = store.dossier(bench.bucket, model)
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
    found = objects.read(bucket, key)
    if found is None:
        raise RecordsUnreadable(f"{url} is not there.", "Correct the address.")
    made = batch(experiment, found.body.decode("utf-8", "replace").splitlines())
    if not made.users:
        raise RecordsUnreadable(
            f"{url}: none of {made.lines} lines is a record: {'; '.join(made.wrong[:SHOWN])}.",
            "See docs/experiments.md for what a line holds.",
        )
    return experiment, made, Records(bench.table, experiment).record(made.users, bench.clock.now())


def look(bench: Bench, model: str) -> ExperimentStatus:
    """Count who is due, and read the experiment of a model.

    Raises:
        ExperimentUnknown: the model has no experiment.
    """
    return _seen(bench, store.dossier(bench.bucket, model))


def conclude(
    bench: Bench, model: str, actor: str, reason: str, *, stop: bool = False
) -> ExperimentStatus:
    """End the experiment of a model; ended once, it stays as it was ended.

    Args:
        bench: Where.
        model: Which model.
        actor: Who ends it.
        reason: Why, in a sentence; stands in the conclusion of a stopped experiment.
        stop: End it without a winner although the evidence is not there yet.

    Raises:
        ExperimentUnknown: the model has no experiment.
        ExperimentUndecided: the evidence is not there yet, and ``stop`` was not asked for.
    """
    known = store.dossier(bench.bucket, model)
    seen = _seen(bench, known)
    if seen.conclusion is not None:
        store.tell_clients(bench.bucket, known.experiment, seen.conclusion)
        return seen
    decided = seen.decision
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
        at=bench.clock.now(),
        reading=seen.reading,
    )
    stands = store.close_experiment(bench.bucket, known, conclusion)
    return replace(seen, conclusion=stands, reading=stands.reading, decision=_decided(stands))


def to_release(bench: Bench, seen: ExperimentStatus) -> tuple[str | None, str]:
    """The version that a concluded experiment puts before users, and a sentence that says why.

    Only a winning treatment has to be released; and not when the pointer meanwhile left the
    control, since what serves then was never compared with it.
    """
    experiment, conclusion = seen.experiment, seen.conclusion
    model = experiment.model
    winner = conclusion.winner if conclusion else None
    if winner is None:
        return None, "Nothing is released: there is no winner."
    pointer = bench.registry.pointer(model)
    serving = pointer.version if pointer else None
    if serving == winner:
        return None, f"{winner} serves already."
    if winner == experiment.control or serving != experiment.control:
        return None, (
            f"Nothing is released: {serving} serves, not {experiment.control}, which "
            f"{experiment.treatment} was compared with."
        )
    if any(
        r.version == winner and r.status == "rolled_back" for r in bench.registry.histories(model)
    ):
        return None, f"{winner} is not released by itself: it was rolled back before."
    return winner, f"{winner} is to be released."


def at_hand(bench: Bench, models: Sequence[str]) -> list[str]:
    """Those models whose experiment runs, or was concluded but its winner not yet released.

    The second is what a run leaves that died between the two; a day later it is let be.
    """
    found = []
    for model in models:
        told = assigned.public(bench.bucket, model)
        if told is None:
            continue
        if told.state == "running" or _unreleased(bench, store.dossier(bench.bucket, model)):
            found.append(model)
    return found


def _unreleased(bench: Bench, known: Dossier) -> bool:
    ended = known.conclusion
    if ended is None or known.experiment.when_decided != "release":
        return False
    if bench.clock.now() > ended.at + DAY:
        return False
    return to_release(bench, _seen(bench, known))[0] is not None


def publish(bench: Bench, seen: ExperimentStatus) -> None:
    """Log each metric per model, version and metric in CloudWatch."""
    data = []
    for measured in seen.reading.metrics:
        for arm, users in zip(ARMS, seen.reading.users, strict=True):
            value = measured.treatment if arm == "treatment" else measured.control
            dimensions = {
                "ModelName": seen.experiment.model,
                "Version": seen.experiment.version_of(arm),
                "Metric": measured.metric.name,
            }
            named = [{"Name": key, "Value": text} for key, text in dimensions.items()]
            at = utc(seen.reading.at)
            data += [
                {"MetricName": name, "Dimensions": named, "Timestamp": at, "Value": number}
                for name, number in (("ExperimentMean", value), ("ExperimentUsers", float(users)))
            ]
    if data:
        with asking(f"PutMetricData {bench.namespace} (experiment {seen.experiment.id})"):
            client("cloudwatch").put_metric_data(Namespace=bench.namespace, MetricData=data)


def announce(bench: Bench, seen: ExperimentStatus) -> str:
    """Tell people what was decided, and how an experiment ended: each once.

    Who dies after telling and before writing it down tells again.

    Returns:
        The message's id, or in brackets why nobody was told.
    """
    experiment = seen.experiment
    word = news(seen.decision, seen.conclusion)
    if not word:
        return "(nobody told: it is not decided)"
    if word in store.dossier(bench.bucket, experiment.model).told:
        return "(told before)"
    told = Topic(bench.topic).tell(*letter(experiment, seen.decision, seen.conclusion))
    if bench.topic:
        store.note_told(bench.bucket, experiment, word)
    return told


def _seen(bench: Bench, known: Dossier) -> ExperimentStatus:
    experiment = known.experiment
    if known.conclusion is not None:
        ended = known.conclusion
        return ExperimentStatus(experiment, ended.reading, _decided(ended), ended)
    records = Records(bench.table, experiment)
    now = bench.clock.now()
    records.settle(now)
    tally = records.tally(now)
    reading = read(experiment, tally.cells, now, tally.pending, tally.late)
    return ExperimentStatus(experiment, reading, decide(experiment, reading))


def _decided(ended: Conclusion) -> Decision:
    return Decision(kind=ended.kind, winner=ended.winner, reason=ended.reason)
