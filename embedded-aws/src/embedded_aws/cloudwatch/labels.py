"""Labels: the default ones, and dynamic ones such as ``${PROP('Dim.VariantName')} ${LAST}``."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from embedded_aws.cloudwatch.math.functions import REDUCTIONS
from embedded_aws.cloudwatch.math.syntax import MathError
from embedded_aws.cloudwatch.math.values import TimeSeries
from embedded_aws.cloudwatch.store import MetricKey

_RANGES: dict[str, Callable[[list[float]], float]] = {
    "FIRST_LAST_RANGE": lambda values: values[-1] - values[0],
    "MIN_MAX_RANGE": lambda values: max(values) - min(values),
}
_TIMES = frozenset(
    {f"{name}_TIME{suffix}" for name in ("FIRST", "LAST", "MIN", "MAX")
     for suffix in ("", "_RELATIVE")} | {"FIRST_LAST_TIME_RANGE", "MIN_MAX_TIME_RANGE"}
)  # fmt: skip
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


@dataclass(frozen=True)
class Source:
    """A metric that an answer shows, and how it is read."""

    key: MetricKey
    stat: str
    period: int


def default_labels(sources: Sequence[Source]) -> list[str]:
    """For each metric of an answer, what tells it from the others.

    Namespace, dimensions and name, where the metrics differ in them (the name where nothing else is
    told); then statistic and period, where one metric is read in several ways.
    """
    if not sources:
        return []
    names = {source.key.name for source in sources}
    namespaces = {source.key.namespace for source in sources}
    common = set.intersection(*(set(source.key.dimensions) for source in sources))
    stats: dict[MetricKey, set[str]] = {}
    periods: dict[MetricKey, set[int]] = {}
    for source in sources:
        stats.setdefault(source.key, set()).add(source.stat)
        periods.setdefault(source.key, set()).add(source.period)
    labels = []
    for source in sources:
        key = source.key
        parts = [key.namespace] if len(namespaces) > 1 else []
        parts += [value for name, value in key.dimensions if (name, value) not in common]
        if len(names) > 1 or not parts:
            parts.append(key.name)
        if len(stats[key]) > 1:
            parts.append(source.stat)
        if len(periods[key]) > 1:
            parts.append(str(source.period))
        labels.append(" ".join(parts))
    return labels


def dynamic(label: str, series: TimeSeries, origin: Origin | None, default: str) -> str:
    """A label with each ``${…}`` replaced; unknown ones are left as they are.

    Raises:
        MathError: for times of datapoints, whose form in a label is documented nowhere.
    """
    if "${" not in label:
        return label

    def replace(match: re.Match[str]) -> str:
        name, argument = match[1], match[2]
        if name == "LABEL":
            return default
        if name == "PROP" and origin is not None and argument is not None:
            return origin.properties().get(argument, match[0])
        values = list(series.points.values())
        if name in _TIMES:
            raise MathError(f"the embedded AWS does not put {match[0]} into labels")
        if name in _RANGES:
            return _number(_RANGES[name](values)) if values else "--"
        if name in ("FIRST", "LAST"):
            return _number(values[0 if name == "FIRST" else -1]) if values else "--"
        if name in REDUCTIONS:
            return _number(REDUCTIONS[name](values)) if values else "--"
        return match[0]

    return _DYNAMIC.sub(replace, label)


def _number(value: float) -> str:
    return f"{value:.6g}"
