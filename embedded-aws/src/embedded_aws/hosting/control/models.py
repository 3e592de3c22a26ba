"""CreateModel, DescribeModel, ListModels, DeleteModel."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from embedded_aws.catalogue import arn, exists, missing, page
from embedded_aws.hosting.process import artefact
from embedded_aws.hosting.shared import SharedState
from embedded_aws.protocol.service import AwsFault

KIND = "sagemaker.model"


class Models:
    """The models of one embedded AWS."""

    def __init__(self, shared: SharedState) -> None:
        self._shared = shared
        self._lock = threading.Lock()
        self._models: dict[str, dict[str, Any]] = {
            model["ModelName"]: model for model in shared.world.records.all(KIND)
        }

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        """CreateModel: the model data must be readable, as AWS checks too."""
        name, world = params["ModelName"], self._shared.world
        resource = arn(world, "model", name)
        if name in self._models:
            raise exists("model", resource)
        container = _container(params)
        if "ModelPackageName" in container:
            raise AwsFault(
                "ValidationException",
                "Models of a ModelPackageName are not built here: name the Image and ModelDataUrl "
                "of the package's InferenceSpecification.",
            )
        if "Image" not in container:
            raise AwsFault(
                "ValidationException",
                "Either Image or ModelPackageName must be set for the model's container.",
            )
        role = params.get("ExecutionRoleArn", "")
        artefact.check(self._shared.s3_of(role), container, role, world.region)
        members = {key: value for key, value in params.items() if key != "Tags"}
        with self._lock:
            if name in self._models:
                raise exists("model", resource)
            model = {
                "EnableNetworkIsolation": False,
                **members,
                "ModelArn": resource,
                "CreationTime": world.clock.now(),
            }
            world.records.put(KIND, name, model)
            self._models[name] = model
        return {"ModelArn": resource}

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeModel."""
        return dict(self._get(params["ModelName"]))

    def listing(self, params: dict[str, Any]) -> dict[str, Any]:
        """ListModels."""
        members = ("ModelName", "ModelArn", "CreationTime")
        with self._lock:
            rows = [{key: model[key] for key in members} for model in self._models.values()]
        return page(rows, params, "Model", "Models")

    def delete(self, params: dict[str, Any]) -> dict[str, Any]:
        """DeleteModel; endpoints that run it run on."""
        self._get(params["ModelName"])
        with self._lock:
            self._shared.world.records.drop(KIND, params["ModelName"])
            self._models.pop(params["ModelName"], None)
        return {}

    def container(self, name: str) -> Mapping[str, Any]:
        """A model's container definition, its ``EnableNetworkIsolation`` and ``ExecutionRoleArn``.

        Raises:
            AwsFault: ``ValidationException`` when there is no such model.
        """
        model = self._get(name)
        of_model = ("EnableNetworkIsolation", "ExecutionRoleArn")
        return {**_container(model), **{name: model.get(name, "") for name in of_model}}

    def names(self) -> list[str]:
        """All names."""
        with self._lock:
            return sorted(self._models)

    def _get(self, name: str) -> dict[str, Any]:
        model = self._models.get(name)
        if model is None:
            raise missing("model", arn(self._shared.world, "model", name))
        return model


def _container(params: Mapping[str, Any]) -> Mapping[str, Any]:
    primary, several = params.get("PrimaryContainer"), params.get("Containers") or []
    if primary and several:
        raise AwsFault(
            "ValidationException", "Specify either PrimaryContainer or Containers, not both."
        )
    if len(several) > 1:
        raise AwsFault(
            "ValidationException",
            "The embedded AWS hosts models of one container; inference pipelines are not built.",
        )
    container: Mapping[str, Any] | None = primary or (several[0] if several else None)
    if container is None:
        raise AwsFault(
            "ValidationException", "Either PrimaryContainer or Containers must be specified."
        )
    return container
