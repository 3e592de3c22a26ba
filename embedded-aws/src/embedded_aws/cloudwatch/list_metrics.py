"""ListMetrics."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedded_aws.cloudwatch.pages import page
from embedded_aws.cloudwatch.store import HOUR, LISTED, MetricKey, MetricStore
from embedded_aws.protocol.service import AwsFault

_PAGE = 500


def list_metrics(
    store: MetricStore, params: Mapping[str, Any], now: float, account: str
) -> dict[str, Any]:
    """Metrics with data in the last two weeks, or three hours (``RecentlyActive``).

    Raises:
        AwsFault: ``InvalidParameterValue``.
    """
    window = LISTED
    if "RecentlyActive" in params:
        if params["RecentlyActive"] != "PT3H":
            raise AwsFault("InvalidParameterValue", "The only valid RecentlyActive is PT3H.")
        window = 3 * HOUR
    if params.get("OwningAccount", account) != account:
        raise AwsFault("InvalidParameterValue", f"The embedded AWS has no account but {account}.")
    namespace, name = params.get("Namespace"), params.get("MetricName")
    filters = [(f["Name"], f.get("Value")) for f in params.get("Dimensions", [])]
    metrics = [
        key
        for key in store.keys(now - window)
        if namespace in (None, key.namespace)
        and name in (None, key.name)
        and all(_has(key, *dimension) for dimension in filters)
    ]
    chunk, token = page(metrics, params.get("NextToken"), _PAGE, "InvalidParameterValue")
    answer: dict[str, Any] = {"Metrics": [_metric(key) for key in chunk]}
    if params.get("IncludeLinkedAccounts"):
        answer["OwningAccounts"] = [account] * len(chunk)
    if token is not None:
        answer["NextToken"] = token
    return answer


def _has(key: MetricKey, name: str, value: str | None) -> bool:
    return any(n == name and value in (None, v) for n, v in key.dimensions)


def _metric(key: MetricKey) -> dict[str, Any]:
    dimensions = [{"Name": n, "Value": v} for n, v in key.dimensions]
    return {"Namespace": key.namespace, "MetricName": key.name, "Dimensions": dimensions}
