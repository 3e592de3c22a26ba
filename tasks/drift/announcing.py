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
PATIENCE_SECONDS = 40.0
_POLL_SECONDS = 1.0
_SLACK = timedelta(seconds=5)
"""Clocks of the server and of this process may differ by so much."""


def tell(model: str, payload: Mapping[str, Any], say: Callable[[str], None]) -> str:
    """Emit the event and wait for the retraining that it starts; that run's id.

    Raises:
        AlarmUnheard: no run began, however often the event was emitted.
    """
    since = datetime.now(UTC) - _SLACK
    for turn in range(TIMES):
        emit(model, payload)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            run = heard(model, since)
            if run:
                return run
            time.sleep(_POLL_SECONDS)
        say(f"No run of {LISTENER} after {PATIENCE_SECONDS:.0f} s; time {turn + 1} of {TIMES}")
    raise AlarmUnheard(
        f"{EVENT} of {model} was emitted {TIMES} times, and no run of {LISTENER} began.",
        "Look at Automations and at the event feed in the Prefect UI; then run watch-drift again.",
    )


def emit(model: str, payload: Mapping[str, Any]) -> None:
    """Create the event, and return once the server has it."""
    event = Event(
        event=EVENT,
        resource=Resource(
            {"prefect.resource.id": f"sluice.model.{model}", "prefect.resource.name": model}
        ),
        payload=dict(payload),
    )
    with get_client(sync_client=True) as prefect:
        prefect.request("POST", "/events", json=[event.model_dump(mode="json")])


def heard(model: str, since: datetime) -> str:
    """The id of a run that the event started after a moment; "" when there is none."""
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
