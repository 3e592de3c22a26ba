"""Say ``drift.detected`` until somebody hears it: the event, then the run that it starts.

An event can be lost between the server and its triggers (a busy database, a template that does not
render, a trigger that somebody switched off), and a lost alarm is a model that nobody retrains. So
the run is looked for, and the event is said again when there is none. Two runs for one alarm, when
the first was only late, cost nothing twice: the second adopts the job of the first.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from tasks.errors import AlarmUnheard

EVENT = "drift.detected"
LISTENER = "on-drift"
TIMES = 3
LOOKS = 40
"""Looks for the run, a second apart, before the event is said again."""


def tell(
    model: str,
    emit: Callable[[], None],
    heard: Callable[[], str],
    pause: Callable[[float], None] = time.sleep,
) -> str:
    """Emit the event until a run begins because of it; that run's id.

    Args:
        model: Whose data drifted.
        emit: Says the event once.
        heard: The id of the run that it started; "" when there is none yet.
        pause: Waits for so many seconds.

    Raises:
        AlarmUnheard: no run began, however often the event was emitted.
    """
    for _ in range(TIMES):
        emit()
        for _ in range(LOOKS):
            run = heard()
            if run:
                return run
            pause(1.0)
    raise AlarmUnheard(
        f"{EVENT} of {model} was emitted {TIMES} times, and no run of {LISTENER} began.",
        "Look at Automations and at the event feed in the Prefect UI; then run watch-drift again.",
    )
