"""Say ``drift.detected`` until somebody hears it: the event, then the run that it starts.

An event can be lost between the server and its triggers (a busy database, a template that does not
render, a trigger that somebody switched off), and a lost alarm is a model that nobody retrains. So
the run is looked for, and the event is said again when there is none. Two runs for one alarm, when
the first was only late, cost nothing twice: the second adopts the job of the first.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from prefect.client.orchestration import get_client
from prefect.events.schemas.events import Event, Resource

from tasks.errors import AlarmUnheard

EVENT = "drift.detected"
LISTENER = "on-drift"
TIMES = 3
LOOKS = 40
"""Looks for the run, a second apart, before the event is said again."""
_SLACK = timedelta(seconds=5)
"""Clocks of the server and of this process may differ by so much."""


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


def announce(model: str, payload: Mapping[str, Any]) -> str:
    """Tell the Prefect server that a model's data drifted; the id of the run that this started.

    Raises:
        AlarmUnheard: no run began.
    """
    since = datetime.now(UTC) - _SLACK
    return tell(model, lambda: _emit(model, payload), lambda: _run_of(model, since))


def _emit(model: str, payload: Mapping[str, Any]) -> None:
    event = Event(
        event=EVENT,
        resource=Resource(
            {"prefect.resource.id": f"sluice.model.{model}", "prefect.resource.name": model}
        ),
        payload=dict(payload),
    )
    with get_client(sync_client=True) as prefect:  # returns once the server has it
        prefect.request("POST", "/events", json=[event.model_dump(mode="json")])


def _run_of(model: str, since: datetime) -> str:
    with get_client(sync_client=True) as prefect:
        found = prefect.request(
            "POST",
            "/flow_runs/filter",
            json={
                "deployments": {"name": {"any_": [LISTENER]}},
                "flow_runs": {"expected_start_time": {"after_": since.isoformat()}},
                "limit": 50,
            },
        ).json()
    mine = [str(run["id"]) for run in found if run["parameters"].get("model") == model]
    return mine[0] if mine else ""
