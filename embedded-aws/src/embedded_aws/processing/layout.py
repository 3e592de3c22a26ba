"""The folders, files and variables that a processing container finds under ``/opt/ml``.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-your-own-processing-container.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from embedded_aws.jobs.command import at_home, bring_interpreter, runnable, surroundings

PLACE = "/opt/ml/processing"
"""Where inputs and outputs lie."""


@dataclass(frozen=True)
class Host:
    """One machine of a job's cluster.

    Args:
        base: Its folder, laid out like ``/opt/ml``.
        name: ``algo-1`` …
        number: Its place, from 0.
        hosts: Names of all.
    """

    base: Path
    name: str
    number: int
    hosts: tuple[str, ...]

    def at(self, local_path: str) -> Path:
        """Where a ``LocalPath`` lies on this machine."""
        return self.base / PurePosixPath(local_path).relative_to("/opt/ml")

    @property
    def message(self) -> Path:
        """Where the program writes its ``ExitMessage``."""
        return self.base / "output" / "message"


def cluster(request: Mapping[str, Any], folder: Path) -> list[Host]:
    """The hosts of a job, each with a folder below ``folder``."""
    count = request["ProcessingResources"]["ClusterConfig"]["InstanceCount"]
    names = tuple(f"algo-{number}" for number in range(1, count + 1))
    return [Host(folder / name, name, number, names) for number, name in enumerate(names)]


def prepare(host: Host, request: Mapping[str, Any], arn: str) -> None:
    """Make the folders and write the configuration files."""
    outputs = (request.get("ProcessingOutputConfig") or {}).get("Outputs") or []
    for folder in (
        host.base / "config",
        host.base / "output",
        host.at(PLACE),
        *(host.at(one["S3Output"]["LocalPath"]) for one in outputs),
    ):
        folder.mkdir(parents=True, exist_ok=True)
    bring_interpreter(host.base)
    files = {
        "processingjobconfig.json": {**request, "ProcessingJobArn": arn},
        "resourceconfig.json": {"current_host": host.name, "hosts": list(host.hosts)},
    }
    for name, content in files.items():
        (host.base / "config" / name).write_text(json.dumps(content))


def command(request: Mapping[str, Any], base: Path) -> list[str]:
    """The program and its arguments, with ``/opt/ml`` where the job's folder really is."""
    application = request["AppSpecification"]
    words: Sequence[str] = (
        *application["ContainerEntrypoint"],
        *(application.get("ContainerArguments") or ()),
    )
    return runnable(words, base)


def environment(
    host: Host, request: Mapping[str, Any], arn: str, aws: Mapping[str, str]
) -> dict[str, str]:
    """Environment variables of the program on one host.

    Args:
        host: The machine.
        request: Members of ``CreateProcessingJob``.
        arn: The job's ARN.
        aws: Region, endpoint and credentials, as the role would give them.
    """
    isolated = (request.get("NetworkConfig") or {}).get("EnableNetworkIsolation", False)
    return {
        **surroundings(),
        "PYTHONUNBUFFERED": "1",
        **({} if isolated else aws),
        "PROCESSING_JOB_NAME": str(request["ProcessingJobName"]),
        "PROCESSING_JOB_ARN": arn,
        "SAGEMAKER_BASE_DIR": str(host.base),
        **{k: at_home(v, host.base) for k, v in (request.get("Environment") or {}).items()},
    }
