"""What ``CreateProcessingJob`` refuses beyond the constraints of the API model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any

from embedded_aws.processing.layout import PLACE
from embedded_aws.protocol.service import AwsFault


def check_request(request: dict[str, Any]) -> None:
    """Refuse what contradicts itself, and what the embedded AWS cannot run.

    Raises:
        AwsFault: ``ValidationException``.
    """
    if not request["AppSpecification"].get("ContainerEntrypoint"):
        raise _invalid(
            "The embedded AWS runs no container images: AppSpecification needs a "
            "ContainerEntrypoint."
        )
    cluster = request["ProcessingResources"]["ClusterConfig"]
    if not cluster.get("InstanceType") or not cluster.get("InstanceCount"):
        raise _invalid("ClusterConfig must specify InstanceType and InstanceCount.")
    inputs = request.get("ProcessingInputs") or []
    outputs = (request.get("ProcessingOutputConfig") or {}).get("Outputs") or []
    _check_unique("Input", [one["InputName"] for one in inputs])
    _check_unique("Output", [one["OutputName"] for one in outputs])
    for one in inputs:
        source = one.get("S3Input")
        if source is None:
            raise _invalid(f"The embedded AWS supports only S3Input (input {one['InputName']}).")
        if source["S3InputMode"] == "Pipe":
            raise _invalid(
                f"The embedded AWS supports no Pipe input mode (input {one['InputName']})."
            )
        if source["S3CompressionType"] != "None":
            raise _invalid(
                f"S3CompressionType {source['S3CompressionType']} needs Pipe mode (input "
                f"{one['InputName']})."
            )
        _check_place("input", one["InputName"], source.get("LocalPath"))
    for one in outputs:
        target = one.get("S3Output")
        if target is None:
            raise _invalid(f"The embedded AWS supports only S3Output (output {one['OutputName']}).")
        _check_place("output", one["OutputName"], target.get("LocalPath"))


def _check_unique(what: str, names: Sequence[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise _invalid(f"{what} names must be unique within a processing job: {name}")


def _check_place(what: str, name: str, path: str | None) -> None:
    if path is None:
        raise _invalid(f"LocalPath is required (processing {what} {name}).")
    parts = PurePosixPath(path)
    if ".." in parts.parts or not parts.is_relative_to(PLACE) or parts == PurePosixPath(PLACE):
        raise _invalid(f"LocalPath {path} of the processing {what} {name} must begin with {PLACE}/")


def _invalid(message: str) -> AwsFault:
    return AwsFault("ValidationException", message)
