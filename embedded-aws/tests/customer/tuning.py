"""Tuning jobs of tiny programs, as a customer of SageMaker asks for them."""

from __future__ import annotations

import io
import tarfile
import time
from typing import Any

ROLE = "arn:aws:iam::123456789012:role/any"
PARABOLA = """
import json, os
settings = json.loads(os.environ["SM_HPS"])
print("loss=%r" % ((float(settings["x"]) - 0.3) ** 2))
"""
"""A program whose loss is least where x is 0.3."""
METRIC = {"Name": "loss", "Regex": "loss=([-0-9.e+naif]+)"}
X = {"Name": "x", "MinValue": "0", "MaxValue": "1"}
ENDED = ("Completed", "Failed", "Stopped")


class Tuner:
    """Asks for tuning jobs of programs, and waits for them.

    Args:
        client: Makes a boto3 client of a service.
        bucket: For code and models.
    """

    def __init__(self, client: Any, bucket: str = "tuning") -> None:
        self.s3, self.sagemaker, self.bucket = client("s3"), client("sagemaker"), bucket
        self.s3.create_bucket(Bucket=bucket)

    def request(self, name: str, program: str = PARABOLA, **changes: Any) -> dict[str, Any]:
        """A CreateHyperParameterTuningJob request.

        Args:
            name: The tuning job's.
            program: What each training job runs.
            changes: ``config`` and ``definition`` are laid over those members, ``ranges`` and
                ``limits`` replace theirs, and whatever else is a member of the request.
        """
        key = f"code/{name}.tar.gz"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=_archive(program))
        config = {
            "Strategy": "Random",
            "RandomSeed": 7,
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ResourceLimits": {
                "MaxParallelTrainingJobs": 2,
                **changes.pop("limits", {"MaxNumberOfTrainingJobs": 3}),
            },
            "ParameterRanges": changes.pop("ranges", {"ContinuousParameterRanges": [X]}),
        }
        definition = {
            "StaticHyperParameters": {
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": f"s3://{self.bucket}/{key}",
                **changes.pop("static", {}),
            },
            "AlgorithmSpecification": {
                "TrainingImage": "image",
                "TrainingInputMode": "File",
                "MetricDefinitions": [METRIC],
            },
            "RoleArn": ROLE,
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/jobs"},
            "ResourceConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 1,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 86_400},
        }
        return {
            "HyperParameterTuningJobName": name,
            "HyperParameterTuningJobConfig": {**config, **changes.pop("config", {})},
            "TrainingJobDefinition": {**definition, **changes.pop("definition", {})},
            **changes,
        }

    def start(self, name: str, program: str = PARABOLA, **changes: Any) -> str:
        """Create it; returns its ARN."""
        request = self.request(name, program, **changes)
        return self.sagemaker.create_hyper_parameter_tuning_job(**request)[
            "HyperParameterTuningJobArn"
        ]

    def describe(self, name: str) -> dict[str, Any]:
        told = self.sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName=name)
        return {key: value for key, value in told.items() if key != "ResponseMetadata"}

    def wait(self, name: str, seconds: float = 120.0) -> dict[str, Any]:
        """Until it has ended."""
        return until(lambda: self._ended(name), seconds)

    def run(self, name: str, program: str = PARABOLA, **changes: Any) -> dict[str, Any]:
        self.start(name, program, **changes)
        return self.wait(name)

    def trials(self, name: str, **more: Any) -> list[dict[str, Any]]:
        """All of its training jobs, by name."""
        return self.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(
            **{"HyperParameterTuningJobName": name, "MaxResults": 100, **more}
        )["TrainingJobSummaries"]

    def _ended(self, name: str) -> dict[str, Any] | None:
        told = self.describe(name)
        return told if told["HyperParameterTuningJobStatus"] in ENDED else None


def until(what: Any, seconds: float = 120.0) -> Any:
    """Wait for a thing to be so; returns it."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not so after {seconds} s")


def value_of(trial: dict[str, Any]) -> float:
    return trial["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]


def _archive(program: str) -> bytes:
    buffer, data = io.BytesIO(), program.encode()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        entry = tarfile.TarInfo("train.py")
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
