"""One input object of a transform job on its way to its output."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future
from pathlib import Path

from embedded_aws.jobs.objects import fetch_object, store
from embedded_aws.jobs.places import DownloadError, Piece
from embedded_aws.transform.common import Common
from embedded_aws.transform.datalog import DataLog
from embedded_aws.transform.invocations import InvocationError
from embedded_aws.transform.parameters import Parameters
from embedded_aws.transform.payloads import PayloadError, assembled, payloads


class InputObject:
    """One input object on its way to its output.

    Args:
        common: What the instances of the job share.
        piece: Where it lies.
        folder: For this object alone.
        log: Hears why it failed.
    """

    def __init__(self, common: Common, piece: Piece, folder: Path, log: DataLog) -> None:
        self._common = common
        self._piece = piece
        self._folder = folder
        self._log = log
        self._blame = ""
        folder.mkdir(parents=True)
        self._output = folder / "output"
        self._output.touch()

    @property
    def failed(self) -> bool:
        """Whether one of its payloads has failed."""
        return bool(self._blame)

    def payloads(self, parameters: Parameters) -> Iterator[bytes]:
        """What of it goes into each request; none any more of one that cannot be read on."""
        source = self._common.job.request["TransformInput"]
        path = self._folder / "input"
        try:
            fetch_object(self._common.s3, self._piece.bucket, self._piece.key, path)
            yield from payloads(
                path, parameters, compression=source["CompressionType"], split=source["SplitType"]
            )
        except (DownloadError, PayloadError) as error:
            self._fail("ClientError", f"ClientError: {error}")
        finally:
            path.unlink(missing_ok=True)  # with all of the job's, if that was halted

    def take(self, answer: Future[bytes]) -> None:
        """The next of its answers, once it is there.

        Raises:
            HaltedError: the job is to end.
        """
        try:
            body = answer.result()
        except InvocationError as error:
            self._fail(error.blame, str(error), error.answer)
        else:
            target = self._common.job.request["TransformOutput"]
            with self._output.open("ab") as file:
                file.write(assembled(body, target["AssembleWith"]))

    def end(self) -> str:
        """Store its output if all of it is there; who is to blame if not, or "".

        Raises:
            UploadError: with what S3 said.
        """
        if not self.failed:
            target = self._common.job.request["TransformOutput"]
            uri = f"{target['S3OutputPath'].rstrip('/')}/{self._piece.path}.out"
            store(self._common.s3, self._output, uri, target.get("KmsKeyId") or "")
        self._output.unlink()
        return self._blame

    def _fail(self, blame: str, words: str, answer: bytes = b"") -> None:
        if not self.failed:  # what is said of payloads behind the first bad one tells nothing new
            self._log.failure(self._piece, words, answer)
        self._blame = self._blame or blame
