"""The serving section of ``model.yaml``: how an endpoint serves."""

from __future__ import annotations

from pydantic import Field, model_validator

from tasks.specs.image import Image
from tasks.strict import Strict


class AutoscalingSpec(Strict):
    """Target tracking on invocations per instance."""

    min_instances: int = Field(default=1, ge=1, description="Fewest instances.")
    max_instances: int = Field(default=10, ge=1, description="Most instances.")
    invocations_per_instance: float = Field(
        default=70.0, gt=0, description="Invocations a minute that an instance is meant for."
    )
    cooldown_seconds: int = Field(default=300, ge=0, description="Pause between two changes.")

    @model_validator(mode="after")
    def _ordered(self) -> AutoscalingSpec:
        if self.min_instances > self.max_instances:
            raise ValueError(
                f"min_instances ({self.min_instances}) is above max_instances "
                f"({self.max_instances})"
            )
        return self


class ServingSpec(Strict):
    """How the endpoint serves."""

    program: str = Field(
        default="",
        description="Program that serves, below code/ of model.tar.gz; empty takes the bundle's "
        "own entry point. inference.py leaves serving to the image's own server.",
    )
    image: Image = ""
    instance_type: str = Field(default="ml.m5.large", description="Instance type of a variant.")
    instance_count: int = Field(default=1, ge=1, description="Instances of a variant.")
    start_seconds: int = Field(
        default=600, ge=60, le=3600, description="Longest start-up of the container, seconds."
    )
    network_isolation: bool = Field(
        default=False,
        description="Run the containers without a network (EnableNetworkIsolation). They then "
        "publish no predictions, so that a release judges errors and latency, and fetch no photo "
        "by its address.",
    )
    autoscaling: AutoscalingSpec | None = None
