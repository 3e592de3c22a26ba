"""MetricDataQueries, shared by GetMetricData and by alarms on metric math."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from embedded_aws.cloudwatch import statistics
from embedded_aws.cloudwatch.labels import Origin, Source, default_labels, dynamic
from embedded_aws.cloudwatch.math.evaluate import evaluate
from embedded_aws.cloudwatch.math.syntax import MathError, Node, names, parse
from embedded_aws.cloudwatch.math.values import TimeSeries, Value, kind_of
from embedded_aws.cloudwatch.periods import Range, check_period
from embedded_aws.cloudwatch.search import search
from embedded_aws.cloudwatch.store import LISTED, MetricKey, MetricStore
from embedded_aws.protocol.service import AwsFault

# What is said of a metric of another account.
FORBIDDEN = (
    "Forbidden",
    "Access denied when getting data - please check that this account and the requested metric "
    "account are linked",
)
# Begins a label that is not decided yet; no metric's name holds it.
_PENDING = "\0"
_ID = re.compile(r"[a-z][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Query:
    """One MetricDataQuery: a metric, or an expression."""

    id: str
    key: MetricKey | None = None
    stat: str = ""
    unit: str | None = None
    period: int | None = None
    expression: str | None = None
    label: str | None = None
    returns: bool = True
    account: str = ""


def metric_key(params: Mapping[str, Any]) -> MetricKey:
    """The key of ``Namespace``, ``MetricName`` and ``Dimensions``."""
    dimensions = {d["Name"]: d["Value"] for d in params.get("Dimensions", [])}
    return MetricKey.of(params.get("Namespace", ""), params.get("MetricName", ""), dimensions)


def read_queries(raw: Sequence[Mapping[str, Any]], path: str = "MetricDataQueries") -> list[Query]:
    """Check and read queries.

    Raises:
        AwsFault: ``ValidationError`` naming the member.
    """
    queries = [_read(query, f"{path}.member.{i}") for i, query in enumerate(raw, 1)]
    ids = [query.id for query in queries]
    for name in ids:
        if ids.count(name) > 1:
            raise _invalid(f"The values for parameter id in {path} are not unique.")
    return queries


def _read(raw: Mapping[str, Any], path: str) -> Query:
    name = raw["Id"]
    if not _ID.fullmatch(name):
        raise _invalid(
            f"The value {name} for parameter {path}.Id is not matching the expected pattern "
            "^[a-z][a-zA-Z0-9_]*$."
        )
    if "MetricStat" not in raw and "Expression" not in raw:
        # The line's end is part of AWS's message.
        raise _invalid(f"The parameter {path}.MetricStat is required.\n")
    for member in ("Expression", "Period"):
        if "MetricStat" in raw and member in raw:
            raise _invalid(
                f"The parameters {path}.{member} and {path}.MetricStat are mutually exclusive and "
                "you have specified both."
            )
    common = {
        "id": name,
        "label": raw.get("Label"),
        "returns": raw.get("ReturnData", True),
        "account": raw.get("AccountId", ""),
    }
    if "Period" in raw:
        check_period(raw["Period"])
    if "Expression" in raw:
        return Query(**common, expression=raw["Expression"], period=raw.get("Period"))
    stat = raw["MetricStat"]
    check_period(stat["Period"])
    try:
        statistics.parse(stat["Stat"])
    except statistics.UnknownStatisticError:
        raise _invalid(
            f"The value {stat['Stat']} for parameter {path}.MetricStat.Stat is not supported."
        ) from None
    key = metric_key(stat["Metric"])
    if not key.namespace or not key.name:
        raise _invalid(
            f"The parameter {path}.MetricStat.Metric must have a Namespace and a MetricName."
        )
    return Query(**common, key=key, stat=stat["Stat"], period=stat["Period"], unit=stat.get("Unit"))


@dataclass
class Evaluation:
    """One evaluation of a list of queries over a range.

    Args:
        store: Where the metrics are.
        queries: All of them; each is evaluated once, when it is needed.
        asked: The range of time.
        region: For ``${PROP('Region')}``.
        account: For ``${PROP('AccountId')}``.
    """

    store: MetricStore
    queries: Sequence[Query]
    asked: Range
    region: str = ""
    account: str = ""
    grids: Mapping[int, range] = field(default_factory=dict)
    _done: dict[str, Value] = field(default_factory=dict)
    _open: list[str] = field(default_factory=list)
    _trees: dict[str, Node] = field(default_factory=dict)
    _origins: dict[int, tuple[object, Origin]] = field(default_factory=dict)
    _sources: list[Source] = field(default_factory=list)

    def result(self, query: Query) -> tuple[TimeSeries, ...]:
        """The series of one query; their labels come with :meth:`labelled`.

        Raises:
            MathError: when it is an expression that cannot be evaluated, or no series.
        """
        value = self.value_of(query.id)
        if isinstance(value, TimeSeries):
            return (value,)
        if isinstance(value, tuple):
            return value
        what = kind_of(0.0 if value is None else value)
        raise MathError(
            f"the expression {query.id} must return a time series or an array of them, not {what}"
        )

    def value_of(self, name: str) -> Value | None:
        """The result of a query by its id; None when there is no such query."""
        if name in self._done:
            return self._done[name]
        query = next((q for q in self.queries if q.id == name), None)
        if query is None:
            return None
        if name in self._open:
            raise MathError(f"the expressions {' and '.join(self._open)} refer to each other")
        self._open.append(name)
        try:
            if query.expression is None:
                value: Value = self._metric(query)
            else:
                value = evaluate(self._tree(query), _Scope(self, query))
        finally:
            self._open.pop()
        self._done[name] = value
        return value

    def metrics(self) -> tuple[TimeSeries, ...]:
        """All queries that are metrics."""
        values = (self.value_of(q.id) for q in self.queries if q.expression is None)
        return tuple(value for value in values if isinstance(value, TimeSeries))

    def period_of(self, query: Query, above: frozenset[str] = frozenset()) -> int:
        """An expression's period: its own, or the longest of what it refers to."""
        if query.period is not None:
            return query.period
        above |= {query.id}
        references = names(self._tree(query)) - above
        periods = [self.period_of(q, above) for q in self.queries if q.id in references]
        periods = periods or [q.period for q in self.queries if q.key and q.period]
        return max(periods, default=60)

    def grid(self, period: int) -> range:
        """Starts of all periods of the range."""
        return self.grids[period] if period in self.grids else self.asked.grid(period)

    def read(self, key: MetricKey, stat: str, unit: str | None, period: int) -> dict[int, float]:
        """One statistic of one metric, by the start of its period."""
        grid = self.grids.get(period)
        spans = [(start, period) for start in grid] if grid else self.asked.spans(period)
        rows = self.store.read(key, unit, spans, [statistics.parse(stat)])
        return {start: values[0] for start, values in rows if values[0] is not None}

    def series(
        self, key: MetricKey, stat: str, unit: str | None, period: int, name: str, *, shown: bool
    ) -> TimeSeries:
        """One metric as a series that remembers where it comes from.

        Its label stays pending until the answer is complete: what tells it from the others
        depends on all that are ``shown``.
        """
        points = self.read(key, stat, unit, period)
        label = f"{_PENDING}{len(self._sources)}" if shown else key.name
        if shown:
            self._sources.append(Source(key, stat, period))
        series = TimeSeries(points, period, self.grid(period), name, label, self._units(key, unit,
                            period))  # fmt: skip
        # The points are kept with it, so that no other object can come by their id.
        origin = Origin(key, stat, period, self.region, self.account)
        self._origins[id(series.points)] = (series.points, origin)
        return series

    def labelled(self, query: Query, series: Sequence[TimeSeries]) -> list[TimeSeries]:
        """Series of a query with their labels, once every query is evaluated.

        Raises:
            MathError: for a dynamic label that cannot be filled.
        """
        labels = default_labels(self._sources)
        defaults = {f"{_PENDING}{i}": label for i, label in enumerate(labels)}
        single = not isinstance(self._done.get(query.id), tuple)
        labelled = []
        for one in series:
            own = defaults.get(one.label, one.label)
            label = self._label(query, one, own, single=single)
            labelled.append(replace(one, id=query.id, label=label))
        return labelled

    def _metric(self, query: Query) -> TimeSeries:
        key = query.key or MetricKey("", "")
        if query.account not in ("", self.account):
            # There is no other account here, and so none that this one is linked with.
            grid = self.grid(query.period or 60)
            return TimeSeries({}, query.period or 60, grid, query.id, key.name, (FORBIDDEN,))
        shown = query.returns and query.label is None
        period = query.period or 60
        return self.series(key, query.stat, query.unit, period, query.id, shown=shown)

    def _units(self, key: MetricKey, unit: str | None, period: int) -> tuple[tuple[str, str], ...]:
        """What is said of a metric that was asked for in no unit and has several."""
        if unit is not None or len(self.store.units(key)) < 2:
            return ()
        units = self.store.units_in(key, self.asked.spans(period))
        if len(units) < 2:
            return ()
        return (("MultipleUnits", f"Multiple units returned: '[{', '.join(units)}]'"),)

    def _tree(self, query: Query) -> Node:
        if query.id not in self._trees:
            self._trees[query.id] = parse(query.expression or "")
        return self._trees[query.id]

    def _label(self, query: Query, series: TimeSeries, own: str, *, single: bool) -> str:
        default = query.id if single and query.expression is not None else own
        origin = self._origins.get(id(series.points), (None, None))[1]
        if query.label is None:
            return default
        if "${" in query.label or single:
            return dynamic(query.label, series, origin, default)
        # An expression that yields several series puts its label before each one's own.
        return f"{query.label} {own}".strip()


@dataclass(frozen=True)
class _Scope:
    """What one expression sees: the whole evaluation, and its own period."""

    evaluation: Evaluation
    query: Query

    def value_of(self, name: str) -> Value | None:
        return self.evaluation.value_of(name)

    def metrics(self) -> tuple[TimeSeries, ...]:
        return self.evaluation.metrics()

    def search(self, term: str, statistic: str, period: int | None) -> tuple[TimeSeries, ...]:
        ev = self.evaluation
        try:
            statistics.parse(statistic)
        except statistics.UnknownStatisticError as error:
            raise MathError(str(error)) from None
        length = period or ev.period_of(self.query)
        keys = search(term, ev.store.keys(ev.asked.now - LISTED))
        return tuple(
            ev.series(key, statistic, None, length, self.query.id, shown=True) for key in keys
        )

    def constant(self, value: float) -> TimeSeries:
        period = self.evaluation.period_of(self.query)
        grid = self.evaluation.grid(period)
        return TimeSeries({}, period, grid).with_points(dict.fromkeys(grid, value))


def _invalid(message: str) -> AwsFault:
    return AwsFault("ValidationError", message)
