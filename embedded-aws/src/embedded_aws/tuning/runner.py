"""Drives one tuning job: launches training jobs, looks at what becomes of them, and ends."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

from embedded_aws.jobs.machinery import Machinery
from embedded_aws.jobs.runner import ClosedError, JobRunner
from embedded_aws.protocol.service import AwsFault
from embedded_aws.training import Training
from embedded_aws.tuning.completion import Criteria, Ending, ending, final_losses
from embedded_aws.tuning.job import Job
from embedded_aws.tuning.launching import training_job, training_job_name
from embedded_aws.tuning.strategy import Strategy
from embedded_aws.tuning.trial import Trial, is_objective, next_number

log = logging.getLogger(__name__)

Tag = Callable[[str, list[dict[str, str]]], None]
Keep = Callable[[Job, Trial], None]


class Runner(JobRunner):
    """Runs one tuning job. It sleeps until a training job has changed, or a limit is reached.

    Args:
        job: The job; its trials are written by this thread and by those that read programs' output.
        machinery: Shared parts.
        training: The training jobs.
        strategy: What is tried and given up.
        criteria: When it has done enough.
        tag: Tags a training job.
        keep: Keeps a trial, over the end of this process.
    """

    def __init__(
        self,
        job: Job,
        machinery: Machinery,
        training: Training,
        strategy: Strategy,
        criteria: Criteria,
        tag: Tag,
        keep: Keep,
    ) -> None:
        super().__init__(job, machinery)
        self._job = job
        self._training = training
        self._strategy = strategy
        self._criteria = criteria
        self._tag = tag
        self._keep = keep

    @property
    def role(self) -> str:
        """See `JobRunner.role`: its training jobs'."""
        return str(self._job.definition["RoleArn"])

    def limits(self) -> Sequence[tuple[float | None, float | None, str]]:
        """See `JobRunner.limits`; its own are criteria of its completion."""
        return ()

    def carry_out(self) -> None:
        """See `JobRunner.carry_out`."""
        job = self._job
        self._take_up([trial for trial in job.trials if not trial.over])
        while (end := self._ending()) is None:
            self._launch()
            self._wait(self._time_left())
            self._look()
        self._wind_down()
        if job.stop_asked.is_set():
            end = Ending("Stopped")
        elif final_losses(job.trials, job.sign):
            end = Ending("Completed")  # what was stopped last may have told an objective
        job.finish(end.status, end.reason)

    def _ending(self) -> Ending | None:
        job = self._job
        if job.stop_asked.is_set():
            return Ending("Stopped")
        return ending(self._criteria, job.trials, job.sign, self._clock.now() - job.created)

    def _take_up(self, trials: Sequence[Trial]) -> None:
        """Go on with what an earlier process has launched, or was about to."""
        for trial in trials:
            found = self._training.get(trial.name)
            if found is None:
                self._start(trial)
            else:
                with self._job.lock:
                    trial.lost = found.failure == self._training.died
        # After all are marked: what a look finds ended is kept as it is then, and not again.
        self._look()

    def _launch(self) -> None:
        """Training jobs for all free seats."""
        job = self._job
        seats = job.config["ResourceLimits"]["MaxParallelTrainingJobs"]
        while sum(not trial.over for trial in job.trials) < seats:
            number, values = next_number(job.trials)
            if values is None:
                if number >= self._criteria.most:
                    return
                values = self._strategy.proposal(number, job.trials)
            name = training_job_name(
                job.name, len(job.trials) + 1, f"{job.arn}/{job.created}/{job.seed}"
            )
            trial = Trial(name, self._training.arn(name), number, values, self._clock.now())
            with job.lock:
                job.trials.append(trial)
            # Kept before it is started: a process that ends in between starts it, and no other.
            self._keep(job, trial)
            self._start(trial)
            if trial.over and self._ending() is not None:
                return

    def _start(self, trial: Trial) -> None:
        job = self._job
        request = training_job(job.definition, trial.name, trial.values)
        try:
            if job.tags:
                self._tag(trial.arn, job.tags)
            self._training.begin(
                request, tuning_arn=job.arn, measured=partial(self._measured, trial)
            )
        except AwsFault as fault:
            with job.lock:
                trial.status, trial.failure = "Failed", f"ClientError: {fault.message}"
                trial.ended = self._clock.now()
            self._keep(job, trial)

    def _measured(self, trial: Trial, name: str, value: float) -> None:
        """Hear a value of a metric, in the thread that reads the program's output."""
        job = self._job
        if name != job.objective["MetricName"] or not is_objective(value):
            return
        with job.lock:
            trial.objective.append(value)
            halt = not trial.halted and self._strategy.hopeless(trial, job.trials)
            trial.halted |= halt
        # Not under the lock: a training job has one of its own, and tells us of its change.
        if halt and (found := self._training.get(trial.name)) is not None:
            found.ask_to_stop()

    def _wait(self, seconds: float | None) -> None:
        """Until something has changed, or for so many real seconds."""
        self._job.wake.wait(seconds)
        self._job.wake.clear()
        if self._machinery.closing.is_set():
            raise ClosedError

    def _time_left(self) -> float | None:
        """Real seconds until ``MaxRuntimeInSeconds``."""
        if self._criteria.runtime is None:
            return None
        rest = self._job.created + self._criteria.runtime - self._clock.now()
        return max(0.0, self._clock.real_seconds(rest))

    def _look(self) -> None:
        """See what has become of the training jobs."""
        job, ended = self._job, []
        for trial in [trial for trial in job.trials if not trial.over]:
            found = self._training.get(trial.name)
            # One that somebody deleted had ended.
            now = ("Stopped", trial.started, self._clock.now(), None)
            status, started, over, failure = found.standing() if found else now
            with job.lock:
                trial.status, trial.started = status, started
                trial.ended, trial.failure = over, failure
                if found and trial.over and not trial.objective:
                    # An earlier process has heard what it told; the last of it is written down.
                    value = found.metrics.get(job.objective["MetricName"])
                    trial.objective = [value[0]] if value and is_objective(value[0]) else []
            if trial.over:
                ended.append(trial)
        if ended:
            job.note_convergence()
        for trial in ended:
            self._keep(job, trial)

    def _wind_down(self) -> None:
        """Stop what still runs, and wait for it."""
        while running := [trial for trial in self._job.trials if not trial.over]:
            for trial in running:
                if (found := self._training.get(trial.name)) is not None:
                    found.ask_to_stop()
            self._look()
            if all(trial.over for trial in running):
                return
            self._wait(None)
