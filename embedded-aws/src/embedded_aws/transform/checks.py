"""What ``CreateTransformJob`` refuses beyond the constraints of the API model. Pure."""

from __future__ import annotations

from typing import Any

from embedded_aws.protocol.service import AwsFault
from embedded_aws.transform.parameters import MOST_MEGABYTES

MOST_INSTANCES = 100


def check_request(request: dict[str, Any]) -> None:
    """Refuse what contradicts itself, and what the embedded AWS cannot run.

    Raises:
        AwsFault: ``ValidationException``.
    """
    source = request["TransformInput"]
    kind = source["DataSource"]["S3DataSource"]["S3DataType"]
    if kind not in {"S3Prefix", "ManifestFile"}:
        raise _invalid(f"S3DataType {kind} is not compatible with transform jobs.")
    if source["SplitType"] not in {"None", "Line"}:
        raise _invalid(
            f"The embedded AWS splits by Line or not at all, not by SplitType "
            f"{source['SplitType']}."
        )
    if request["TransformResources"]["InstanceCount"] > MOST_INSTANCES:
        raise _invalid(f"InstanceCount of a transform job is at most {MOST_INSTANCES}.")
    payload = request.get("MaxPayloadInMB")
    if payload == 0:
        raise _invalid(
            "The embedded AWS sends no payloads of arbitrary size by HTTP chunked encoding: "
            "MaxPayloadInMB must be above 0."
        )
    if payload and payload > MOST_MEGABYTES:
        raise _invalid(f"MaxPayloadInMB cannot be greater than {MOST_MEGABYTES}.")
    if payload and payload * request.get("MaxConcurrentTransforms", 1) > MOST_MEGABYTES:
        raise _invalid(
            f"MaxConcurrentTransforms * MaxPayloadInMB cannot be greater than {MOST_MEGABYTES}."
        )


def _invalid(message: str) -> AwsFault:
    return AwsFault("ValidationException", message)
