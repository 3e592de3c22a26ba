"""The processing job that does an act: its name and its request. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.artefacts.act import ArtefactAct
from tasks.images import address_of
from tasks.settings import Settings
from tasks.values import fingerprint

SECONDS = 7_200
"""How long an act may take: a bundle's own process has an hour, beside what is brought and kept."""
VOLUME_GB = 30
PLACE = "/opt/ml/processing"
CODE, GIVEN, LEFT = (f"{PLACE}/{name}" for name in ("code", "input", "output"))
_START = 'cd "$0" && tar -xzf sourcedir.tar.gz && exec python3 -m tasks.artefacts.program "$@"'
_CHUNK = 1 << 20


def job_name(
    model: str, act: ArtefactAct, code: str, inputs: Mapping[str, Path], order: Any
) -> str:
    """Name of the first attempt: the same for the same act on the same bytes.

    Args:
        model: The model.
        act: What is done.
        code: Hash of the code that does it.
        inputs: Files and folders by name.
        order: What else it is told.
    """
    told = {name: _content(path) for name, path in sorted(inputs.items())}
    return f"{model}-{act.name}-{fingerprint([act.module, code, told, order])[:12]}"


def act_request(
    name: str,
    settings: Settings,
    source: str,
    inputs: str,
    outputs: str,
    tags: Mapping[str, str],
) -> dict[str, Any]:
    """The CreateProcessingJob request.

    The container has no network, and its role reads and writes nothing but what is named here.

    Args:
        name: Name of this attempt.
        settings: The installation.
        source: ``s3://`` address of the code's archive.
        inputs: Prefix of what it is given.
        outputs: Prefix for what it leaves.
        tags: Who asked, and why.
    """
    kms = {"KmsKeyId": settings.kms_key_id} if settings.kms_key_id else {}
    volume = {"VolumeKmsKeyId": settings.kms_key_id} if settings.kms_key_id else {}
    network: dict[str, Any] = {"EnableNetworkIsolation": True}
    if settings.subnets:
        network["VpcConfig"] = {
            "Subnets": settings.subnets.split(","),
            "SecurityGroupIds": settings.security_groups.split(","),
        }
    image = settings.artefact_image or settings.training_image
    return {
        "ProcessingJobName": name,
        "RoleArn": settings.artefact_role_arn,
        "AppSpecification": {
            "ImageUri": address_of(image, settings.artefact_instance_type, "training"),
            "ContainerEntrypoint": ["sh", "-c", _START, CODE],
            "ContainerArguments": [GIVEN, LEFT],
        },
        "ProcessingInputs": [_input("code", source, CODE), _input("given", inputs, GIVEN)],
        "ProcessingOutputConfig": {
            "Outputs": [
                {
                    "OutputName": "left",
                    "S3Output": {
                        "S3Uri": outputs,
                        "LocalPath": LEFT,
                        "S3UploadMode": "EndOfJob",
                    },
                }
            ],
            **kms,
        },
        "ProcessingResources": {
            "ClusterConfig": {
                "InstanceCount": 1,
                "InstanceType": settings.artefact_instance_type,
                "VolumeSizeInGB": VOLUME_GB,
                **volume,
            }
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": SECONDS},
        "NetworkConfig": network,
        "Tags": [{"Key": key, "Value": value[:256]} for key, value in sorted(tags.items())],
    }


def _input(name: str, address: str, path: str) -> dict[str, Any]:
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": address,
            "LocalPath": path,
            "S3DataType": "S3Prefix",
            "S3InputMode": "File",
        },
    }


def _content(path: Path) -> str:
    """SHA-256 (hex) of a file, or of a folder's files with their paths."""
    digest = hashlib.sha256()
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    for file in files:
        if file != path:
            digest.update(f"{file.relative_to(path).as_posix()}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()
