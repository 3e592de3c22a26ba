"""The actions of hyperparameter tuning jobs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from embedded_aws.events import sagemaker as events
from embedded_aws.jobs.listing import cut
from embedded_aws.jobs.machinery import Machinery
from embedded_aws.jobs.room import JobRoom
from embedded_aws.jobs.state import TERMINAL
from embedded_aws.protocol.service import AwsFault
from embedded_aws.training import Training
from embedded_aws.training.job import Job as TrainingJob
from embedded_aws.tuning import warm_start
from embedded_aws.tuning.checks import (
    check_request,
    hyperband_in,
    invalid,
    most_training_jobs,
    space_in,
)
from embedded_aws.tuning.completion import Criteria
from embedded_aws.tuning.job import Job
from embedded_aws.tuning.launching import training_job, training_job_name
from embedded_aws.tuning.runner import Runner, Tag
from embedded_aws.tuning.strategy import Strategy
from embedded_aws.tuning.trial import Trial
from embedded_aws.world import World

_TRIALS = "sagemaker.tuning-trial"
_NAME = "HyperParameterTuningJobName"
_METRIC = "FinalHyperParameterTuningJobObjectiveMetric"


class Tuning(JobRoom[Job]):
    """Tuning jobs of one embedded AWS; see `embedded_aws.jobs.room.JobRoom`.

    Args:
        world: What its services share.
        training: The training jobs that they are made of.
        tag: Tags a training job.
    """

    job_class = Job
    record = "sagemaker.tuning-job"
    resource = "hyper-parameter-tuning-job"
    folder = "tuning"
    words = "hyperparameter tuning job"
    missing = "Could not find a hyperparameter tuning job with the name {name}."
    missing_code = "ResourceNotFound"

    def __init__(self, world: World, training: Training, tag: Tag) -> None:
        self._training = training
        self._tag = tag
        super().__init__(world)
        for record in world.records.all(_TRIALS):
            if (job := self._jobs.get(record["job"])) is not None:
                job.trials.append(Trial.restored(record["trial"]))
        for job in self._jobs.values():
            job.trials.sort(key=lambda trial: (trial.created, trial.name))
        training.heard = self._hear

    def restore(self) -> None:
        """Go on with what ran when an earlier process ended; S3 must answer already."""
        for job in [job for job in self._jobs.values() if job.status not in TERMINAL]:
            if job.status == "Stopping":
                job.stop_asked.set()
            runner = self.runner(job, self._machinery)
            self._runners.append(runner)
            runner.start()

    def left_behind(self, job: Job) -> None:
        """See `JobRoom.left_behind`: it is taken up by `restore`."""

    def actions(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """See `JobRoom.actions`."""
        return {
            **super().actions(),
            "ListTrainingJobsForHyperParameterTuningJob": self._list_training_jobs,
        }

    def checked(self, request: dict[str, Any], s3: Any) -> None:
        """See `JobRoom.checked`; what no training job may be is refused here already."""
        check_request(request)
        definition, config = request["TrainingJobDefinition"], request[f"{self.kind}Config"]
        values = {one.name: "" for one in space_in(config)}
        name = training_job_name(request[_NAME], 1, "")
        example = training_job(definition, name, values)
        self._training.checked(example, s3)
        for member in ("StoppingCondition", "OutputDataConfig", "InputDataConfig"):
            if member in example:
                definition[member] = example[member]
        if start := request.get("WarmStartConfig"):
            self._check_warm_start(request, start)

    def role_of(self, request: dict[str, Any]) -> str:
        """See `JobRoom.role_of`: its training jobs'."""
        definition = request.get("TrainingJobDefinition") or {}
        if "RoleArn" not in definition:
            raise invalid("The embedded AWS needs a TrainingJobDefinition.")
        return str(definition["RoleArn"])

    def runner(self, job: Job, machinery: Machinery) -> Runner:
        """See `JobRoom.runner`."""
        space = space_in(job.config)
        strategy = Strategy(
            name=job.config["Strategy"],
            space=space,
            sign=job.sign,
            seed=job.seed,
            hyperband=hyperband_in(job.config, job.definition),
            median=job.config["TrainingJobEarlyStoppingType"] == "Auto",
            inherited=warm_start.observations(
                job.parents(),
                {parent: known["static"] for parent, known in job.inherited.items()},
                job.sign,
                (job.request.get("WarmStartConfig") or {}).get("WarmStartType", ""),
            ),
        )
        criteria = Criteria.of(job.config, most_training_jobs(job.config, space), job.sign)
        return Runner(job, machinery, self._training, strategy, criteria, self._tag, self._keep)

    def tell(self, job: Job) -> None:
        """See `JobRoom.tell`."""
        self._world.events.tell(events.tuning_job(job.describe()))

    def things(self) -> dict[str, Any]:
        """Jobs and their statuses, for the admin path."""
        return {"tuning_jobs": self.statuses()}

    def close(self) -> None:
        """See `JobRoom.close`: its runners are woken, to see it."""
        self._machinery.closing.set()
        with self._lock:
            jobs = list(self._jobs.values())
        for job in jobs:
            job.wake.set()
        super().close()

    def _create(self, params: dict[str, Any]) -> dict[str, Any]:
        seed = params.get(f"{self.kind}Config", {}).get("RandomSeed")
        job = self.begin(
            params,
            seed=secrets.randbits(31) if seed is None else seed,
            tags=params.get("Tags") or [],
            inherited=self._inheritance(params.get("WarmStartConfig") or {}),
        )
        return {f"{self.kind}Arn": job.arn}

    def _list(self, params: dict[str, Any]) -> dict[str, Any]:
        """Unlike training jobs, these are listed by name."""
        return super()._list({"SortBy": "Name", **params})

    def _list_training_jobs(self, params: dict[str, Any]) -> dict[str, Any]:
        rows = self._job(params).training_jobs()
        if status := params.get("StatusEquals"):
            rows = [row for row in rows if row["TrainingJobStatus"] == status]
        by = params.get("SortBy", "Name")
        if by == "FinalObjectiveMetricValue":
            rows = [row for row in rows if _METRIC in row]
            rows.sort(key=lambda row: row[_METRIC]["Value"])
        else:
            member = by if by == "CreationTime" else f"TrainingJob{by}"
            rows.sort(key=lambda row: (row[member], row["TrainingJobName"]))
        if params.get("SortOrder") == "Descending":
            rows.reverse()
        return cut(rows, params, "TrainingJobSummaries")

    def _delete(self, params: dict[str, Any]) -> dict[str, Any]:
        job = self._job(params)
        answer = super()._delete(params)
        for trial in job.trials:
            self._world.records.drop(_TRIALS, trial.name)
        return answer

    def _hear(self, training_job: TrainingJob) -> None:
        name = str(training_job.tuning_arn).rpartition("/")[2]
        with self._lock:
            launchers = [job for job in self._jobs.values() if job.name.lower() == name]
        for job in launchers:
            job.wake.set()

    def _keep(self, job: Job, trial: Trial) -> None:
        """Keep a trial; the tuning job goes on whatever the disk says."""
        if self._machinery.closing.is_set():
            return
        with job.lock:
            record = {"job": job.name, "trial": trial.record()}
        self.keep_if_possible(_TRIALS, trial.name, record)

    def _inheritance(self, start: dict[str, Any]) -> dict[str, Any]:
        """What the parents of a warm start have found, as it is now."""
        known = {}
        for parent in start.get("ParentHyperParameterTuningJobs") or ():
            job = self._job(parent)
            with job.lock:
                known[job.name] = {
                    "static": dict(job.definition.get("StaticHyperParameters") or {}),
                    "trials": [trial.record() for trial in job.trials],
                }
        return known

    def _check_warm_start(self, request: dict[str, Any], start: dict[str, Any]) -> None:
        config = request[f"{self.kind}Config"]
        if config["Strategy"] not in {"Bayesian", "Random"}:
            raise invalid("A warm start is for the strategies Bayesian and Random.")
        parents = [self._job(parent) for parent in start["ParentHyperParameterTuningJobs"]]
        own = warm_start.Searched(
            request[_NAME], "InProgress", config["HyperParameterTuningJobObjective"],
            space_in(config), request["TrainingJobDefinition"],
        )  # fmt: skip
        theirs = [
            warm_start.Searched(
                job.name, job.status, job.objective, space_in(job.config), job.definition
            )
            for job in parents
        ]
        try:
            warm_start.check(own, theirs, start["WarmStartType"])
        except warm_start.WarmStartError as error:
            raise AwsFault("ValidationException", str(error)) from error
