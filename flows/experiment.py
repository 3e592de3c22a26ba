"""Two versions before users at once: start, record, read at any time, conclude."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from prefect import flow, runtime
from prefect.states import Completed, Failed
from pydantic import Field

from flows.endings import released
from flows.forms import ALL, OneOrAll
from flows.recipe import Model, Reason
from flows.release import release_within
from tasks.errors import SluiceError
from tasks.experiments import tasks as experiments
from tasks.experiments.plan import SuccessMetric, WhenDecided
from tasks.experiments.verbs import ExperimentContext, ExperimentStatus
from tasks.model_spec import known_models
from tasks.registry import Registry
from tasks.release.tasks import context_of as release_context_of
from tasks.settings import settings

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
    context = experiments.context_of(Registry.here())
    terms = (model, control, treatment, split, days, window_hours, metrics, alpha, when_decided)
    experiment = experiments.begin(context, *terms, _actor(), reason)
    return Completed(
        message=f"{experiment.id}: {experiment.percent} percent of users get "
        f"{experiment.treatment}, the others {experiment.control}."
    )


@flow(name="experiment", flow_run_name="{model} · record {url}")
def record(model: Model, url: Annotated[str, Field(json_schema_extra={"minLength": 6})]) -> Any:
    """Record what users did, from a file of JSON lines. A repeated record counts once.

    A line: {"user_id": "u1", "event_id": "e1", "metric": "demo_booked", "value": 1}.

    Args:
        model: Which model's experiment.
        url: Address of the file, like s3://sluice-work/records/2026-02-01.jsonl.
    """
    return Completed(
        message=experiments.record(experiments.context_of(Registry.here()), model, url)
    )


@flow(name="experiment", flow_run_name="{model} · read")
def read(model: OneOrAll = ALL) -> Any:
    """Count who is due and read; look as often as you like, it never costs a wrong winner.

    What is decided is concluded and released if the experiment was started so.

    Args:
        model: Which model; all reads every running experiment.
    """
    context = experiments.context_of(Registry.here())
    models = known_models(settings().models_dir)
    sentences: list[str] = []
    conclusions: list[ExperimentStatus] = []
    wrong = False
    for name in [model] if model != ALL else models:
        try:
            if model == ALL and not experiments.open_experiments(context, [name]):
                continue
            status = _read(context, name)
        except SluiceError as error:  # one experiment in trouble does not stop the others
            sentences.append(f"{name}: {error}")
            wrong = True
            continue
        sentences.append(f"{name}: {status.decision.reason}")
        wrong |= status.reading.mismatch
        if status.conclusion is not None:
            conclusions.append(status)
    for (
        status
    ) in conclusions:  # a release takes hours: every experiment is read before the first begins
        to_release = status.experiment.when_decided == "release"
        try:
            sentence, failed = _release(context, status, to_release=to_release)
        except SluiceError as error:
            sentence, failed = f"{status.experiment.model}: {error}", True
        sentences.append(sentence)
        wrong |= failed
    message = " ".join(sentences) or "No experiment is running."
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
    context = experiments.context_of(Registry.here())
    status = experiments.conclude(context, model, _actor(), reason, stop)
    experiments.tell(context, status)
    planned = status.experiment.when_decided == "release"
    to_release = planned if release_winner == "as planned" else release_winner == "yes"
    sentence, failed = _release(context, status, to_release=to_release)
    message = f"{status.decision.reason} {sentence}"
    return Failed(message=message) if failed else Completed(message=message)


def _read(context: ExperimentContext, model: str) -> ExperimentStatus:
    status = experiments.observe(context, model)
    decided = status.decision.kind != "undecided"
    if decided and status.conclusion is None and status.experiment.when_decided != "tell":
        status = experiments.conclude(context, model, _actor(), "decided")
    if decided:
        experiments.tell(context, status)
    return status


def _release(
    context: ExperimentContext, status: ExperimentStatus, *, to_release: bool
) -> tuple[str, bool]:
    """Release a winning treatment if that is wanted; what came of it, and whether it failed."""
    model = status.experiment.model
    version, why = experiments.to_release(context, status)
    if version is None:
        return why, False
    if not to_release:
        return f"{version} is not released by itself; press release/manual.", False
    entry = release_context_of(Registry.here()).journals.read(model)
    if entry is not None and not entry.journal.ended:
        busy = f"release {entry.journal.release_id} of {entry.journal.candidate.version}"
        return f"{version} is not released yet: {busy} is under way; read again later.", False
    state = release_within(model, version, f"won experiment {status.experiment.id}")
    return f"{why} {state.message}", not released(state)


def _actor() -> str:
    return f"flow run {runtime.flow_run.name}"
