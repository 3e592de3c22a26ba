"""What was said of a column's drift, so that what goes on is known from what is new. Pure."""

from __future__ import annotations

from tasks.drift.reports.report import ColumnDrift
from tasks.values import Frozen

FURTHER = 1.5
"""Times the difference that was told, beyond which a drift is another one."""


class AnnouncedDrift(Frozen):
    """One column as it was told.

    Attributes:
        since: First partition of its drift.
        until: Newest partition that had been looked at.
        test: The test that was the strongest, ``difference`` in its unit.
    """

    since: str
    until: str
    test: str
    difference: float

    def covers(self, column: ColumnDrift) -> bool:
        """Whether a column moved no other way, and not clearly further, than was told."""
        further = abs(column.difference) > FURTHER * abs(self.difference)
        turned = column.difference * self.difference < 0
        return column.test == self.test and not further and not turned
