"""SageMaker hosting, real: endpoints are serving processes behind weighted variants."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from embedded_aws.faults import Fault
from embedded_aws.hosting.asynchronous.measures import gauge_interval
from embedded_aws.hosting.control.configs import EndpointConfigs
from embedded_aws.hosting.control.endpoints import Endpoints
from embedded_aws.hosting.control.models import Models
from embedded_aws.hosting.fleet.capture import flush_interval
from embedded_aws.hosting.meters import FLUSH_SECONDS as METERS_SECONDS
from embedded_aws.hosting.settings import HostingSettings
from embedded_aws.hosting.shared import SharedState
from embedded_aws.hosting.ticker import Ticker
from embedded_aws.logs import FLUSH_SECONDS as LOGS_SECONDS
from embedded_aws.protocol.service import Response
from embedded_aws.world import World

__all__ = ["Hosting", "HostingSettings"]

USAGE_NAMESPACE = "/aws/sagemaker/Endpoints"
# However fast the clock runs, /proc need not be read more often than this.
LEAST_USAGE_SECONDS = 0.5


class Hosting:
    """Models, endpoint configs, endpoints, and the runtime.

    Args:
        world: The embedded AWS that this belongs to.
        settings: How large to play; from the environment by default.
    """

    def __init__(self, world: World, settings: HostingSettings | None = None) -> None:
        settings = settings or HostingSettings.from_env()
        self._world = world
        self._shared = SharedState(world, settings)
        self._scaled: frozenset[tuple[str, str]] = frozenset()
        self._models = Models(self._shared)
        self._configs = EndpointConfigs(self._shared, self._models)
        self._endpoints = Endpoints(self._shared, self._models, self._configs)
        world.faults.on_add(self._on_fault)
        usage_seconds = max(LEAST_USAGE_SECONDS, world.clock.real_seconds(settings.usage_period))
        self._tickers = [
            Ticker("hosting-metrics", METERS_SECONDS, self._shared.meters.flush),
            Ticker("hosting-logs", LOGS_SECONDS, self._shared.logs.flush),
            Ticker("hosting-capture", flush_interval(world.clock.scale), self._flush_captures),
            Ticker("hosting-usage", usage_seconds, self._measure),
            Ticker(
                "hosting-backlog",
                gauge_interval(world.clock.scale),
                self._endpoints.asynchronous.measure,
            ),
        ]

    def actions(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """Handlers by API action; each takes the request's members and returns the answer's."""
        models, configs, endpoints = self._models, self._configs, self._endpoints
        return {
            "CreateModel": models.create,
            "DescribeModel": models.describe,
            "ListModels": models.listing,
            "DeleteModel": models.delete,
            "CreateEndpointConfig": configs.create,
            "DescribeEndpointConfig": configs.describe,
            "ListEndpointConfigs": configs.listing,
            "DeleteEndpointConfig": configs.delete,
            "CreateEndpoint": endpoints.create,
            "DescribeEndpoint": endpoints.describe,
            "ListEndpoints": endpoints.listing,
            "UpdateEndpoint": endpoints.update,
            "UpdateEndpointWeightsAndCapacities": endpoints.reweigh,
            "DeleteEndpoint": endpoints.delete,
        }

    def invoke(self, endpoint_name: str, headers: Mapping[str, str], body: bytes) -> Response:
        """InvokeEndpoint.

        Raises:
            AwsFault: as the runtime would answer.
        """
        return self._endpoints.runtime.invoke(endpoint_name, headers, body)

    def invoke_async(self, endpoint_name: str, headers: Mapping[str, str], body: bytes) -> Response:
        """InvokeEndpointAsync.

        Raises:
            AwsFault: as the runtime would answer.
        """
        return self._endpoints.asynchronous.invoke(endpoint_name, headers, body)

    @property
    def settings(self) -> HostingSettings:
        """How large to play."""
        return self._shared.settings

    def container(self, model_name: str) -> Mapping[str, Any]:
        """A model's ``ContainerDefinition``, and its ``EnableNetworkIsolation``.

        Raises:
            AwsFault: ``ValidationException`` when there is no such model.
        """
        return self._models.container(model_name)

    def things(self) -> dict[str, Any]:
        """What exists: names of models and configs, endpoints with status, config and processes."""
        return {
            "models": self._models.names(),
            "endpoint_configs": self._configs.names(),
            "endpoints": {
                endpoint.name: {
                    "status": endpoint.status,
                    "config": endpoint.config_name,
                    "pids": {
                        variant.name: variant.pids
                        for generation in endpoint.generations
                        for variant in generation.variants.values()
                    },
                }
                for endpoint in self._endpoints.all()
            },
        }

    def restore(self) -> None:
        """Let kept endpoints serve again; returns at once."""
        self._endpoints.restore()
        self.scaled(self._scaled)  # now that it is known which of them are asynchronous

    def recovering(self) -> list[str]:
        """Endpoints of an earlier process that do not serve yet."""
        return self._endpoints.recovering()

    def scaled(self, variants: frozenset[tuple[str, str]]) -> None:
        """Take note of which variants, by endpoint and name, scale with their load.

        Asynchronous ones scale with their backlog, which is told anyway.
        """
        self._scaled = variants
        queued = self._endpoints.asynchronous.names()
        self._shared.meters.scaled = frozenset(one for one in variants if one[0] not in queued)

    def measured(self) -> None:
        """Publish at once what was counted of requests."""
        self._shared.meters.flush()

    def close(self) -> None:
        """End all serving processes and threads."""
        self._shared.closing.set()
        self._endpoints.close()
        for ticker in self._tickers:
            ticker.close()
        self._shared.spawner.close()

    def _on_fault(self, fault: Fault) -> None:
        """``kill_variant`` hits variants that serve at once."""
        if fault.kind != "kill_variant":
            return
        for endpoint in self._endpoints.all():
            names = {name for g in endpoint.generations for name in g.variants}
            for name in sorted(names):
                if self._world.faults.take("kill_variant", f"{endpoint.name}/{name}"):
                    for generation in endpoint.generations:
                        if name in generation.variants:
                            generation.variants[name].kill()

    def _flush_captures(self) -> None:
        for endpoint in self._endpoints.all():
            for generation in endpoint.generations:
                if generation.capture is not None:
                    generation.capture.flush()

    def _measure(self) -> None:
        for endpoint in self._endpoints.all():
            for generation in endpoint.generations:
                for variant in generation.variants.values():
                    cpu, memory = variant.measure()
                    dimensions = {"EndpointName": endpoint.name, "VariantName": variant.name}
                    for name, values in (("CPUUtilization", cpu), ("MemoryUtilization", memory)):
                        if values:
                            self._world.metrics.record(
                                USAGE_NAMESPACE,
                                name,
                                dimensions,
                                [(value, 1.0) for value in values],
                                "Percent",
                            )
