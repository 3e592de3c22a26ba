"""The training section of ``model.yaml``: how the job is asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import Field, field_validator

from tasks.specs.image import Image
from tasks.strict import Strict

LONGEST_NAME, LONGEST_VALUE = 256, 2500
"""Characters that SageMaker takes of a hyperparameter."""


class LoggedMetric(Strict):
    """A number that SageMaker reads from the training log."""

    name: str = Field(min_length=1, max_length=255, description="Its name in SageMaker.")
    regex: str = Field(
        min_length=1, max_length=500, description="One group, which catches the number in a line."
    )

    @field_validator("regex")
    @classmethod
    def _catches(cls, regex: str) -> str:
        try:
            groups = re.compile(regex).groups
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        if not groups:
            raise ValueError("has no group (…) that catches the number")
        return regex


class TrainingSpec(Strict):
    """How the SageMaker training job is asked for."""

    program: str = Field(
        default="",
        description="Backend custom: the training program in the model's folder; empty takes "
        "train.py. Other backends train by themselves.",
    )
    image: Image = ""
    instance_type: str = Field(default="ml.m5.xlarge", description="Instance type of the job.")
    instance_count: int = Field(default=1, ge=1, description="Instances of the job.")
    volume_gb: int = Field(default=30, ge=1, le=16_384, description="Disk of each instance, GB.")
    max_runtime_seconds: int = Field(
        default=86_400,
        ge=60,
        le=2_419_200,
        description="SageMaker stops the job after this many seconds of its own clock. The "
        "embedded AWS's clock runs SLUICE_TIME_SCALE times as fast: at 60, 43200 are 12 real "
        "minutes.",
    )
    network_isolation: bool | None = Field(
        default=None,
        description="Run the job's containers without a network (EnableNetworkIsolation): channels "
        "and checkpoints come and go by SageMaker, and the hosts of one job reach each other. By "
        "default all backends but custom, whose own program may fetch something.",
    )
    spot: bool = Field(default=False, description="Train on spot capacity, with checkpoints.")
    budget_usd: float = Field(
        default=50.0, gt=0, description="A job whose worst case costs more is not submitted."
    )
    budget_usd_a_day: float | None = Field(
        default=None,
        gt=0,
        description="What the model's jobs of 24 hours may cost together: ended ones count with "
        "what was billed, others with their worst case. Beyond it none is submitted, whoever or "
        "whatever asks. Empty: three times budget_usd.",
    )
    hourly_usd: float | None = Field(
        default=None,
        ge=0,
        description="Price of one instance-hour, for the worst case; without it the list price of "
        "the instance type counts.",
    )
    hyperparameters: Mapping[str, str | int | float | bool] = Field(
        default_factory=dict, description="Passed to the program; a run may override each."
    )
    metrics: tuple[LoggedMetric, ...] = Field(
        default=(), max_length=40, description="Numbers read from the log while the job runs."
    )

    @field_validator("hyperparameters")
    @classmethod
    def _passable(cls, hyperparameters: Mapping[str, Any]) -> Mapping[str, Any]:
        for name, value in hyperparameters.items():
            if name.startswith("sagemaker_"):
                raise ValueError(f"{name} is not a model's to set")
            if not name or len(name) > LONGEST_NAME or len(str(value)) > LONGEST_VALUE:
                raise ValueError(
                    f"{name!r:.40}: SageMaker takes names of {LONGEST_NAME} characters and values "
                    f"of {LONGEST_VALUE}"
                )
        return hyperparameters
