"""Apply prefect.yaml and the automations to the Prefect server of PREFECT_API_URL. Repeatable."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ZOMBIES = "sluice: a run whose heart stopped is crashed"


def deploy() -> int:
    """``prefect deploy --all``; its exit status."""
    environment = {"SLUICE_HOME": str(ROOT), **os.environ}
    return subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
    ).returncode


def automate() -> None:
    """Create or update our automations by name: creating twice would make two."""
    from prefect.automations import AutomationCore
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import EventTrigger, Posture

    wanted = AutomationCore(
        name=ZOMBIES,
        description="Heartbeats come every 30 s; none for 90 s means that the process is dead.",
        trigger=EventTrigger(
            after={"prefect.flow-run.heartbeat"},
            expect={
                "prefect.flow-run.heartbeat",
                "prefect.flow-run.Completed",
                "prefect.flow-run.Failed",
                "prefect.flow-run.Cancelled",
                "prefect.flow-run.Crashed",
                "prefect.flow-run.Paused",
                "prefect.flow-run.Suspended",
            },
            match={"prefect.resource.id": "prefect.flow-run.*"},
            for_each={"prefect.resource.id"},
            posture=Posture.Proactive,
            threshold=1,
            within=timedelta(seconds=90),
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED, message="No heartbeat for 90 s: the process is dead."
            )
        ],
    )
    with get_client(sync_client=True) as client:
        there = client.request(
            "POST",
            "/automations/filter",
            json={"automations": {"name": {"any_": [ZOMBIES]}}},
        ).json()
        # An update knows no owner: the server answers 422 to a field that it does not expect.
        body = wanted.model_dump(mode="json", exclude={"owner_resource"})
        for extra in there[1:]:
            client.request("DELETE", "/automations/{id}", path_params={"id": extra["id"]})
        if there:
            client.request(
                "PUT", "/automations/{id}", path_params={"id": there[0]["id"]}, json=body
            )
        else:
            client.request("POST", "/automations/", json=body)


def main() -> int:
    """Exit status of the first thing that failed, else 0."""
    status = deploy()
    if status == 0:
        automate()
    return status


if __name__ == "__main__":
    raise SystemExit(main())
