"""The port to hosting: models, configs and one endpoint, with its alarms."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks.errors import AwsRejected
from tasks.release.journal.record import Journal
from tasks.release.machine.observed import ObservedEndpoint, ObservedVariant
from tasks.specs.serving import AutoscalingSpec

if TYPE_CHECKING:
    from tests.tasks.release.memory.world import World


@dataclass
class MemoryCloud:
    world: World

    def endpoint(self, name: str) -> ObservedEndpoint | None:
        self.world.settle()
        found = self.world.endpoint
        if found is None:
            return None
        return ObservedEndpoint(
            status=found["status"],
            config=found["config"],
            failure=found.get("failure", ""),
            variants={n: ObservedVariant(weight=w) for n, w in found["weights"].items()},
        )

    def models(self, names: Collection[str]) -> frozenset[str]:
        return frozenset(names) & frozenset(self.world.models)

    def configs(self, names: Collection[str]) -> frozenset[str]:
        return frozenset(names) & frozenset(self.world.configs)

    def config_models(self, name: str) -> Mapping[str, str]:
        return dict(self.world.configs.get(name, {}).get("models", {}))

    def model_container(self, name: str) -> Mapping[str, Any]:
        return self.world.models.get(name, {})

    def create_model(self, request: Mapping[str, Any]) -> str:
        with self.world.change("create model"):
            self.world.models[request["ModelName"]] = request["PrimaryContainer"]
        return "created"

    def create_config(self, request: Mapping[str, Any]) -> str:
        variants = request["ProductionVariants"]
        for item in variants:
            assert item["ModelName"] in self.world.models, "a config names a missing model"
        with self.world.change("create config"):
            self.world.configs[request["EndpointConfigName"]] = {
                "weights": {v["VariantName"]: v["InitialVariantWeight"] for v in variants},
                "models": {
                    v["VariantName"]: v["ModelName"]
                    for v in [*variants, *request.get("ShadowProductionVariants", [])]
                },
            }
        return "created"

    def create_endpoint(self, name: str, config: str, tags: Sequence[Any]) -> str:
        if self.world.endpoint is not None:
            return "adopted"
        with self.world.change("create endpoint"):
            self.world.endpoint = {
                "status": "Creating",
                "config": config,
                "weights": dict(self.world.configs[config]["weights"]),
                "until": self.world.now + self.world.update_seconds,
            }
        return "created"

    def update_endpoint(self, name: str, config: str, guardrail: Mapping[str, Any] | None) -> str:
        endpoint = self._free()
        assert config in self.world.configs, "an update names a missing config"
        with self.world.change("update endpoint"):
            endpoint.update(
                status="Updating", target=config, until=self.world.now + self.world.update_seconds
            )
            endpoint.pop("failure", None)
        return "accepted"

    def delete_endpoint(self, name: str) -> str:
        with self.world.change("delete endpoint"):
            self.world.endpoint = None
        return "deleted"

    def set_weights(self, name: str, weights: Mapping[str, float]) -> str:
        endpoint = self._free()
        if not set(weights) <= set(endpoint["weights"]):
            raise AwsRejected("no such variant", "look", "ValidationException")
        with self.world.change("set weights"):
            endpoint["weights"].update(weights)
            endpoint.update(status="Updating", until=self.world.now + 2.0)
            for variant, weight in weights.items():
                self.world.shares.append((self.world.now, variant, weight))
        return "set"

    def _free(self) -> dict[str, Any]:
        self.world.settle()
        if self.world.endpoint is None or self.world.endpoint["status"] != "InService":
            raise AwsRejected("Cannot update in-progress endpoint", "wait", "ValidationException")
        return self.world.endpoint

    def load_test(self, name: str, variant: str, body: bytes, load: Any, longest_ms: float) -> str:
        return "fail: 500" if self.world.fails_health else "pass: answered"

    def last_lines(self, name: str, variant: str, since: float) -> tuple[str, ...]:
        return self.world.log_lines

    def ringing(self, alarms: Collection[str]) -> tuple[str, ...]:
        return tuple(sorted(set(alarms) & self.world.rings))

    def create_alarms(self, requests: Sequence[Mapping[str, Any]]) -> str:
        with self.world.change("create alarms"):
            self.world.alarms |= {request["AlarmName"] for request in requests}
        return "created"

    def pull_alarm(self, name: str, reason: str) -> str:
        with self.world.change("pull alarm"):
            self.world.rings.add(name)
        return "pulled"

    def delete_alarms(self, names: Collection[str]) -> str:
        with self.world.change("delete alarms"):
            self.world.alarms -= set(names)
        return "deleted"

    def autoscale(
        self, endpoint: str, variants: Collection[str], spec: AutoscalingSpec | None
    ) -> str:
        with self.world.change("autoscale"):
            pass
        return "scaled"

    def forget_captures(self, journal: Journal) -> str:
        with self.world.change("forget captures"):
            pass
        return "forgotten"

    def clean(self, model: str, keep: Collection[str], only: Collection[str] = ()) -> str:
        with self.world.change("clean"):
            for table in (self.world.configs, self.world.models):
                for name in list(table):
                    if name not in keep and (not only or name in only):
                        del table[name]
        endpoint = self.world.endpoint
        if endpoint is not None:
            assert endpoint["config"] in self.world.configs, "the serving config was deleted"
            used = self.world.configs[endpoint["config"]]["models"].values()
            assert set(used) <= set(self.world.models), "a serving model was deleted"
        return "cleaned"
