"""GetMetricData and GetMetricStatistics."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from embedded_aws.cloudwatch import statistics
from embedded_aws.cloudwatch.math.syntax import MathError
from embedded_aws.cloudwatch.math.values import TimeSeries
from embedded_aws.cloudwatch.periods import Range, check_period
from embedded_aws.cloudwatch.queries import (
    FORBIDDEN,
    Evaluation,
    Query,
    metric_key,
    read_queries,
)
from embedded_aws.cloudwatch.store import MetricStore
from embedded_aws.protocol.service import AwsFault

MAX_QUERIES = 500
MAX_DATAPOINTS = 100_800
MAX_STATISTICS = 1440


def get_metric_data(
    store: MetricStore, params: Mapping[str, Any], now: float, region: str, account: str
) -> dict[str, Any]:
    """All series of the queries that return data, a page at a time.

    Pages follow the order of the queries; a series that a page cuts is ``PartialData``.

    Raises:
        AwsFault: ``ValidationError`` or ``InvalidNextToken``.
    """
    raw = params["MetricDataQueries"]
    if not 1 <= len(raw) <= MAX_QUERIES:
        raise AwsFault(
            "ValidationError",
            f"The collection MetricDataQueries must have a size between 1 and {MAX_QUERIES}.",
        )
    queries = read_queries(raw)
    start, end = int(params["StartTime"]), int(params["EndTime"])
    if start == end:
        raise AwsFault(
            "ValidationError", "The parameter StartTime must not equal parameter EndTime."
        )
    if start > end:
        raise AwsFault("ValidationError", "The parameter EndTime must be greater than StartTime.")
    if not any(query.returns for query in queries):
        raise AwsFault(
            "ValidationError", "At least one of the MetricDataQueries must have ReturnData true."
        )
    limit = params.get("MaxDatapoints", MAX_DATAPOINTS)
    if not 1 <= limit <= MAX_DATAPOINTS:
        raise AwsFault("ValidationError", f"MaxDatapoints must be between 1 and {MAX_DATAPOINTS}.")
    digest = _digest(params)
    token = _read_token(params.get("NextToken"), digest)
    time_range = Range(params["StartTime"], params["EndTime"], token.get("now", now))
    evaluation = Evaluation(store, queries, time_range, region, account)
    results = _results(evaluation)
    ascending = params.get("ScanBy") == "TimestampAscending"
    page, after = _page(results, token.get("skip", 0), limit, ascending)
    answer: dict[str, Any] = {"MetricDataResults": page, "Messages": []}
    if after is not None:
        answer["NextToken"] = _token({"skip": after, "now": time_range.now, "of": digest})
    return answer


def get_metric_statistics(
    store: MetricStore, params: Mapping[str, Any], now: float
) -> dict[str, Any]:
    """Statistics of one metric; one datapoint per period and unit.

    Raises:
        AwsFault: ``InvalidParameterValue``, ``InvalidParameterCombination`` or
            ``MissingParameter``.
    """
    names, extended_names = params.get("Statistics", []), params.get("ExtendedStatistics", [])
    if not names and not extended_names:
        raise AwsFault(
            "InvalidParameterCombination",
            "At least one of the parameters Statistics and ExtendedStatistics must be specified.",
        )
    if names and extended_names:
        raise AwsFault(
            "InvalidParameterCombination",
            "The parameters Statistics and ExtendedStatistics are mutually exclusive and you have "
            "specified both.",
        )
    period = params["Period"]
    check_period(period, "InvalidParameterValue")
    if int(params["StartTime"]) >= int(params["EndTime"]):
        raise AwsFault(
            "InvalidParameterValue",
            "The parameter StartTime must be less than the parameter EndTime.",
        )
    try:
        parsers = [statistics.parse(name) for name in (*names, *extended_names)]
    except statistics.UnknownStatisticError as error:
        raise AwsFault(
            "InvalidParameterValue",
            f"The value {error.name} for parameter ExtendedStatistics.member.1 is not supported.",
        ) from None
    time_range = Range(params["StartTime"], params["EndTime"], now)
    count = (time_range.end - time_range.start) / period
    if count > MAX_STATISTICS:
        raise AwsFault(
            "InvalidParameterCombination",
            f"You have requested up to {int(count)} datapoints, which "
            f"exceeds the limit of {MAX_STATISTICS}. You may reduce the datapoints requested by "
            "increasing Period, or decreasing the time range.",
        )
    key = metric_key(params)
    units = [params["Unit"]] if "Unit" in params else store.units(key)
    points = []
    for unit in units:
        for start, values in store.read(key, unit, time_range.spans(period), parsers):
            by_name = {s.name: v for s, v in zip(parsers, values, strict=True) if v is not None}
            if not by_name:
                continue
            figures: dict[str, Any] = by_name if names else {"ExtendedStatistics": by_name}
            points.append({"Timestamp": float(start), "Unit": unit, **figures})
    return {"Label": params["MetricName"], "Datapoints": points}


def _results(evaluation: Evaluation) -> list[TimeSeries]:
    """The series of every query that returns data, labelled."""
    found: list[tuple[Query, Sequence[TimeSeries]]] = []
    try:
        for query in evaluation.queries:
            found.append((query, evaluation.result(query)))
        return [
            series
            for query, several in found
            if query.returns
            for series in evaluation.labelled(query, several)
        ]
    except MathError as error:
        raise AwsFault("ValidationError", f"Error in expression '{query.id}': {error}") from None


def _page(
    results: list[TimeSeries], skip: int, limit: int, ascending: bool
) -> tuple[list[dict[str, Any]], int | None]:
    """``limit`` points after the first ``skip``, and how many to skip next time."""
    page: list[dict[str, Any]] = []
    total = sum(len(series.points) for series in results)
    end = skip + limit
    at = 0
    for series in results:
        size = len(series.points)
        first, last = max(skip - at, 0), min(end - at, size)
        # A series without data is on the page of the points around it.
        empty = size == 0 and skip <= at and (at < end or end >= total)
        at += size
        if first >= last and not empty:
            continue
        points = sorted(series.points.items(), reverse=not ascending)[first:last]
        page.append(
            {
                "Id": series.id,
                "Label": series.label,
                "Timestamps": [float(t) for t, _ in points],
                "Values": [v for _, v in points],
                "StatusCode": _status(series, whole=last >= size),
                "Messages": [{"Code": c, "Value": v} for c, v in series.messages] or None,
            }
        )
    return page, end if end < total else None


def _status(series: TimeSeries, *, whole: bool) -> str:
    if FORBIDDEN in series.messages:
        return "Forbidden"
    return "Complete" if whole else "PartialData"


def _digest(params: Mapping[str, Any]) -> str:
    question = {k: v for k, v in params.items() if k not in ("NextToken", "MaxDatapoints")}
    return hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:16]


def _token(state: Mapping[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(state).encode()).decode()


def _read_token(token: str | None, digest: str) -> dict[str, Any]:
    if token is None:
        return {}
    try:
        state = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        state = {}
    if not isinstance(state, dict) or state.get("of") != digest:
        raise AwsFault("InvalidNextToken", "The next token specified is invalid.")
    return state
