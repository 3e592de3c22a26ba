"""Moments as people read them: one form and one zone on every page. Pure."""

from __future__ import annotations

from datetime import UTC, datetime


def moment_of(text: str) -> str:
    """A moment that was written down in ISO 8601, as a page shows it; without a zone it is UTC.

    >>> moment_of("2026-01-31T04:00:00.123+02:00")
    '2026-01-31 02:00:00 UTC'
    """
    at = datetime.fromisoformat(text)
    whole = at.astimezone(UTC) if at.tzinfo else at
    return f"{whole:%Y-%m-%d %H:%M:%S} UTC"
