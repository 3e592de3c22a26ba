"""What ``CreateTrainingJob`` refuses beyond the constraints of the API model."""

from __future__ import annotations

from collections import Counter
from pathlib import PurePosixPath
from typing import Any

from botocore.exceptions import ClientError

from embedded_aws.jobs.places import split
from embedded_aws.protocol.service import AwsFault


def check_request(request: dict[str, Any]) -> None:
    """Refuse what contradicts itself, and what the embedded AWS cannot run.

    Raises:
        AwsFault: ``ValidationException``.
    """
    _check_algorithm(request)
    _check_stopping(request)
    _check_checkpoints(request)
    resources = request.get("ResourceConfig") or {}
    if not resources.get("InstanceGroups") and not resources.get("InstanceType"):
        raise _invalid("ResourceConfig must specify InstanceType and InstanceCount.")
    channels = request.get("InputDataConfig") or []
    names = Counter(channel["ChannelName"] for channel in channels)
    for name, count in names.items():
        if count > 1:
            raise _invalid(f"Duplicate channel name found in InputDataConfig: {name}")
    for channel in channels:
        _check_channel(channel, request["AlgorithmSpecification"])


def check_input_exists(s3: Any, request: dict[str, Any], region: str) -> None:
    """Refuse channels with nothing behind them, as the service does before it starts a machine.

    Args:
        s3: S3 client.
        request: Members of ``CreateTrainingJob``.
        region: Named in the message.

    Raises:
        AwsFault: ``ValidationException``.
    """
    for channel in request.get("InputDataConfig") or []:
        uri = channel["DataSource"]["S3DataSource"]["S3Uri"]
        bucket, prefix = split(uri)
        reason = ""
        try:
            there = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1)["KeyCount"] > 0
        except ClientError as error:
            there = False
            reason = f" Error message from S3: {error.response['Error']['Message']}"
        if not there:
            raise _invalid(
                f'No S3 objects found under S3 URL "{uri}" given in input data source. Please '
                f"ensure that the bucket exists in the selected region ({region}), that objects "
                f'exist under that S3 prefix, and that the role "{request["RoleArn"]}" has '
                f'"s3:ListBucket" permissions on bucket "{bucket}".{reason}'
            )


def _check_algorithm(request: dict[str, Any]) -> None:
    algorithm = request.get("AlgorithmSpecification") or {}
    if not algorithm.get("TrainingImage"):
        raise _invalid(
            "The embedded AWS has no algorithms of its own: AlgorithmSpecification must name a "
            "TrainingImage."
            if algorithm.get("AlgorithmName")
            else "You must specify AlgorithmName or TrainingImage in AlgorithmSpecification."
        )
    scripted = "sagemaker_program" in (request.get("HyperParameters") or {})
    if not scripted and not algorithm.get("ContainerEntrypoint"):
        raise _invalid(
            "The embedded AWS runs no container images: give the hyperparameters "
            "sagemaker_program and sagemaker_submit_directory, or a ContainerEntrypoint."
        )


def _check_stopping(request: dict[str, Any]) -> None:
    condition = request["StoppingCondition"]
    wait = condition.get("MaxWaitTimeInSeconds")
    if request.get("EnableManagedSpotTraining"):
        if wait is None or wait < condition["MaxRuntimeInSeconds"]:
            raise _invalid(
                "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal "
                "to MaxRuntimeInSeconds"
            )
    elif wait is not None:
        raise _invalid(
            "MaxWaitTimeInSeconds is only supported when EnableManagedSpotTraining is true"
        )


def _check_checkpoints(request: dict[str, Any]) -> None:
    path = (request.get("CheckpointConfig") or {}).get("LocalPath")
    if path is not None and ".." in PurePosixPath(path).parts:
        raise _invalid(f"CheckpointConfig.LocalPath {path} must not lead out of a folder.")


def _check_channel(channel: dict[str, Any], algorithm: dict[str, Any]) -> None:
    name = channel["ChannelName"]
    source = channel["DataSource"].get("S3DataSource")
    if source is None:
        raise _invalid(f"The embedded AWS supports only S3DataSource (channel {name}).")
    if source["S3DataType"] not in {"S3Prefix", "ManifestFile"}:
        raise _invalid(f"The embedded AWS supports no {source['S3DataType']} (channel {name}).")
    mode = channel.get("InputMode") or algorithm.get("TrainingInputMode")
    if mode == "Pipe":
        raise _invalid(f"The embedded AWS supports no Pipe input mode (channel {name}).")
    if channel.get("CompressionType", "None") != "None":
        raise _invalid(f"CompressionType {channel['CompressionType']} needs Pipe mode ({name}).")
    if channel.get("RecordWrapperType", "None") != "None":
        raise _invalid(f"RecordWrapperType RecordIO needs Pipe mode ({name}).")


def _invalid(message: str) -> AwsFault:
    return AwsFault("ValidationException", message)
