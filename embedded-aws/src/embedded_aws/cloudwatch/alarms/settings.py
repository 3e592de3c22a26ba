"""What PutMetricAlarm accepts, and what the alarm then watches."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from embedded_aws.cloudwatch import statistics
from embedded_aws.cloudwatch.math.syntax import MathError, calls, names, parse
from embedded_aws.cloudwatch.periods import Range
from embedded_aws.cloudwatch.queries import Evaluation, Query, metric_key, read_queries
from embedded_aws.cloudwatch.store import DAY, HOUR, MetricStore
from embedded_aws.protocol.service import AwsFault

Comparison = Callable[[float, float], bool]

COMPARISONS: dict[str, tuple[Comparison, str]] = {
    "GreaterThanThreshold": (operator.gt, "greater than"),
    "GreaterThanOrEqualToThreshold": (operator.ge, "greater than or equal to"),
    "LessThanThreshold": (operator.lt, "less than"),
    "LessThanOrEqualToThreshold": (operator.le, "less than or equal to"),
}
TREATMENTS = ("missing", "ignore", "breaching", "notBreaching")
MAX_METRICS = 10
_SINGLE = ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Dimensions", "Period",
           "Unit")  # fmt: skip
# What PutMetricAlarm says of those that are not there.
_NEEDED = {
    "ComparisonOperator": "a valid ComparisonOperator",
    "Threshold": "valid Threshold",
    "EvaluationPeriods": "an EvaluationPeriods",
}
_ABSENT = ("EvaluationCriteria", "EvaluationInterval", "ThresholdMetricId")


@dataclass(frozen=True)
class Watch:
    """What a metric alarm looks at, and when it is breached.

    Args:
        queries: What is computed; ``watched`` is the Id of the one that counts.
        watched: See there.
        period: Seconds.
        periods: The N of "M out of N".
        datapoints: The M.
        operator: Name of the comparison.
        threshold: What values are compared with.
        missing: How missing datapoints are treated.
        low_samples: Measurements below which a percentile is not judged; 0 to judge always.
        wall_clock: Whether windows begin at multiples of the period.
        warm_up: Seconds after creation with no data in which nothing is decided.
        warm_up_whole: Whether to wait for all of them even when data is there.
        told_datapoints: Whether the alarm was put with ``DatapointsToAlarm``.
    """

    queries: tuple[Query, ...]
    watched: str
    period: int
    periods: int
    datapoints: int
    operator: str
    threshold: float
    missing: str
    low_samples: float
    wall_clock: bool = False
    warm_up: float = 0.0
    warm_up_whole: bool = False
    told_datapoints: bool = False

    def breaches(self, value: float) -> bool:
        """Whether a value is beyond the threshold."""
        return COMPARISONS[self.operator][0](value, self.threshold)


def read_watch(params: Mapping[str, Any]) -> Watch:
    """Check the settings of a metric alarm.

    Raises:
        AwsFault: ``ValidationError``, or ``InvalidParameterValue`` for an unknown statistic.
    """
    for member in _ABSENT:
        if member in params:
            raise _invalid(f"The embedded AWS does not have {member} (anomaly detection, PromQL).")
    if ("MetricName" in params) == ("Metrics" in params):
        raise _invalid("Exactly one of MetricName and Metrics must be specified.")
    for member, words in _NEEDED.items():
        if member not in params:
            raise _invalid(f"PutMetricAlarm request should have {words} parameter")
    if not math.isfinite(params["Threshold"]):
        raise _invalid("PutMetricAlarm request should have valid Threshold parameter")
    if params["ComparisonOperator"] not in COMPARISONS:
        raise _invalid(
            f"ComparisonOperator {params['ComparisonOperator']} is for anomaly detection, which "
            "the embedded AWS does not have."
        )
    treatment = params.get("TreatMissingData", "missing")
    if treatment not in TREATMENTS:
        raise _invalid(
            f"The value {treatment} is not supported for TreatMissingData parameter. Supported "
            "values are [breaching, notBreaching, ignore, missing]."
        )
    queries, subject = _expression(params) if "Metrics" in params else _metric(params)
    period = next(q.period for q in queries if q.key is not None) or 60
    count = params["EvaluationPeriods"]
    datapoints = params.get("DatapointsToAlarm", count)
    if datapoints > count:
        raise _invalid("DatapointsToAlarm must be less than or equal to EvaluationPeriods")
    _check_window(period, count)
    warm_up = params.get("WarmUpConfiguration", {})
    return Watch(
        queries=queries,
        watched=subject,
        period=period,
        periods=count,
        datapoints=datapoints,
        operator=params["ComparisonOperator"],
        threshold=float(params["Threshold"]),
        missing=treatment,
        low_samples=_low_samples(params),
        wall_clock="WallClockWindow" in params.get("EvaluationWindow", {}),
        warm_up=60.0 * warm_up.get("WarmUpPeriodDurationInMinutes", 0),
        warm_up_whole=warm_up.get("OnlyStartEvaluatingAfterWarmUpPeriodEnds", False),
        told_datapoints="DatapointsToAlarm" in params,
    )


def _check_window(period: int, count: int) -> None:
    """An alarm looks back no longer than a day, or a week where its period is an hour or more."""
    for word, longest, sign, applies in (
        ("day", DAY, "<", period < HOUR),
        ("week", 7 * DAY, ">=", period >= HOUR),
    ):
        if applies and period * count > longest:
            raise _invalid(
                f"Metrics cannot be checked across more than a {word} (EvaluationPeriods * Period "
                f"must be <= {longest}) for alarms using period {sign} {HOUR}"
            )


def _metric(params: Mapping[str, Any]) -> tuple[tuple[Query, ...], str]:
    if "Namespace" not in params:
        raise _invalid("PutMetricAlarm request should have a Namespace parameter")
    if "Statistic" in params and "ExtendedStatistic" in params:
        raise _invalid(
            "PutMetricAlarm request can not be made with both Statistic and ExtendedStatistic "
            "parameters. Only one of them should be present"
        )
    if "Statistic" not in params and "ExtendedStatistic" not in params:
        raise _invalid("PutMetricAlarm request should have a Statistic parameter")
    if "Period" not in params:
        raise _invalid("PutMetricAlarm request should have a Period parameter")
    stat = params.get("Statistic") or params["ExtendedStatistic"]
    _check_stat(stat)
    period = params["Period"]
    _check_period(period)
    query = Query("m1", metric_key(params), stat, params.get("Unit"), period)
    return (query,), "m1"


def _expression(params: Mapping[str, Any]) -> tuple[tuple[Query, ...], str]:
    for member in _SINGLE:
        if member in params:
            raise _invalid(
                f"The parameters Metrics and {member} are mutually exclusive and you have "
                "specified both."
            )
    queries = read_queries(params["Metrics"], "Metrics")
    metrics = [query for query in queries if query.key is not None]
    for kind, held in (("metrics", len(metrics)), ("expressions", len(queries) - len(metrics))):
        if held > MAX_METRICS:
            raise _invalid(f"Too many {kind} in alarm, maximum is {MAX_METRICS}")
    if not metrics:
        raise _invalid(f"An alarm must watch between 1 and {MAX_METRICS} metrics.")
    periods = {query.period for query in metrics}
    if len(periods) > 1:
        raise _invalid("All metrics of an alarm must have the same period.")
    _check_period(metrics[0].period or 0)
    returning = [query for query in queries if query.returns]
    if len(returning) != 1:
        raise _invalid("Exactly one element of the metrics list should return data.")
    ids = {query.id for query in queries}
    for query in queries:
        if query.expression is not None:
            _check_expression(query, ids)
    _check_one_series(queries, returning[0].id)
    return tuple(queries), returning[0].id


def _check_one_series(queries: Sequence[Query], watched: str) -> None:
    """An alarm watches one series: what its expression yields shows without any data."""
    empty = Evaluation(MetricStore(), queries, Range(0.0, 3600.0, 3600.0))
    try:
        value = empty.value_of(watched)
    except MathError as error:
        raise _invalid(f"Error in expression '{watched}': {error}") from None
    except ValueError:
        # What data decides (the bounds of a SLICE) cannot be seen without any.
        return
    if isinstance(value, tuple):
        raise _invalid(
            "Metrics expression that return multi time series are only allowed for MetricsInsights "
            "expression with an ORDER BY clause"
        )


def _check_expression(query: Query, ids: set[str]) -> None:
    try:
        tree = parse(query.expression or "")
    except MathError as error:
        raise _invalid(f"Error in expression '{query.id}': {error}") from None
    if "SEARCH" in calls(tree):
        raise _invalid("SEARCH is not supported on Metric Alarms.")
    unknown = sorted(name for name in names(tree) - ids if name[0].islower())
    if unknown:
        raise _invalid(f"Error in expression '{query.id}': Undefined variable {', '.join(unknown)}")


def _check_stat(stat: str) -> None:
    try:
        statistics.parse(stat)
    except statistics.UnknownStatisticError:
        raise AwsFault(
            "InvalidParameterValue",
            f"The value {stat} for parameter ExtendedStatistic is not supported.",
        ) from None


def _check_period(period: int) -> None:
    if period not in (10, 20, 30) and (period < 60 or period % 60):
        raise _invalid("Period must be 10, 20, 30 or a multiple of 60")


def _low_samples(params: Mapping[str, Any]) -> float:
    """Fewest measurements for a percentile to mean something, by the documented rule."""
    choice = params.get("EvaluateLowSampleCountPercentile", "evaluate")
    if choice not in ("evaluate", "ignore"):
        raise _invalid(
            f"Option {choice} is not supported. Supported options for parameter "
            "EvaluateLowSampleCountPercentile are evaluate and ignore."
        )
    percent = statistics.parse(params.get("ExtendedStatistic", "Sum")).percent
    if "EvaluateLowSampleCountPercentile" in params and percent is None:
        stat = params.get("Statistic") or params.get("ExtendedStatistic", "of an expression")
        raise _invalid(
            f"Option evaluateLowSampleCountPercentile can not be applied with statistic {stat}. "
            "This option is enabled only for percentile statistics."
        )
    if choice == "evaluate" or percent is None:
        return 0.0
    tail = min(percent, 100.0 - percent) / 100.0
    return 10.0 / tail if tail > 0 else 0.0


def _invalid(message: str) -> AwsFault:
    return AwsFault("ValidationError", message)
