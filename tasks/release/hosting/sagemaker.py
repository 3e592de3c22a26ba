"""SageMaker hosting, thin. Each act is safe to repeat: what stands there already is adopted."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.aws import asking, client
from tasks.clock import Clock
from tasks.errors import AwsRejected, ReleaseMismatch
from tasks.release.hosting import alarms, logs, names, scaling
from tasks.release.hosting.asking import load_test
from tasks.release.journal.record import Journal
from tasks.release.machine.observed import ObservedEndpoint, ObservedVariant
from tasks.release.observation import captures
from tasks.specs.load_test import LoadTestSpec
from tasks.specs.serving import AutoscalingSpec

GONE = ("could not find", "does not exist", "not found", "cannot find")
THERE = ("already exist", "already existing")


@dataclass(frozen=True)
class SageMaker:
    """See `ports.Cloud`."""

    clock: Clock

    def endpoint(self, name: str) -> ObservedEndpoint | None:
        """An endpoint as it is now."""
        answer = _describe("DescribeEndpoint", lambda sm: sm.describe_endpoint(EndpointName=name))
        if answer is None:
            return None
        return ObservedEndpoint(
            status=answer["EndpointStatus"],
            config=answer["EndpointConfigName"],
            pending=answer.get("PendingDeploymentSummary", {}).get("EndpointConfigName", ""),
            failure=answer.get("FailureReason", ""),
            variants={
                item["VariantName"]: ObservedVariant(
                    weight=item.get("CurrentWeight", item.get("DesiredWeight", 0.0)),
                    instances=item.get("CurrentInstanceCount", 0),
                )
                for item in answer.get("ProductionVariants", [])
            },
        )

    def models(self, names: Collection[str]) -> frozenset[str]:
        """Those of the names that exist as models."""
        return frozenset(name for name in names if self.model_container(name))

    def configs(self, names: Collection[str]) -> frozenset[str]:
        """Those of the names that exist as endpoint configurations."""
        return frozenset(name for name in names if self.config_models(name))

    def config_models(self, name: str) -> Mapping[str, str]:
        """Variant name → model name."""
        answer = _describe(
            "DescribeEndpointConfig",
            lambda sm: sm.describe_endpoint_config(EndpointConfigName=name),
        )
        return {} if answer is None else _variants(answer)

    def model_container(self, name: str) -> Mapping[str, Any]:
        """PrimaryContainer of a model."""
        answer = _describe("DescribeModel", lambda sm: sm.describe_model(ModelName=name))
        return {} if answer is None else dict(answer.get("PrimaryContainer", {}))

    def create_model(self, request: Mapping[str, Any]) -> str:
        """CreateModel, or adopt the one that is the same."""
        name = request["ModelName"]
        wanted = request["PrimaryContainer"]
        if _create(f"CreateModel {name}", lambda sm: sm.create_model(**request)):
            return _same(name, wanted, self.model_container(name), f"created {name}")
        return _same(name, wanted, self.model_container(name), f"adopted {name}")

    def create_config(self, request: Mapping[str, Any]) -> str:
        """CreateEndpointConfig, or adopt the one that is the same."""
        name = request["EndpointConfigName"]
        created = _create(
            f"CreateEndpointConfig {name}", lambda sm: sm.create_endpoint_config(**request)
        )
        done = f"{'created' if created else 'adopted'} {name}"
        return _same(name, _variants(request), self.config_models(name), done)

    def create_endpoint(self, name: str, config: str, tags: Sequence[Any]) -> str:
        """CreateEndpoint, or adopt one with this configuration."""
        created = _create(
            f"CreateEndpoint {name}",
            lambda sm: sm.create_endpoint(
                EndpointName=name, EndpointConfigName=config, Tags=list(tags)
            ),
        )
        standing = self.endpoint(name)
        actual = {"config": standing.config if standing else None}
        return _same(name, {"config": config}, actual, "created" if created else "adopted")

    def update_endpoint(self, name: str, config: str, guardrail: Mapping[str, Any] | None) -> str:
        """UpdateEndpoint; one to the same configuration that is under way is adopted."""
        extra = {"DeploymentConfig": dict(guardrail)} if guardrail else {}
        try:
            with asking(f"UpdateEndpoint {name} to {config}"):
                client("sagemaker").update_endpoint(
                    EndpointName=name,
                    EndpointConfigName=config,
                    RetainAllVariantProperties=True,
                    # Retained, the fleet would go on capturing, or go on not to, as it did.
                    ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DataCaptureConfig"}],
                    **extra,
                )
        except AwsRejected:
            standing = self.endpoint(name)
            if standing is None or config not in {standing.pending, standing.config}:
                raise
            return f"adopted: {name} is {standing.status} towards {config}"
        return f"accepted: {name} towards {config}"

    def delete_endpoint(self, name: str) -> str:
        """DeleteEndpoint."""
        return _delete(f"DeleteEndpoint {name}", lambda sm: sm.delete_endpoint(EndpointName=name))

    def set_weights(self, name: str, weights: Mapping[str, float]) -> str:
        """UpdateEndpointWeightsAndCapacities, weights only."""
        with asking(f"UpdateEndpointWeightsAndCapacities {name} {dict(weights)}"):
            client("sagemaker").update_endpoint_weights_and_capacities(
                EndpointName=name,
                DesiredWeightsAndCapacities=[
                    {"VariantName": variant, "DesiredWeight": weight}
                    for variant, weight in weights.items()
                ],
            )
        return ", ".join(f"{variant} {weight:g}" for variant, weight in weights.items())

    def load_test(
        self, name: str, variant: str, body: bytes, load: LoadTestSpec, longest_ms: float
    ) -> str:
        """See `asking.load_test`."""
        return load_test(name, variant, body, load, longest_ms)

    def last_lines(self, name: str, variant: str, since: float) -> tuple[str, ...]:
        """See `logs.last_lines`."""
        return logs.last_lines(name, variant, since)

    def ringing(self, names: Collection[str]) -> tuple[str, ...]:
        """See `alarms.ringing`."""
        return alarms.ringing(names)

    def create_alarms(self, requests: Sequence[Mapping[str, Any]]) -> str:
        """See `alarms.create`."""
        return alarms.create(requests)

    def pull_alarm(self, name: str, reason: str) -> str:
        """See `alarms.pull`."""
        return alarms.pull(name, reason)

    def delete_alarms(self, names: Collection[str]) -> str:
        """See `alarms.delete`."""
        return alarms.delete(names)

    def autoscale(
        self, endpoint: str, variants: Collection[str], spec: AutoscalingSpec | None
    ) -> str:
        """See `scaling.scale_only`."""
        return scaling.scale_only(endpoint, variants, spec)

    def forget_captures(self, journal: Journal) -> str:
        """See `captures.forget`."""
        return captures.forget(journal)

    def clean(self, model: str, keep: Collection[str], only: Collection[str] = ()) -> str:
        """Delete what was made here for this model and is not kept."""
        prefix = f"sluice-{names.stem_of(model)}-"
        gone = []
        for list_name, member, key, delete in (
            ("list_endpoint_configs", "EndpointConfigs", "EndpointConfigName", _delete_config),
            ("list_models", "Models", "ModelName", _delete_model),
        ):
            for name in _listed(list_name, member, key, prefix):
                ours = names.is_ours(name, model) and (not only or name in only)
                if ours and name not in keep:
                    delete(name)
                    gone.append(name)
        return f"deleted {', '.join(gone)}" if gone else "nothing to delete"


def _describe(what: str, call: Callable[[Any], Any]) -> dict[str, Any] | None:
    try:
        with asking(what):
            return dict(call(client("sagemaker")))
    except AwsRejected as error:
        if any(sign in error.what.lower() for sign in GONE):
            return None
        raise


def _create(what: str, call: Callable[[Any], Any]) -> bool:
    """True when it was made now, False when it stood there."""
    try:
        with asking(what):
            call(client("sagemaker"))
    except AwsRejected as error:
        if error.code == "ResourceInUse" or any(sign in error.what.lower() for sign in THERE):
            return False
        raise
    return True


def _delete(what: str, call: Callable[[Any], Any]) -> str:
    try:
        with asking(what):
            call(client("sagemaker"))
    except AwsRejected as error:
        if any(sign in error.what.lower() for sign in GONE):
            return "was gone"
        raise
    return "deleted"


def _delete_config(name: str) -> str:
    return _delete(
        f"DeleteEndpointConfig {name}",
        lambda sm: sm.delete_endpoint_config(EndpointConfigName=name),
    )


def _delete_model(name: str) -> str:
    return _delete(f"DeleteModel {name}", lambda sm: sm.delete_model(ModelName=name))


def _listed(list_name: str, member: str, key: str, prefix: str) -> list[str]:
    names: list[str] = []
    token: dict[str, str] = {}
    while True:
        with asking(f"{list_name} {prefix}"):
            call = getattr(client("sagemaker"), list_name)
            answer = call(NameContains=prefix.rstrip("-"), MaxResults=100, **token)
        names += [item[key] for item in answer[member] if item[key].startswith(prefix)]
        if not answer.get("NextToken"):
            return names
        token = {"NextToken": answer["NextToken"]}


def _variants(document: Mapping[str, Any]) -> dict[str, str]:
    listed = [
        *document.get("ProductionVariants", []),
        *document.get("ShadowProductionVariants", []),
    ]
    return {item["VariantName"]: item["ModelName"] for item in listed}


def _same(name: str, wanted: Mapping[str, Any], actual: Mapping[str, Any], done: str) -> str:
    """The sentence, if everything that was asked for was read back.

    Raises:
        ReleaseMismatch: something of this name holds something else.
    """
    differ = {key: actual.get(key) for key, value in wanted.items() if actual.get(key) != value}
    if differ:
        raise ReleaseMismatch(
            f"{name} exists, but differs in {', '.join(sorted(differ))}: {differ}.",
            "Somebody made it by hand: delete it, or give it another name.",
        )
    return done
