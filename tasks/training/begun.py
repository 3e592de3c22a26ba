"""The jobs that a model has begun, with what they cost."""

from __future__ import annotations

from typing import Any

from tasks.aws import asking
from tasks.clock import utc
from tasks.jobs.kinds import TRAINING
from tasks.jobs.lifecycle import describe
from tasks.training.plan import is_of


def since(sagemaker: Any, model: str, moment: float) -> list[dict[str, Any]]:
    """Descriptions of a model's jobs that were created since a moment (unix time of AWS's clock).

    Raises:
        AwsError: SageMaker did not answer.
    """
    asked = {"NameContains": f"{model}-", "CreationTimeAfter": utc(moment)}
    with asking(f"ListTrainingJobs of {model}"):
        pages = sagemaker.get_paginator("list_training_jobs").paginate(**asked)
        names = [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]
    described = (describe(sagemaker, TRAINING, name) for name in names if is_of(model, name))
    return [job for job in described if job is not None]
