"""Labels: the default ones, and dynamic ones such as ``${PROP('Dim.VariantName')} ${LAST}``."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from embedded_aws.cloudwatch.math.functions import REDUCTIONS
from embedded_aws.cloudwatch.math.values import TimeSeries
from embedded_aws.cloudwatch.store import MetricKey

_DYNAMIC = re.compile(r"\$\{\s*([A-Z_]+)(?:\(\s*'([^']*)'\s*\))?\s*\}")


@dataclass(frozen=True)
class Origin:
    """Where a series comes from, for ``${PROP('…')}``."""

    key: MetricKey
    stat: str
    period: int
    region: str
    account: str

    def properties(self) -> Mapping[str, str]:
        """Value by the property's name."""
        return {
            "MetricName": self.key.name,
            "Namespace": self.key.namespace,
            "Stat": self.stat,
            "Period": str(self.period),
            "Region": self.region,
            "AccountId": self.account,
            **{f"Dim.{name}": value for name, value in self.key.dimensions},
        }


def default_labels(keys: Sequence[MetricKey]) -> list[str]:
    """For each metric of one result, what tells it from the others."""
    names = {key.name for key in keys}
    namespaces = {key.namespace for key in keys}
    if len(keys) == 1:
        return [keys[0].name]
    common = set.intersection(*(set(key.dimensions) for key in keys))
    labels = []
    for key in keys:
        parts = [key.namespace] if len(namespaces) > 1 else []
        parts += [value for name, value in key.dimensions if (name, value) not in common]
        if len(names) > 1 or not parts:
            parts.append(key.name)
        labels.append(" ".join(parts))
    return labels


def dynamic(label: str, series: TimeSeries, origin: Origin | None, default: str) -> str:
    """A label with each ``${…}`` replaced; unknown ones are left as they are."""
    if "${" not in label:
        return label

    def replace(match: re.Match[str]) -> str:
        name, argument = match[1], match[2]
        if name == "LABEL":
            return default
        if name == "PROP" and origin is not None and argument is not None:
            return origin.properties().get(argument, match[0])
        values = list(series.points.values())
        if name in ("FIRST", "LAST"):
            return _number(values[0 if name == "FIRST" else -1]) if values else "--"
        if name in REDUCTIONS:
            return _number(REDUCTIONS[name](values)) if values else "--"
        return match[0]

    return _DYNAMIC.sub(replace, label)


def _number(value: float) -> str:
    return f"{value:.6g}"
