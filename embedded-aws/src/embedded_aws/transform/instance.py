"""One machine of a transform job: a serving process, and the objects that fall to it."""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from embedded_aws.hosting.process import artefact
from embedded_aws.hosting.process.container import serving_process
from embedded_aws.hosting.process.server import (
    CLOSING_GRACE,
    PING_TIMEOUT,
    NotReadyError,
    StartError,
)
from embedded_aws.jobs.places import Piece
from embedded_aws.jobs.runner import FailedError
from embedded_aws.transform.common import Common
from embedded_aws.transform.datalog import DataLog
from embedded_aws.transform.input_object import InputObject
from embedded_aws.transform.invocations import HaltedError, Invocations
from embedded_aws.transform.parameters import MOST_MEGABYTES, Parameters, settled

LOG_GROUP = "/aws/sagemaker/TransformJobs"
START_TIMEOUT = 1800.0
"""Real seconds that AWS gives a container, if ours is not the shorter patience."""
# Our wording. AWS has been heard to say "Model container failed to respond to ping. Please ensure
# /ping endpoint is implemented and responds with an HTTP 200 status code".
UNHEALTHY = "AlgorithmError: The primary container failed to pass the health check"
_SEE_LOGS = "{blame}: See job logs for more information"


class Instance:
    """One machine. What it is made of is there before it works, so that it can be ended any time.

    Args:
        common: What it shares with the others of its job.
        folder: Its own.
        pieces: The objects that fall to it.

    Raises:
        ModelDataError: the model data is not there any more, or broken.
    """

    def __init__(self, common: Common, folder: Path, pieces: Sequence[Piece]) -> None:
        self._common = common
        self._folder = folder
        self._pieces = pieces
        machinery, settings = common.machinery, common.settings
        name = f"i-{uuid.uuid4().hex[:17]}"
        clock = machinery.world.clock
        stream = f"{common.job.name}/{name}-{int(clock.now())}"
        self._log = DataLog(
            clock, lambda text: machinery.logs.line(LOG_GROUP, f"{stream}/data-log", text)
        )
        artefact.bring(common.s3, common.container, folder / "model")
        self._server = serving_process(
            common.container,
            folder,
            common.surroundings,
            instance_id=name,
            entrypoint=settings.entrypoint,
            say=lambda text: machinery.logs.line(LOG_GROUP, stream, text),
            start_timeout=min(START_TIMEOUT, settings.start_timeout_cap),
            stop_grace=lambda: CLOSING_GRACE if machinery.closing.is_set() else settings.stop_grace,
        )

    def work(self) -> str | None:
        """Transform all objects; why some could not be, or None.

        An object that fails leaves no output, and the others go on, as with the service.

        Raises:
            FailedError: the program is not healthy, or wants more than there is.
            UploadError: S3 does not take an output.
            HaltedError: the job is to end.
        """
        try:
            self._server.start()
        except StartError:
            if self._common.halted.is_set():
                raise HaltedError from None
            raise FailedError(UNHEALTHY) from None
        parameters = settled(self._common.job.request, self._execution_parameters())
        if parameters.concurrent * parameters.megabytes > MOST_MEGABYTES:
            raise FailedError(
                f"ClientError: MaxConcurrentTransforms * MaxPayloadInMB is above {MOST_MEGABYTES}: "
                f"{parameters}"
            )
        self._log.say(str(parameters))
        return self._transform(parameters)

    def stop(self) -> None:
        """End the process; what waits for its answers gets none."""
        self._server.stop()

    def _execution_parameters(self) -> bytes:
        """What the program wants of a job, if it has an opinion."""
        try:
            answer = self._server.request("GET", "/execution-parameters", {}, b"", PING_TIMEOUT)
        except (NotReadyError, OSError):
            return b""
        return answer.body if answer.status == 200 else b""

    def _transform(self, parameters: Parameters) -> str | None:
        """Payloads of one object after another, several under way, their answers in order."""
        common = self._common
        invocations = Invocations(self._server, common.job.request, common.halted)
        blames: list[str] = []
        # An object stands here once more behind its payloads, to be stored when they are through.
        waiting: deque[tuple[InputObject, Future[bytes] | None]] = deque()

        def collect(left: int) -> None:
            while len(waiting) > left:
                one, answer = waiting.popleft()
                if answer is None:
                    if blame := one.end():
                        blames.append(blame)
                else:
                    one.take(answer)

        pool = ThreadPoolExecutor(parameters.concurrent)
        try:
            for number, piece in enumerate(self._pieces):
                one = InputObject(common, piece, self._folder / "data" / str(number), self._log)
                for payload in one.payloads(parameters):
                    # A slow answer does not keep all the others of the pool from working.
                    collect(2 * parameters.concurrent - 1)
                    if common.halted.is_set():
                        raise HaltedError
                    if one.failed:
                        break
                    waiting.append((one, pool.submit(invocations.ask, payload)))
                waiting.append((one, None))
            collect(0)
        except Exception:
            common.halted.set()
            self.stop()  # nobody waits any more for what is under way
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return _SEE_LOGS.format(blame=blames[0]) if blames else None
