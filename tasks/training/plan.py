"""What a training job is, what it is called and what it may cost: pure.

A job is named from what it is, so that a repeated call finds it instead of paying twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from models.packaging import MEASURE, TRAIN
from tasks.errors import BudgetExceeded
from tasks.images import address_of
from tasks.model_spec import ModelSpec
from tasks.prices import HOURLY_USD, hourly_usd
from tasks.settings import Settings
from tasks.specs.family import CUSTOM
from tasks.values import Frozen, fingerprint

DAY = 86_400.0
JOBS_A_DAY = 3
"""How many jobs of the worst case a day's budget is, where model.yaml does not say it."""
EVALUATION_SECONDS = 14_400
CODE_CHANNEL = "code"
CODE_FOLDER = f"/opt/ml/input/data/{CODE_CHANNEL}"
_UNDER_WAY = frozenset({"InProgress", "Stopping"})


class TrainingPlan(Frozen):
    """Everything that makes two trainings the same or different."""

    model: str
    snapshot_fingerprint: str
    contract_version: str
    code_hash: str
    split: str
    hyperparameters: Mapping[str, str]

    @property
    def identity(self) -> str:
        """Hash of what will be learned: 64 hex digits."""
        return fingerprint(self.model_dump())

    @property
    def job_name(self) -> str:
        """Name of the first attempt at this training."""
        return f"{self.model}-{self.identity[:12]}"


def hyperparameters(spec: ModelSpec, overrides: Mapping[str, Any]) -> dict[str, str]:
    """The model's hyperparameters with a run's overrides, as the strings that SageMaker takes."""
    merged = {**spec.training.hyperparameters, **{k: v for k, v in overrides.items() if v}}
    return {key: str(value) for key, value in sorted(merged.items())}


def require_budget(spec: ModelSpec) -> float:
    """Worst case of one job, US dollars.

    Raises:
        BudgetExceeded: it is above the model's budget, or cannot be known; nothing was submitted.
    """
    training = spec.training
    price = hourly_usd(training.instance_type, training.hourly_usd)
    if price is None:
        raise BudgetExceeded(
            f"Training {spec.name}: no price of {training.instance_type} is known.",
            "Say training.hourly_usd in model.yaml.",
        )
    worst = price * training.instance_count * training.max_runtime_seconds / 3600
    if worst > training.budget_usd:
        raise BudgetExceeded(
            f"Training {spec.name} may cost ${worst:.2f} ({training.instance_count} × "
            f"{training.instance_type} for {training.max_runtime_seconds} s), "
            f"over its budget of ${training.budget_usd:.2f}.",
            "Lower max_runtime_seconds or the instance in model.yaml, or raise budget_usd.",
        )
    return worst


def require_daily_budget(spec: ModelSpec, worst: float, jobs: Sequence[Mapping[str, Any]]) -> None:
    """Whether another job may begin today.

    Args:
        spec: The model.
        worst: Worst case of the job to come, US dollars.
        jobs: Descriptions of the model's jobs of the last 24 hours.

    Raises:
        BudgetExceeded: the day's budget does not hold it; nothing was submitted.
    """
    training = spec.training
    allowed = training.budget_usd_a_day or JOBS_A_DAY * training.budget_usd
    spent = sum(cost_usd(job, training.hourly_usd) for job in jobs)
    if spent + worst > allowed:
        raise BudgetExceeded(
            f"Training {spec.name} may cost ${worst:.2f}, and its {len(jobs)} jobs of the last 24 "
            f"hours cost ${spent:.2f}: over its budget of ${allowed:.2f} a day.",
            "Look at the runs' reasons for what starts it so often; wait, or raise "
            "budget_usd_a_day in model.yaml.",
        )


def cost_usd(job: Mapping[str, Any], hourly: float | None) -> float:
    """What a job has cost, or will at most while it is not over, US dollars.

    Args:
        job: What DescribeTrainingJob says.
        hourly: The model's own price of an instance-hour; None takes the list price, the dearest
            of all for an instance that is not on the list.
    """
    resources = job["ResourceConfig"]
    price = hourly_usd(resources.get("InstanceType", ""), hourly)
    if price is None:
        price = max(HOURLY_USD.values())
    if job["TrainingJobStatus"] in _UNDER_WAY:
        seconds = job["StoppingCondition"]["MaxRuntimeInSeconds"]
    else:
        seconds = job.get("BillableTimeInSeconds", 0)  # without it, nothing was ever started
    return float(price * resources.get("InstanceCount", 1) * seconds / 3600)


def is_of(model: str, job_name: str) -> bool:
    """Whether a job is one of a model's own: a training or a measuring of it."""
    return bool(re.fullmatch(rf"{re.escape(model)}-(eval-)?[0-9a-f]{{12}}(-[0-9]+)?", job_name))


def without_network(spec: ModelSpec) -> bool:
    """Whether the containers of a model's jobs have no network."""
    asked = spec.training.network_isolation
    return spec.family.backend != CUSTOM if asked is None else asked


def isolate(request: dict[str, Any]) -> None:
    """Take the network from a job's containers, as SageMaker's SDK does it.

    Script mode fetches its source from S3 by itself, over that network: it comes with a channel.
    """
    parameters = request["HyperParameters"]
    source = parameters["sagemaker_submit_directory"]
    parameters["sagemaker_submit_directory"] = f"{CODE_FOLDER}/{source.rpartition('/')[2]}"
    request["InputDataConfig"].append(_channel(CODE_CHANNEL, source))
    request["EnableNetworkIsolation"] = True


def _channel(name: str, address: str) -> dict[str, Any]:
    return {
        "ChannelName": name,
        "DataSource": {
            "S3DataSource": {
                "S3DataType": "S3Prefix",
                "S3Uri": address,
                "S3DataDistributionType": "FullyReplicated",
            }
        },
    }


def evaluation_name(model: str, version: str, holdout: str) -> str:
    """Name of the job that measures a published version on a held-out split."""
    return f"{model}-eval-{fingerprint([version, holdout])[:12]}"


def evaluation_request(
    job_name: str,
    spec: ModelSpec,
    settings: Settings,
    channels: Mapping[str, str],
    source: str,
    tags: Mapping[str, str],
) -> dict[str, Any]:
    """The CreateTrainingJob request that lets a bundle measure itself: no training, minutes."""
    plan = TrainingPlan(
        model=spec.name,
        snapshot_fingerprint="",
        contract_version="",
        code_hash="",
        split="",
        hyperparameters={},
    )
    request = training_request(job_name, plan, spec, settings, channels, source, tags)
    request["HyperParameters"]["sagemaker_program"] = MEASURE
    request["ResourceConfig"]["InstanceCount"] = 1
    request["AlgorithmSpecification"].pop("MetricDefinitions", None)
    request["StoppingCondition"] = {"MaxRuntimeInSeconds": EVALUATION_SECONDS}
    request.pop("CheckpointConfig")
    request.pop("EnableManagedSpotTraining", None)
    return request


def training_request(
    job_name: str,
    plan: TrainingPlan,
    spec: ModelSpec,
    settings: Settings,
    channels: Mapping[str, str],
    source: str,
    tags: Mapping[str, str],
) -> dict[str, Any]:
    """The CreateTrainingJob request.

    Args:
        job_name: Name of this attempt.
        plan: What will be learned.
        spec: The model.
        settings: The installation.
        channels: S3 prefix by channel name.
        source: S3 address of the source archive (script mode).
        tags: Who asked, and why.
    """
    training = spec.training
    root = f"s3://{settings.work_bucket}/jobs"
    kms = {"KmsKeyId": settings.kms_key_id} if settings.kms_key_id else {}
    request: dict[str, Any] = {
        "TrainingJobName": job_name,
        "RoleArn": settings.role_arn,
        "AlgorithmSpecification": {
            "TrainingImage": address_of(
                training.image or settings.training_image, training.instance_type, "training"
            ),
            "TrainingInputMode": "File",
            "MetricDefinitions": [
                {"Name": metric.name, "Regex": metric.regex} for metric in training.metrics
            ],
        },
        "HyperParameters": {
            **plan.hyperparameters,
            "sagemaker_program": TRAIN,
            "sagemaker_submit_directory": source,
        },
        "InputDataConfig": [_channel(name, address) for name, address in sorted(channels.items())],
        "OutputDataConfig": {"S3OutputPath": root, **kms},
        "ResourceConfig": {
            "InstanceType": training.instance_type,
            "InstanceCount": training.instance_count,
            "VolumeSizeInGB": training.volume_gb,
            **({"VolumeKmsKeyId": settings.kms_key_id} if settings.kms_key_id else {}),
        },
        # Not a hyperparameter: an own program's command line takes what its author declared.
        "Environment": {"SLUICE_LABEL": spec.data.label},
        "StoppingCondition": {"MaxRuntimeInSeconds": training.max_runtime_seconds},
        "CheckpointConfig": {"S3Uri": f"{root}/{plan.job_name}/checkpoints"},
        "Tags": [{"Key": key, "Value": value[:256]} for key, value in sorted(tags.items())],
    }
    if not request["AlgorithmSpecification"]["MetricDefinitions"]:
        del request["AlgorithmSpecification"]["MetricDefinitions"]
    if training.spot:
        request["EnableManagedSpotTraining"] = True
        request["StoppingCondition"]["MaxWaitTimeInSeconds"] = 2 * training.max_runtime_seconds
    if without_network(spec):
        isolate(request)
    if settings.subnets:
        request["VpcConfig"] = {
            "Subnets": settings.subnets.split(","),
            "SecurityGroupIds": settings.security_groups.split(","),
        }
    return request
