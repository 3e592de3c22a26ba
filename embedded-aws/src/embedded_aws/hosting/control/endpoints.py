"""The control plane of endpoints: checks what is asked, then hands it to the deployer."""

from __future__ import annotations

import contextlib
import copy
import logging
import threading
from collections.abc import Iterator, Mapping
from typing import Any

from embedded_aws.catalogue import arn, exists, missing, page
from embedded_aws.hosting.asynchronous import Asynchronous
from embedded_aws.hosting.asynchronous.configuration import is_asynchronous
from embedded_aws.hosting.control import keeping
from embedded_aws.hosting.control.configs import EndpointConfigs
from embedded_aws.hosting.control.deployer import Deployer
from embedded_aws.hosting.control.models import Models
from embedded_aws.hosting.control.rollout import ALL_AT_ONCE, Plan, plan
from embedded_aws.hosting.fleet.endpoint import Endpoint
from embedded_aws.hosting.fleet.generation import Generation, configured
from embedded_aws.hosting.fleet.variant import Numbers
from embedded_aws.hosting.runtime import Runtime
from embedded_aws.hosting.shared import SharedState
from embedded_aws.protocol.service import AwsFault

log = logging.getLogger(__name__)

_CHANGED = ("status", "failure", "modified", "last_deployment")
IN_PROGRESS = frozenset({"Creating", "Updating", "RollingBack", "SystemUpdating", "Deleting"})


class Endpoints:
    """The endpoints of one embedded AWS."""

    def __init__(self, shared: SharedState, models: Models, configs: EndpointConfigs) -> None:
        self._shared = shared
        self._models = models
        self._configs = configs
        self._lock = threading.RLock()
        self._endpoints: dict[str, Endpoint] = {}
        self.runtime = Runtime(shared, self._endpoints.get)
        self.asynchronous = Asynchronous(shared, self._endpoints.get)
        self._deployer = Deployer(shared, self.runtime, self._forget)

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        """CreateEndpoint."""
        name, world = params["EndpointName"], self._shared.world
        resource = arn(world, "endpoint", name)
        deployment = params.get("DeploymentConfig")
        with self._lock:
            if name in self._endpoints:
                raise exists("endpoint", resource)
            config = self._configs.get(params["EndpointConfigName"])
            self._plan(deployment, config, {})
            generation = self._generation(name, config, {}, config.get("DataCaptureConfig"))
            now = world.clock.now()
            endpoint = Endpoint(
                name,
                resource,
                config["EndpointConfigName"],
                now,
                modified=now,
                last_deployment=deployment,
            )
            keeping.keep(self._shared, endpoint, generation)
            self._endpoints[name] = endpoint
            self._deployer.create(endpoint, generation)
            self.asynchronous.open(endpoint)
        return {"EndpointArn": resource}

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeEndpoint."""
        return copy.deepcopy(self._get(params["EndpointName"]).describe())

    def listing(self, params: dict[str, Any]) -> dict[str, Any]:
        """ListEndpoints."""
        with self._lock:
            rows = [endpoint.summary() for endpoint in self._endpoints.values()]
        return page(rows, params, "Endpoint", "Endpoints")

    def update(self, params: dict[str, Any]) -> dict[str, Any]:
        """UpdateEndpoint: a new fleet for a new config, blue/green."""
        with self._lock:
            endpoint = self._get(params["EndpointName"])
            self._idle(endpoint)
            # AWS refuses when the config that serves was deleted: it could not roll back.
            self._configs.get(endpoint.config_name)
            config = self._configs.get(params["EndpointConfigName"])
            _check_kind(endpoint, config)
            deployment = params.get("DeploymentConfig")
            if params.get("RetainDeploymentConfig"):
                deployment = endpoint.last_deployment
            properties = _retained(params)
            numbers = _numbers(endpoint.active, config, properties)
            rollout = self._plan(deployment, config, numbers)
            capture = config.get("DataCaptureConfig")
            if "DataCaptureConfig" in properties and endpoint.active is not None:
                capture = endpoint.active.data_capture
            generation = self._generation(endpoint.name, config, numbers, capture)
            with self._accepted(endpoint, generation):
                endpoint.status, endpoint.failure = "Updating", None
                endpoint.last_deployment = deployment
            self._deployer.update(endpoint, generation, rollout)
        return {"EndpointArn": endpoint.arn}

    def reweigh(self, params: dict[str, Any]) -> dict[str, Any]:
        """UpdateEndpointWeightsAndCapacities."""
        targets = {row["VariantName"]: row for row in params["DesiredWeightsAndCapacities"]}
        with self._lock:
            endpoint = self._get(params["EndpointName"])
            self._idle(endpoint)
            generation = endpoint.active
            variants = {} if generation is None else generation.variants
            if unknown := sorted(set(targets) - set(variants)):
                raise AwsFault(
                    "ValidationException",
                    f'Variant(s) [{", ".join(unknown)}] of endpoint "{endpoint.arn}" not found.',
                )
            production = {} if generation is None else generation.production
            weights = {name: v.numbers.desired_weight for name, v in production.items()}
            for name, row in targets.items():
                if row.get("DesiredInstanceCount", 1) < 1 and not endpoint.asynchronous:
                    raise AwsFault(
                        "ValidationException",
                        f"DesiredInstanceCount of variant {name} must be at least 1.",
                    )
                if name in weights and "DesiredWeight" in row:
                    weights[name] = float(row["DesiredWeight"])
            if not sum(weights.values()) > 0:
                raise AwsFault(
                    "ValidationException",
                    "At least one production variant must have a weight above 0.",
                )
            with self._accepted(endpoint):
                endpoint.status, endpoint.failure = "Updating", None
                for name, row in targets.items():
                    numbers = variants[name].numbers
                    numbers.desired_weight = float(row.get("DesiredWeight", numbers.desired_weight))
                    numbers.desired_count = int(
                        row.get("DesiredInstanceCount", numbers.desired_count)
                    )
            self._deployer.reweigh(endpoint, targets)
        return {"EndpointArn": endpoint.arn}

    def delete(self, params: dict[str, Any]) -> dict[str, Any]:
        """DeleteEndpoint."""
        with self._lock:
            endpoint = self._get(params["EndpointName"])
            if endpoint.status in IN_PROGRESS:
                raise _in_progress(endpoint)
            with self._accepted(endpoint):
                endpoint.status = "Deleting"
            self.asynchronous.drop(endpoint.name)
            self._deployer.delete(endpoint)
        return {}

    def all(self) -> list[Endpoint]:
        """Every endpoint that stands."""
        with self._lock:
            return list(self._endpoints.values())

    def restore(self) -> None:
        """Let every endpoint that was kept serve again, and finish what was under way."""
        with self._lock:
            for endpoint in keeping.restored(self._shared):
                pending, rollout = endpoint.pending, None
                endpoint.pending = None
                if pending is not None:
                    numbers = {name: v.numbers for name, v in pending.variants.items()}
                    try:
                        rollout = self._plan(endpoint.last_deployment, pending.config, numbers)
                    except AwsFault as fault:  # an alarm of it is gone
                        log.warning("update of %s is undone: %s", endpoint.name, fault.message)
                        pending = pending if endpoint.active is None else None
                        rollout = ALL_AT_ONCE
                self._endpoints[endpoint.name] = endpoint
                self._deployer.recover(endpoint, pending, rollout or ALL_AT_ONCE)
            self.asynchronous.restore(self._endpoints.values())

    def recovering(self) -> list[str]:
        """Endpoints whose processes have not come up since the embedded AWS began."""
        return self._deployer.recovering()

    def close(self) -> None:
        """End every serving process at once, whatever is under way."""
        for endpoint in self.all():
            with endpoint.lock:
                endpoint.routes = None
                generations = endpoint.generations
            for generation in generations:
                generation.retire(drain=False)
        self.asynchronous.close()

    def _get(self, name: str) -> Endpoint:
        endpoint = self._endpoints.get(name)
        if endpoint is None:
            raise missing("endpoint", arn(self._shared.world, "endpoint", name))
        return endpoint

    def _forget(self, endpoint: Endpoint) -> None:
        with self._lock:
            self._endpoints.pop(endpoint.name, None)

    @contextlib.contextmanager
    def _accepted(self, endpoint: Endpoint, pending: Generation | None = None) -> Iterator[None]:
        """Change an endpoint for an operation that is to begin; undone when it cannot be kept."""
        with endpoint.lock:
            before = {name: getattr(endpoint, name) for name in _CHANGED}
            numbers = [
                (v.numbers, copy.copy(v.numbers))
                for g in endpoint.generations
                for v in g.variants.values()
            ]
            try:
                yield
                endpoint.modified = self._shared.world.clock.now()
                keeping.keep(self._shared, endpoint, pending)
            except AwsFault:
                for name, value in before.items():
                    setattr(endpoint, name, value)
                for now, old in numbers:
                    vars(now).update(vars(old))
                raise

    @staticmethod
    def _idle(endpoint: Endpoint) -> None:
        if endpoint.status in IN_PROGRESS:
            raise _in_progress(endpoint)
        if endpoint.status == "Failed":
            raise AwsFault(
                "ValidationException",
                f'Cannot update endpoint "{endpoint.arn}" in status Failed: '
                "DeleteEndpoint is the only operation that can be performed on it.",
            )

    def _generation(
        self,
        name: str,
        config: Mapping[str, Any],
        numbers: Mapping[str, Numbers],
        capture: Mapping[str, Any] | None,
    ) -> Generation:
        specs = (*config["ProductionVariants"], *config.get("ShadowProductionVariants", []))
        containers = {s["ModelName"]: self._models.container(s["ModelName"]) for s in specs}
        return Generation(self._shared, name, config, containers, numbers, capture)

    def _plan(
        self,
        deployment: Mapping[str, Any] | None,
        config: Mapping[str, Any],
        numbers: Mapping[str, Numbers],
    ) -> Plan:
        rollout = plan(
            deployment,
            min(
                (numbers.get(spec["VariantName"]) or configured(spec)).desired_count
                for spec in config["ProductionVariants"]
            ),
        )
        alarms = self._shared.world.alarms
        if unknown := [name for name in rollout.alarms if alarms.alarm_state(name) is None]:
            raise AwsFault(
                "ValidationException",
                f"CloudWatch alarm(s) not found: [{', '.join(unknown)}].",
            )
        return rollout


def _retained(params: Mapping[str, Any]) -> frozenset[str]:
    """Which properties an update takes over from the fleet that serves; by default none."""
    if not params.get("RetainAllVariantProperties", False):
        return frozenset()
    exceptions = {
        row["VariantPropertyType"] for row in params.get("ExcludeRetainedVariantProperties", [])
    }
    return frozenset({"DesiredInstanceCount", "DesiredWeight", "DataCaptureConfig"} - exceptions)


def _numbers(
    active: Generation | None, config: Mapping[str, Any], properties: frozenset[str]
) -> dict[str, Numbers]:
    """Weights and counts of the new fleet, where they are taken over from the old one."""
    numbers: dict[str, Numbers] = {}
    for spec in (*config["ProductionVariants"], *config.get("ShadowProductionVariants", [])):
        name = spec["VariantName"]
        own = numbers[name] = configured(spec)
        if active is None or name not in active.variants:
            continue
        old = active.variants[name].numbers
        if "DesiredWeight" in properties:
            own.current_weight = own.desired_weight = old.desired_weight
        if "DesiredInstanceCount" in properties:
            own.current_count = own.desired_count = old.desired_count
    return numbers


def _check_kind(endpoint: Endpoint, config: Mapping[str, Any]) -> None:
    """What is queued cannot be answered at once, nor what is to be answered at once be queued."""
    if is_asynchronous(config) == endpoint.asynchronous:
        return
    has = "has an" if endpoint.asynchronous else "has no"
    other = "has none" if endpoint.asynchronous else "has one"
    raise AwsFault(
        "ValidationException",
        f'Cannot update endpoint "{endpoint.arn}": it {has} AsyncInferenceConfig, and endpoint '
        f"configuration {config['EndpointConfigName']} {other}.",
    )


def _in_progress(endpoint: Endpoint) -> AwsFault:
    return AwsFault("ValidationException", f'Cannot update in-progress endpoint "{endpoint.arn}".')
