"""How much is asked of the stable version: enough for a proof before the deadline? Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.release.observation.windows import query

HOURS, MINUTES, WEEK = "hours", "minutes", "week"
HOUR_SECONDS, MINUTE_SECONDS = 3600, 60
WEEK_SECONDS = 7 * 24 * HOUR_SECONDS
KNOWN_HOURS = 6
"""Hours with requests from which on a service is known; a newer one may be about to be used."""
LATEST = 15
"""Latest minutes with requests that are looked at: traffic may just have come."""


def questions(
    namespace: str, metric: str, dimensions: Mapping[str, str]
) -> tuple[dict[str, Any], ...]:
    """MetricDataQueries for the requests of every hour, and of every minute."""
    return (
        query(HOURS, namespace, metric, dimensions, HOUR_SECONDS, "Sum"),
        query(MINUTES, namespace, metric, dimensions, MINUTE_SECONDS, "Sum"),
    )


def of_the_week(
    namespace: str, metric: str, dimensions: Mapping[str, str]
) -> tuple[dict[str, Any], ...]:
    """The MetricDataQuery for the requests of every hour, to be asked of ``WEEK_SECONDS``."""
    return (query(WEEK, namespace, metric, dimensions, HOUR_SECONDS, "Sum"),)


def peak(requests: Mapping[str, Sequence[float]]) -> float | None:
    """Requests per second in the busiest hour of the last week; None while that is not known.

    Args:
        requests: Answers to ``of_the_week``.
    """
    hours = requests.get(WEEK, ())
    return max(hours) / HOUR_SECONDS if len(hours) >= KNOWN_HOURS else None


def busiest(requests: Mapping[str, Sequence[float]]) -> float | None:
    """Requests per second in the busiest hour of the last day, or now if that is more.

    Args:
        requests: Answers to ``questions``, the oldest first.

    Returns:
        None while the service is not known.
    """
    hours, minutes = requests.get(HOURS, ()), requests.get(MINUTES, ())
    if len(hours) < KNOWN_HOURS:
        return None
    return max(max(hours) / HOUR_SECONDS, max(minutes[-LATEST:], default=0.0) / MINUTE_SECONDS)
