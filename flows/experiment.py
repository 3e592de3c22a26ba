"""Two versions before users at once: start, record, read at any time, conclude."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from prefect import flow, runtime
from prefect.states import Completed, Failed
from pydantic import Field

from flows.endings import released
from flows.forms import ALL, menu
from flows.recipe import Model, Reason
from flows.release import release_within
from tasks.errors import SluiceError
from tasks.experiments import tasks as experiments
from tasks.experiments.plan import SuccessMetric, WhenDecided
from tasks.experiments.verbs import Bench, ExperimentStatus
from tasks.model_spec import known_models
from tasks.registry import Registry
from tasks.release.tasks import desk_of
from tasks.settings import settings

OneOrAll = Annotated[str, menu("models or all")]
Percent = Annotated[int, Field(json_schema_extra={"minimum": 1, "maximum": 99})]
Metrics = Annotated[list[SuccessMetric], Field(json_schema_extra={"minItems": 1})]
Version = Annotated[str, Field(json_schema_extra={"minLength": 1})]


@flow(name="experiment", flow_run_name="{model} · start {treatment} · {reason}")
def start(
    model: Model,
    treatment: Version,
    metrics: Metrics,
    control: str = "",
    split: Percent = 50,
    days: float = 14.0,
    window_hours: float = 24.0,
    alpha: float = 0.05,
    when_decided: WhenDecided = "tell",
    reason: Reason = "by hand",
) -> Any:
    """Give part of the users another version, and compare what the users then do.

    Clients read who gets what from <model>/experiment.json. One experiment at a time per model.

    Args:
        model: Which model. A model is a folder below models/.
        treatment: Version to try, like v20260131_020000.
        metrics: What success is, at least one. A user counts once in each.
        control: Version to compare with; empty takes the one that serves.
        split: Percent of the users who get the treatment, 1 to 99.
        days: How long users are counted, at most.
        window_hours: What a user does counts for so long from when he is first heard of.
        alpha: Chance of a wrong winner, over all looks and all metrics.
        when_decided: tell only, conclude by itself, or conclude and release a winning treatment.
        reason: Why, in a sentence; it stands in the record.
    """
    bench = experiments.bench_of(Registry.here())
    asked = (model, control, treatment, split, days, window_hours, metrics, alpha, when_decided)
    started = experiments.begin(bench, *asked, _actor(), reason)
    return Completed(
        message=f"{started.id}: {started.percent} percent of users get {started.treatment}, the "
        f"others {started.control}."
    )


@flow(name="experiment", flow_run_name="{model} · record {url}")
def record(model: Model, url: Annotated[str, Field(json_schema_extra={"minLength": 6})]) -> Any:
    """Record what users did, from a file of JSON lines. A repeated record counts once.

    A line: {"user_id": "u1", "event_id": "e1", "metric": "demo_booked", "value": 1}.

    Args:
        model: Which model's experiment.
        url: Address of the file, like s3://sluice-work/records/2026-02-01.jsonl.
    """
    return Completed(message=experiments.record(experiments.bench_of(Registry.here()), model, url))


@flow(name="experiment", flow_run_name="{model} · read")
def read(model: OneOrAll = ALL) -> Any:
    """Count who is due and read; look as often as you like, it never costs a wrong winner.

    What is decided is concluded and released if the experiment was started so.

    Args:
        model: Which model; all reads every running experiment.
    """
    bench = experiments.bench_of(Registry.here())
    known = known_models(settings().models_dir)
    told: list[str] = []
    ended: list[ExperimentStatus] = []
    wrong = False
    for name in [model] if model != ALL else known:
        try:
            if model == ALL and not experiments.at_hand(bench, [name]):
                continue
            seen = _read(bench, name)
        except SluiceError as error:  # one experiment in trouble does not stop the others
            told.append(f"{name}: {error}")
            wrong = True
            continue
        told.append(f"{name}: {seen.decision.reason}")
        wrong |= seen.reading.mismatch
        if seen.conclusion is not None:
            ended.append(seen)
    for seen in ended:  # a release takes hours: every experiment is read before the first begins
        wanted = seen.experiment.when_decided == "release"
        try:
            said, failed = _release(bench, seen, wanted=wanted)
        except SluiceError as error:
            said, failed = f"{seen.experiment.model}: {error}", True
        told.append(said)
        wrong |= failed
    message = " ".join(told) or "No experiment is running."
    return Failed(message=message) if wrong else Completed(message=message)


@flow(name="experiment", flow_run_name="{model} · conclude · {reason}")
def conclude(
    model: Model,
    reason: Reason = "by hand",
    stop: bool = False,
    release_winner: Literal["as planned", "yes", "no"] = "as planned",
) -> Any:
    """End the experiment: users are no longer split, and the outcome is written down.

    Args:
        model: Which model's experiment.
        reason: Why, in a sentence; it stands in the record.
        stop: End it without a winner although it is not decided yet.
        release_winner: Put a winning treatment before all users, through the release flow.
    """
    bench = experiments.bench_of(Registry.here())
    seen = experiments.conclude(bench, model, _actor(), reason, stop)
    experiments.tell(bench, seen)
    planned = seen.experiment.when_decided == "release"
    wanted = planned if release_winner == "as planned" else release_winner == "yes"
    said, failed = _release(bench, seen, wanted=wanted)
    message = f"{seen.decision.reason} {said}"
    return Failed(message=message) if failed else Completed(message=message)


def _read(bench: Bench, model: str) -> ExperimentStatus:
    seen = experiments.look(bench, model)
    decided = seen.decision.kind != "undecided"
    if decided and seen.conclusion is None and seen.experiment.when_decided != "tell":
        seen = experiments.conclude(bench, model, _actor(), "decided")
    if decided:
        experiments.tell(bench, seen)
    return seen


def _release(bench: Bench, seen: ExperimentStatus, *, wanted: bool) -> tuple[str, bool]:
    """Release a winning treatment if that is wanted; what came of it, and whether it failed."""
    model = seen.experiment.model
    version, told = experiments.to_release(bench, seen)
    if version is None:
        return told, False
    if not wanted:
        return f"{version} is not released by itself; press release/manual.", False
    held = desk_of(Registry.here()).journals.read(model)
    if held is not None and not held.journal.ended:
        busy = f"release {held.journal.release_id} of {held.journal.candidate.version}"
        return f"{version} is not released yet: {busy} is under way; read again later.", False
    ended = release_within(model, version, f"won experiment {seen.experiment.id}")
    return f"{told} {ended.message}", not released(ended)


def _actor() -> str:
    return f"flow run {runtime.flow_run.name}"
