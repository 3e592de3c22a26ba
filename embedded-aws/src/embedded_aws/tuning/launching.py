"""What the training jobs of a tuning job are made of. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

_TAKEN_OVER = (
    "AlgorithmSpecification", "RoleArn", "InputDataConfig", "VpcConfig", "OutputDataConfig",
    "ResourceConfig", "StoppingCondition", "EnableNetworkIsolation",
    "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining", "Environment",
)  # fmt: skip
"""Members of a ``TrainingJobDefinition`` that a training job has under the same name."""


def training_job_name(tuning_job: str, ordinal: int, salt: str) -> str:
    """As SageMaker names them: the tuning job, a number from 1, and eight digits.

    Args:
        tuning_job: Its name.
        ordinal: Of the training job, from 1.
        salt: What tells this tuning job from an earlier one of that name.
    """
    digest = hashlib.sha256(f"{salt}/{ordinal}".encode()).hexdigest()
    return f"{tuning_job}-{ordinal:03d}-{digest[:8]}"


def training_job(
    definition: Mapping[str, Any], name: str, values: Mapping[str, str]
) -> dict[str, Any]:
    """Members of ``CreateTrainingJob``.

    Args:
        definition: ``TrainingJobDefinition``.
        name: The training job's name.
        values: Its tuned hyperparameters.
    """
    request = {
        "TrainingJobName": name,
        "HyperParameters": {**(definition.get("StaticHyperParameters") or {}), **values},
        **{member: definition[member] for member in _TAKEN_OVER if member in definition},
    }
    if checkpoints := definition.get("CheckpointConfig"):
        # In one folder, each would go on from the checkpoints of another combination.
        place = f"{checkpoints['S3Uri'].rstrip('/')}/{name}"
        request["CheckpointConfig"] = {**checkpoints, "S3Uri": place}
    return request
