"""Moments that a contract itself writes: in its column's zone, or in a zone of their own."""

from datetime import UTC, date, datetime

import pytest

from tasks.contracts.model import Column
from tasks.contracts.moments.bounds import comparable, moment_of

BARE = Column(name="at", type="timestamp", timezone=False)
ZONED = Column(name="at", type="timestamp", timezone=True)
SWISS = Column(name="at", type="timestamp", timezone=False, default_timezone="Europe/Zurich")
TEN = datetime(2026, 1, 1, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("column", "text", "moment"),
    [
        (BARE, "2026-01-01T12:00:00+02:00", TEN.replace(tzinfo=None)),
        (BARE, "2026-01-01T10:00:00", TEN.replace(tzinfo=None)),
        (ZONED, "2026-01-01T12:00:00+02:00", TEN),
        (ZONED, "2026-01-01T10:00:00", TEN),
        (SWISS, "2026-01-01T12:00:00+02:00", TEN),
        (SWISS, "2026-01-01T11:00:00", TEN),
        (Column(name="day", type="date"), "2026-01-01", date(2026, 1, 1)),
    ],
)
def test_a_bound_is_the_moment_that_it_says(
    column: Column, text: str, moment: datetime | date
) -> None:
    assert moment_of(column, text) == moment
    if column.type == "timestamp":
        assert comparable(column, text) == TEN


@pytest.mark.parametrize(
    ("column", "text"),
    [
        (BARE, "next week"),
        (Column(name="day", type="date"), "2026-01-01T12:00:00+02:00"),
    ],
)
def test_what_is_no_moment_is_refused_by_its_text(column: Column, text: str) -> None:
    with pytest.raises(ValueError, match=r"is no (timestamp|date)"):
        comparable(column, text)
