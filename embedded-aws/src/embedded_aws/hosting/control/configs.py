"""CreateEndpointConfig, DescribeEndpointConfig, ListEndpointConfigs, DeleteEndpointConfig."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from typing import Any

from embedded_aws.catalogue import arn, exists, missing, page
from embedded_aws.hosting.asynchronous import configuration
from embedded_aws.hosting.asynchronous.delivery import check_topics
from embedded_aws.hosting.control.models import Models
from embedded_aws.hosting.shared import SharedState
from embedded_aws.protocol.service import AwsFault

WHAT = "endpoint configuration"
KIND = "sagemaker.endpoint-config"


class EndpointConfigs:
    """The endpoint configs of one embedded AWS. They are never changed, only made and deleted."""

    def __init__(self, shared: SharedState, models: Models) -> None:
        self._shared = shared
        self._models = models
        self._lock = threading.Lock()
        self._configs: dict[str, dict[str, Any]] = {
            config["EndpointConfigName"]: config for config in shared.world.records.all(KIND)
        }

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        """CreateEndpointConfig."""
        name, world = params["EndpointConfigName"], self._shared.world
        resource = arn(world, "endpoint-config", name)
        if name in self._configs:
            raise exists(WHAT, resource)
        _check(params)
        configuration.check(params)
        check_topics(self._shared, params)
        config = {key: value for key, value in params.items() if key != "Tags"}
        for member in ("ProductionVariants", "ShadowProductionVariants"):
            if member in config:
                config[member] = [{"InitialVariantWeight": 1.0, **v} for v in config[member]]
                for variant in config[member]:
                    self._models.container(variant["ModelName"])
        if not sum(v["InitialVariantWeight"] for v in config["ProductionVariants"]) > 0:
            raise _invalid("At least one production variant must have a weight above 0.")
        config["EndpointConfigArn"] = resource
        config["CreationTime"] = world.clock.now()
        with self._lock:
            if name in self._configs:
                raise exists(WHAT, resource)
            world.records.put(KIND, name, config)
            self._configs[name] = config
        return {"EndpointConfigArn": resource}

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeEndpointConfig."""
        return dict(self.get(params["EndpointConfigName"]))

    def listing(self, params: dict[str, Any]) -> dict[str, Any]:
        """ListEndpointConfigs."""
        members = ("EndpointConfigName", "EndpointConfigArn", "CreationTime")
        with self._lock:
            rows = [{key: config[key] for key in members} for config in self._configs.values()]
        return page(rows, params, "EndpointConfig", "EndpointConfigs")

    def delete(self, params: dict[str, Any]) -> dict[str, Any]:
        """DeleteEndpointConfig; AWS allows it even for one in use, and so do we."""
        self.get(params["EndpointConfigName"])
        with self._lock:
            self._shared.world.records.drop(KIND, params["EndpointConfigName"])
            self._configs.pop(params["EndpointConfigName"], None)
        return {}

    def get(self, name: str) -> Mapping[str, Any]:
        """A stored config.

        Raises:
            AwsFault: ``ValidationException`` when there is none of that name.
        """
        config = self._configs.get(name)
        if config is None:
            raise missing(WHAT, arn(self._shared.world, "endpoint-config", name))
        return config

    def names(self) -> list[str]:
        """All names."""
        with self._lock:
            return sorted(self._configs)


def _check(params: Mapping[str, Any]) -> None:
    production = params["ProductionVariants"]
    shadow = params.get("ShadowProductionVariants") or []
    if shadow and (len(production) != 1 or len(shadow) != 1):
        raise _invalid(
            "With ShadowProductionVariants you can specify only one variant for "
            "ProductionVariants and one variant for ShadowProductionVariants."
        )
    names = Counter(variant["VariantName"] for variant in (*production, *shadow))
    if duplicates := [name for name, count in names.items() if count > 1]:
        raise _invalid(f"Variant names must be unique, got twice: {', '.join(duplicates)}.")
    for variant in (*production, *shadow):
        _check_variant(variant)


def _check_variant(variant: Mapping[str, Any]) -> None:
    name = variant["VariantName"]
    if "ModelName" not in variant:
        raise _invalid(f"ModelName must be specified for production variant {name}.")
    serverless = "ServerlessConfig" in variant
    machine = [key for key in ("InstanceType", "InitialInstanceCount") if key in variant]
    if serverless and machine:
        raise _invalid(
            f"ServerlessConfig and {' and '.join(machine)} exclude each other, "
            f"production variant {name} has both."
        )
    if not serverless and len(machine) < 2:
        raise _invalid(
            "InstanceType and InitialInstanceCount (or ServerlessConfig) must be specified for "
            f"production variant {name}."
        )


def _invalid(message: str) -> AwsFault:
    return AwsFault("ValidationException", message)
