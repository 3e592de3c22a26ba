"""Moments as people read them: one clock and one zone on every page. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from tasks.clock import utc

ZONE = "UTC"


def moment(seconds: float, *, exact: bool = True) -> str:
    """A moment of the product's clock as every page shows it.

    Args:
        seconds: Unix time.
        exact: With seconds; a plan that is days long needs none.

    >>> moment(1769824800), moment(1769824800, exact=False)
    ('2026-01-31 02:00:00 UTC', '2026-01-31 02:00 UTC')
    """
    return f"{_told(seconds, '%Y-%m-%d %H:%M:%S' if exact else '%Y-%m-%d %H:%M')} {ZONE}"


def time_of_day(seconds: float) -> str:
    """The same moment where the day and the zone stand elsewhere: a column of a journal.

    >>> time_of_day(1769824800)
    '02:00:00'
    """
    return _told(seconds, "%H:%M:%S")


def moment_of(text: str) -> str:
    """A moment that was written down in ISO 8601; without a zone it is UTC.

    >>> moment_of("2026-01-31T02:00:00.123+00:00")
    '2026-01-31 02:00:00 UTC'
    """
    at = datetime.fromisoformat(text)
    return moment((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp())


def _told(seconds: float, form: str) -> str:
    """The one place that decides by which clock people read."""
    return utc(seconds).strftime(form)
