"""Experiments in S3, moved by compare-and-swap only.

``<model>/experiment.json``            what clients read: the running experiment, or the last one
``_experiments/<model>/<id>.json``     dossier: what was asked for, and how it ended
"""

from __future__ import annotations

from tasks import objects, stored
from tasks.errors import ExperimentError, ExperimentMoved, ExperimentRunning, ExperimentUnknown
from tasks.experiments.assigned import parsed, public, public_key
from tasks.experiments.decision import Conclusion
from tasks.experiments.plan import Assignment, Experiment, assignment
from tasks.values import Frozen

ONE_MINUTE = "public, max-age=60"
TRIES = 5


class Dossier(Frozen):
    """An experiment, how it ended, and what people were told of it so far."""

    experiment: Experiment
    conclusion: Conclusion | None = None
    told: tuple[str, ...] = ()


def dossier_key(model: str, identity: str) -> str:
    """Key of an experiment's dossier."""
    return f"_experiments/{model}/{identity}.json"


def dossier(bucket: str, model: str) -> Dossier:
    """The running experiment of a model, or its last one.

    Raises:
        ExperimentUnknown: there never was one.
    """
    shown = public(bucket, model)
    key = "" if shown is None else dossier_key(model, shown.experiment)
    found = objects.read(bucket, key) if key else None
    if found is None:
        raise ExperimentUnknown(
            f"{model}: there is no experiment.", "Start one with experiment/start."
        )
    return _dossier(bucket, key, found.body)


def open_experiment(bucket: str, experiment: Experiment) -> Experiment:
    """Begin an experiment: dossier first, then what clients read.

    Returns:
        The experiment as it runs; a retry of the run that began it finds it again.

    Raises:
        ExperimentRunning: another one has not been concluded.
    """
    model = experiment.model
    key = public_key(model)
    record = objects.read(bucket, key)
    standing = None if record is None else parsed(bucket, model, record.body)
    if standing is not None and standing.state == "running":
        known = dossier(bucket, model).experiment
        if known.same_as(experiment):
            return known
        raise _running(standing)
    objects.create(
        bucket,
        dossier_key(model, experiment.id),
        Dossier(experiment=experiment).model_dump_json(indent=1).encode(),
    )
    fresh = assignment(experiment)
    body = fresh.model_dump_json(indent=1).encode()
    if record is None:
        objects.create(bucket, key, body, cache_control=ONE_MINUTE)
    else:
        objects.swap(bucket, key, body, etag=record.etag, cache_control=ONE_MINUTE)
    after = public(bucket, model)
    if after != fresh:
        raise _running(after or fresh)
    return experiment


def close_experiment(bucket: str, known: Dossier, conclusion: Conclusion) -> Conclusion:
    """Write how an experiment ended, then tell clients; safe to repeat.

    Returns:
        The conclusion that stands: the first one that was written.

    Raises:
        ExperimentMoved: others kept writing what clients read.
    """
    experiment = known.experiment
    key = dossier_key(experiment.model, experiment.id)
    record = objects.read(bucket, key)
    if record is None:
        raise ExperimentUnknown(
            f"s3://{bucket}/{key} is gone.", "Restore it from the bucket's history."
        )
    standing = _dossier(bucket, key, record.body)
    if standing.conclusion is None:
        ended = standing.model_copy(update={"conclusion": conclusion})
        body = ended.model_dump_json(indent=1).encode()
        if objects.swap(bucket, key, body, etag=record.etag) is None:
            return close_experiment(bucket, known, conclusion)  # somebody concluded it just now
        standing = ended
    if standing.conclusion is None:
        raise _moved(experiment)
    tell_clients(bucket, experiment, standing.conclusion)
    return standing.conclusion


def note_told(bucket: str, experiment: Experiment, word: str) -> None:
    """Write down that people were told something, so that the next reading does not repeat it.

    Raises:
        ExperimentMoved: others kept writing the dossier.
    """
    key = dossier_key(experiment.model, experiment.id)
    for _ in range(TRIES):
        record = objects.read(bucket, key)
        if record is None:
            return
        standing = _dossier(bucket, key, record.body)
        if word in standing.told:
            return
        fresh = standing.model_copy(update={"told": (*standing.told, word)})
        body = fresh.model_dump_json(indent=1).encode()
        if objects.swap(bucket, key, body, etag=record.etag) is not None:
            return
    raise _moved(experiment)


def tell_clients(bucket: str, experiment: Experiment, conclusion: Conclusion) -> None:
    """Let clients stop assigning users; nothing to do when they know, or another one began."""
    key = public_key(experiment.model)
    record = objects.read(bucket, key)
    shown = None if record is None else parsed(bucket, experiment.model, record.body)
    if record is None or shown is None or shown.experiment != experiment.id:
        return
    ended = shown.model_copy(update={"state": "concluded", "winner": conclusion.winner})
    if shown == ended:
        return
    body = ended.model_dump_json(indent=1).encode()
    objects.swap(bucket, key, body, etag=record.etag, cache_control=ONE_MINUTE)
    after = public(bucket, experiment.model)
    if after is not None and after.experiment == experiment.id and after != ended:
        raise _moved(experiment)


def _running(standing: Assignment) -> ExperimentRunning:
    return ExperimentRunning(
        f"{standing.model}: experiment {standing.experiment} ({standing.treatment} against "
        f"{standing.control}) is running until {standing.ends}.",
        "Conclude it with experiment/conclude, then start this one.",
    )


def _moved(experiment: Experiment) -> ExperimentMoved:
    return ExperimentMoved(
        f"{experiment.model}: somebody else wrote experiment {experiment.id} in this moment.",
        "Run again; what was done is found again.",
    )


def _dossier(bucket: str, key: str, body: bytes) -> Dossier:
    return stored.parsed(Dossier, body, f"s3://{bucket}/{key}", ExperimentError)
