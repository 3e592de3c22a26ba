"""The actions of transform jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from embedded_aws.events import sagemaker as events
from embedded_aws.hosting import Hosting
from embedded_aws.jobs.machinery import Machinery
from embedded_aws.jobs.room import JobRoom
from embedded_aws.transform.checks import check_request
from embedded_aws.transform.job import Job
from embedded_aws.transform.runner import Runner
from embedded_aws.world import World


class Transform(JobRoom[Job]):
    """Transform jobs of one embedded AWS; see `embedded_aws.jobs.room.JobRoom`.

    Args:
        world: What its services share.
        hosting: Knows the models, and how large to play.
        keep_failed: Leave the folders of failed jobs in ``<state_dir>/transform/<job>``.
    """

    job_class = Job
    record = "sagemaker.transform-job"
    resource = "transform-job"
    folder = "transform"
    words = "transform job"
    missing = "Could not find requested job with name: {name}"
    died = (
        "InternalServerError: the embedded AWS ended while this job ran, and its processes with "
        "it. Please retry."
    )

    def __init__(self, world: World, hosting: Hosting, *, keep_failed: bool = False) -> None:
        self._hosting = hosting
        super().__init__(world, keep_failed=keep_failed)

    def actions(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """See `JobRoom.actions`; the API has none that deletes a transform job."""
        actions = super().actions()
        del actions["DeleteTransformJob"]
        return actions

    def checked(self, request: dict[str, Any], _s3: Any) -> None:
        """See `JobRoom.checked`."""
        source, target = request["TransformInput"], request["TransformOutput"]
        source.setdefault("CompressionType", "None")
        source.setdefault("SplitType", "None")
        target.setdefault("AssembleWith", "None")
        check_request(request)
        self._hosting.container(request["ModelName"])

    def role_of(self, request: dict[str, Any]) -> str:
        """See `JobRoom.role_of`: it is the model's."""
        return str(self._hosting.container(request["ModelName"])["ExecutionRoleArn"])

    def runner(self, job: Job, machinery: Machinery) -> Runner:
        """See `JobRoom.runner`; the model is the one of this moment, even if it is deleted."""
        container = self._hosting.container(job.request["ModelName"])
        return Runner(job, machinery, self._hosting.settings, container)

    def tell(self, job: Job) -> None:
        """See `JobRoom.tell`."""
        self._world.events.tell(events.transform_job(job.describe(), job.modified))

    def things(self) -> dict[str, Any]:
        """Jobs and their statuses, for the admin path."""
        return {"transform_jobs": self.statuses()}

    def _list(self, params: dict[str, Any]) -> dict[str, Any]:
        """Unlike training and processing jobs, these are listed newest first."""
        return super()._list({"SortOrder": "Descending", **params})
