"""An alarm is told until a retraining begins, and not once more."""

import pytest

from tasks.drift.alarms.announcing import LOOKS, TIMES, tell
from tasks.errors import AlarmUnheard


class Bus:
    """Loses the first events; the run of one that arrives can be seen some looks later."""

    def __init__(self, loses: int, late: int = 0) -> None:
        self.loses = loses
        self.late = late
        self.said = 0
        self.looks_since = 0

    def emit(self) -> None:
        self.said += 1
        self.looks_since = 0

    def heard(self) -> str:
        self.looks_since += 1
        arrived = self.said > self.loses and self.looks_since > self.late
        return f"run-{self.said}" if arrived else ""


@pytest.mark.parametrize("loses", range(TIMES))
def test_an_event_that_is_lost_is_said_again(loses):
    bus = Bus(loses)
    assert tell("m", bus.emit, bus.heard, lambda _: None) == f"run-{loses + 1}"
    assert bus.said == loses + 1


def test_a_run_that_is_only_late_is_waited_for():
    bus = Bus(0, late=LOOKS - 1)
    tell("m", bus.emit, bus.heard, lambda _: None)
    assert bus.said == 1


def test_an_alarm_that_nobody_hears_is_an_error_with_a_next_step():
    bus = Bus(TIMES)
    with pytest.raises(AlarmUnheard, match=r"drift\.detected of m .* Automations"):
        tell("m", bus.emit, bus.heard, lambda _: None)
    assert bus.said == TIMES
