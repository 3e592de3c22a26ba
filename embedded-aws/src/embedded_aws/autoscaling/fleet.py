"""How scaling looks at variants and sets their counts: by the actions that anybody has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from embedded_aws.autoscaling.model import parts_of
from embedded_aws.protocol.service import AwsFault

Action = Callable[[dict[str, Any]], dict[str, Any]]


class Host(Protocol):
    """Hosting, as far as scaling needs it."""

    def actions(self) -> dict[str, Action]:
        """Handlers by API action of SageMaker."""
        ...

    def recovering(self) -> list[str]:
        """Endpoints of an earlier process that do not serve yet."""
        ...

    def scaled(self, variants: frozenset[tuple[str, str]]) -> None:
        """Take note of which variants scale with their load."""
        ...


@dataclass(frozen=True)
class Sight:
    """A variant as DescribeEndpoint tells it.

    Args:
        ready: Whether its count can be changed now.
        count: Its instances; None for one that only an update is to bring, and for serverless.
        failure: ``FailureReason`` of the endpoint.
        serverless: Whether it has no instances to count.
        least: Instances that it can do with: one of an asynchronous endpoint waits with its queue.
    """

    ready: bool
    count: int | None
    failure: str = ""
    serverless: bool = False
    least: int = 1


class Fleet:
    """The variants of all endpoints.

    Args:
        host: Serves them.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._actions = host.actions()

    def look(self, resource_id: str) -> Sight | None:
        """A variant; None when the endpoint or the variant is not there, or being deleted.

        Raises:
            AwsFault: ``ValidationException`` for an endpoint that is not there, see ``exists``.
        """
        endpoint, name = parts_of(resource_id) or ("", "")
        told = self._actions["DescribeEndpoint"]({"EndpointName": endpoint})
        pending = told.get("PendingDeploymentSummary", {})
        row = _row(told, name) or _row(pending, name)
        if row is None:
            return None
        present = _row(told, name) is not None
        return Sight(
            ready=told["EndpointStatus"] == "InService" and endpoint not in self._host.recovering(),
            count=row.get("CurrentInstanceCount") if present else None,
            failure=told.get("FailureReason", ""),
            serverless="CurrentServerlessConfig" in row,
            least=0 if "AsyncInferenceConfig" in told else 1,
        )

    def is_gone(self, endpoint: str) -> bool:
        """Whether an endpoint is not there, or about to be no more."""
        try:
            told = self._actions["DescribeEndpoint"]({"EndpointName": endpoint})
        except AwsFault:
            return True
        return bool(told["EndpointStatus"] == "Deleting")

    def set_count(self, resource_id: str, count: int) -> None:
        """Let a variant have so many instances; the endpoint is Updating until it has.

        Raises:
            AwsFault: SageMaker refuses.
        """
        endpoint, name = parts_of(resource_id) or ("", "")
        self._actions["UpdateEndpointWeightsAndCapacities"](
            {
                "EndpointName": endpoint,
                "DesiredWeightsAndCapacities": [
                    {"VariantName": name, "DesiredInstanceCount": count}
                ],
            }
        )

    def machines(self, config: str) -> dict[str, str | None]:
        """Instance types of an endpoint config's variants, by name; none where there is no such."""
        try:
            told = self._actions["DescribeEndpointConfig"]({"EndpointConfigName": config})
        except AwsFault:
            return {}
        return {row["VariantName"]: row.get("InstanceType") for row in _rows(told)}

    def config_of(self, endpoint: str) -> str:
        """The endpoint config that serves.

        Raises:
            AwsFault: the endpoint is not there.
        """
        told = self._actions["DescribeEndpoint"]({"EndpointName": endpoint})
        return str(told["EndpointConfigName"])

    def scaled(self, resource_ids: list[str]) -> None:
        """Take note of which variants scale with their load."""
        parts = [parts for one in resource_ids if (parts := parts_of(one)) is not None]
        self._host.scaled(frozenset(parts))


def _rows(told: Mapping[str, Any]) -> list[Any]:
    return [*told.get("ProductionVariants", []), *told.get("ShadowProductionVariants", [])]


def _row(told: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    return next((row for row in _rows(told) if row["VariantName"] == name), None)
