"""What CloudWatch is told of a champion's error once labels come. Pure."""

from __future__ import annotations

from typing import Any

from tasks.clock import utc
from tasks.drift.quality.champion import Followed
from tasks.metrics import ERROR, told_as

APART = 300.0
"""Seconds between the two values: the alarm on them looks at two periods of that length."""


def metric_data(model: str, task: str, followed: Followed, now: float) -> list[dict[str, Any]]:
    """MetricData of the two newest labelled periods; none before labels have come.

    Labels come a day apart or a week, and an alarm looks at two periods of five minutes: each watch
    tells the newest labelled period as of now, and the one before it as of five minutes ago, so
    that the alarm rings when two labelled periods in a row are bad.

    Args:
        model: Its name, the one dimension.
        task: What it predicts, which says what its errors mean.
        followed: What the watch found.
        now: Unix time on the installation's clock.
    """
    name = told_as(task)
    newest = list(reversed(followed.newest))
    return [
        {
            "MetricName": name,
            "Dimensions": [{"Name": "ModelName", "Value": model}],
            "Timestamp": utc(now - back * APART),
            "Value": period.mean if name == ERROR else 100.0 * max(0.0, 1.0 - period.mean),
            "Unit": "None" if name == ERROR else "Percent",
        }
        for back, period in enumerate(newest)
    ]
