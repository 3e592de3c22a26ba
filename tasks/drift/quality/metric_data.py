"""What CloudWatch is told of a champion's error once labels come. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection
from typing import Any

from tasks.clock import utc
from tasks.drift.quality.champion import Followed
from tasks.metrics import ERROR, told_as

APART = 300.0
"""Seconds between the two values: the alarm on them looks at two periods of that length."""
LATELY = 1200.0
"""Seconds within which an alarm may still see what an earlier watch told."""


def metric_data(
    model: str,
    variant: str,
    task: str,
    followed: Followed,
    now: float,
    told: Collection[str] = (),
) -> list[dict[str, Any]]:
    """MetricData of the two newest labelled periods; none before labels have come.

    Labels come a day apart or a week, and an alarm looks at two periods of five minutes: each watch
    tells the newest labelled period as of now, and the one before it as of five minutes ago, so
    that the alarm rings when two labelled periods in a row are bad. A period that a watch told a
    few minutes ago is not told again: it would be two in a row by itself. A mean that is no number
    is not told.

    Each is told of the model, for people who look at its months, and of the variant that serves
    the version that was judged: the alarm watches that, so that what labels said of a bad version
    rings nobody once an earlier one is back.

    Args:
        model: Its name.
        variant: Of the version that was judged.
        task: What it predicts, which says what its errors mean.
        followed: What the watch found.
        now: Unix time on the installation's clock.
        told: Names of periods that CloudWatch knows already.
    """
    name = told_as(task)
    newest = [one for one in reversed(followed.newest) if math.isfinite(one.mean)]
    if newest and newest[0].name in told:
        return []
    newest = [one for one in newest if one.name not in told]
    of_model = [{"Name": "ModelName", "Value": model}]
    of_version = [*of_model, {"Name": "VariantName", "Value": variant}]
    return [
        {
            "MetricName": name,
            "Dimensions": dimensions,
            "Timestamp": utc(now - back * APART),
            "Value": period.mean if name == ERROR else 100.0 * max(0.0, 1.0 - period.mean),
            "Unit": "None" if name == ERROR else "Percent",
        }
        for dimensions in (of_model, of_version)
        for back, period in enumerate(newest)
    ]
