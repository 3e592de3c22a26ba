"""SageMaker's events, after the examples in its developer guide ("Events that SageMaker sends").

Statuses of endpoints are in capitals there (``IN_SERVICE``), those of jobs are not; times are
milliseconds, and those of model packages text.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from typing import Any

from embedded_aws.events.bus import Told

SOURCE = "aws.sagemaker"
_OF_A_JOB_ALONE = ("FinalMetricDataList", "ProfilingStatus")


def training_job(description: Mapping[str, Any]) -> Told:
    """A training job's new status, primary or secondary, from its description."""
    detail = {key: item for key, item in description.items() if key not in _OF_A_JOB_ALONE}
    return Told(
        SOURCE,
        "SageMaker Training Job State Change",
        description["TrainingJobArn"],
        description["LastModifiedTime"],
        _in_milliseconds(detail),
    )


def processing_job(description: Mapping[str, Any]) -> Told:
    """A processing job's new status, from its description."""
    return Told(
        SOURCE,
        "SageMaker Processing Job State Change",
        description["ProcessingJobArn"],
        description["LastModifiedTime"],
        _in_milliseconds(description),
    )


def tuning_job(description: Mapping[str, Any]) -> Told:
    """A tuning job's new status, from its description."""
    return Told(
        SOURCE,
        "SageMaker HyperParameter Tuning Job State Change",
        description["HyperParameterTuningJobArn"],
        description["LastModifiedTime"],
        _in_milliseconds(description),
    )


def transform_job(description: Mapping[str, Any], at: float) -> Told:
    """A transform job's new status, from its description, and when it changed."""
    return Told(
        SOURCE,
        "SageMaker Transform Job State Change",
        description["TransformJobArn"],
        at,
        _in_milliseconds(description),
    )


def endpoint(description: Mapping[str, Any]) -> Told:
    """An endpoint's new status, from its description."""
    return _endpoint(
        "SageMaker Endpoint State Change", description, description["LastModifiedTime"]
    )


def endpoint_deployment(description: Mapping[str, Any], at: float) -> Told:
    """A new step of an endpoint's update: its variants' ``VariantStatus``."""
    return _endpoint("SageMaker Endpoint Deployment State Change", description, at)


def model_package(package: Mapping[str, Any]) -> Told:
    """A model package that was registered, or whose approval changed."""
    changed = float(package.get("LastModifiedTime", package["CreationTime"]))
    return Told(
        SOURCE,
        "SageMaker Model Package State Change",
        package["ModelPackageArn"],
        changed,
        {key: _text(item) if key.endswith("Time") else item for key, item in package.items()},
        tagged=False,
    )


def _endpoint(kind: str, description: Mapping[str, Any], at: float) -> Told:
    status = re.sub(r"(?<!^)(?=[A-Z])", "_", description["EndpointStatus"]).upper()
    detail = {**_in_milliseconds(description), "EndpointStatus": status}
    return Told(SOURCE, kind, description["EndpointArn"], at, detail)


def _in_milliseconds(members: Any) -> Any:
    if isinstance(members, Mapping):
        return {
            key: round(item * 1000)
            if key.endswith("Time") and isinstance(item, float)
            else _in_milliseconds(item)
            for key, item in members.items()
        }
    if isinstance(members, list | tuple):
        return [_in_milliseconds(item) for item in members]
    return members


def _text(when: float) -> str:
    return dt.datetime.fromtimestamp(when, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
