"""The alarms that stop a candidate at the edge when nobody of us is alive. Pure.

They ring on the excess over the stable version, so that an incident which both share does not.
"""

from __future__ import annotations

from typing import Any

from tasks.release.edge.windows import ERRORS, LATENCY, REQUESTS, dimensions
from tasks.release.hosting import excess
from tasks.release.hosting.requests import alarm_names
from tasks.release.journal.record import Journal


def requests(journal: Journal) -> list[dict[str, Any]]:
    """PutMetricAlarm: error rate and mean latency of the candidate, two periods in a row."""
    period = max(60, journal.spec.window_seconds)
    topic = journal.site.alerts_topic_arn
    stable = journal.stable.version if journal.stable and journal.strategy == "canary" else ""
    common = {
        "EvaluationPeriods": 2,
        "DatapointsToAlarm": 2,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "ActionsEnabled": bool(topic),
        "AlarmActions": [topic] if topic else [],
    }
    errors, latency = alarm_names(journal)
    worse, slower = f"IF(FILL(ec,0)>={excess.MIN_ERRORS},FILL(ec,0)/nc,0)", "lc"
    rates = _rate(journal, journal.candidate.version, "c", period)
    means = [_metric(journal, journal.candidate.version, LATENCY, "lc", "Average", period)]
    if stable:
        queries, worse = excess.shares(("FILL(ec,0)", "nc"), ("es", "ns"))
        rates += [*_rate(journal, stable, "s", period), *queries]
        slower = excess.slower("nc", "lc", "ls")
        means += [
            _metric(journal, journal.candidate.version, REQUESTS, "nc", "Sum", period),
            _metric(journal, stable, LATENCY, "ls", "Average", period),
        ]
    return [
        {
            **common,
            "AlarmName": errors,
            "AlarmDescription": f"{journal.model}: users failed by {journal.candidate.version}",
            "Threshold": journal.spec.max_error_rate,
            "Metrics": [
                *rates,
                {"Id": "worse", "Expression": worse, "ReturnData": True},
            ],
        },
        {
            **common,
            "AlarmName": latency,
            "AlarmDescription": f"{journal.model}: mean latency of {journal.candidate.version}",
            "Threshold": journal.spec.max_latency_ms,
            "Metrics": [*means, {"Id": "slower", "Expression": slower, "ReturnData": True}],
        },
    ]


def _rate(journal: Journal, version: str, arm: str, period: int) -> list[dict[str, Any]]:
    n, e = f"n{arm}", f"e{arm}"
    return [
        _metric(journal, version, REQUESTS, n, "Sum", period),
        _metric(journal, version, ERRORS, e, "Sum", period),
    ]


def _metric(
    journal: Journal, version: str, name: str, metric_id: str, stat: str, period: int
) -> dict[str, Any]:
    return {
        "Id": metric_id,
        "MetricStat": {
            "Metric": {
                "Namespace": journal.site.metrics_namespace,
                "MetricName": name,
                "Dimensions": [
                    {"Name": key, "Value": value}
                    for key, value in dimensions(journal.model, version).items()
                ],
            },
            "Period": period,
            "Stat": stat,
        },
        "ReturnData": False,
    }
