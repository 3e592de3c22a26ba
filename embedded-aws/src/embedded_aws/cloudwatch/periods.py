"""Periods and time ranges, rounded as the documentation of GetMetricData says."""

from __future__ import annotations

from dataclasses import dataclass

from embedded_aws.cloudwatch.store import DAY, HOUR
from embedded_aws.protocol.service import AwsFault

SHORT_PERIODS = (1, 5, 10, 20, 30)
AHEAD = 2 * HOUR


def check_period(period: int, code: str = "ValidationError") -> None:
    """Refuse a period that is neither short nor a multiple of 60.

    Raises:
        AwsFault: with ``code``.
    """
    if period in SHORT_PERIODS or (period > 0 and period % 60 == 0):
        return
    raise AwsFault(
        code, "The parameter Period must be equal to 1, 5, 10, 20, 30, or a multiple of 60."
    )


@dataclass(frozen=True)
class Range:
    """A half-open range of unix seconds, asked for at a moment ``now``."""

    start: float
    end: float
    now: float

    def begin(self, period: int) -> int:
        """The start, rounded down: to the period below a minute; to a minute, 5 minutes or an hour
        for starts less than 15 days, 63 days, and longer ago.
        """  # noqa: D205
        if period < 60:
            step = period
        else:
            age = self.now - self.start
            step = 60 if age < 15 * DAY else 300 if age < 63 * DAY else 3600
        whole = int(self.start // 1)
        return whole - whole % step

    def spans(self, period: int) -> list[tuple[int, int]]:
        """The ``(start, length)`` of every period that begins before the end, oldest first.

        Data may lie up to two hours ahead; further there is none.
        """
        return [(start, period) for start in self._starts(period, self.now + AHEAD)]

    def grid(self, period: int) -> range:
        """Starts of all periods that have begun by now: what ``FILL`` and its like fill."""
        return self._starts(period, self.now)

    def _starts(self, period: int, latest: float) -> range:
        begin = self.begin(period)
        return range(begin, max(begin, -int(-min(self.end, latest) // 1)), period)
