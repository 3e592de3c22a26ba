"""Apply prefect.yaml, its forms' menus and the automations to the server of PREFECT_API_URL.

Repeatable: nothing is made twice, and what a person has paused in the UI stays paused.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from deployments.paused import as_left
from tasks.yaml_documents import yaml_document

ROOT = Path(__file__).resolve().parents[1]
PAGE = 200
POOL = "sluice"
AT_ONCE, URGENT_AT_ONCE = 6, 2
"""Runs on one machine, and those that bring users back, which have places of their own."""
ZOMBIES = "sluice: a run whose heart stopped is crashed"
SILENCE_SECONDS = 180
"""Six heartbeats. A machine that stood still for a minute, or a server that was busy for one, loses
two or three, and a run that is declared dead while it lives costs its training job."""


def deploy() -> int:
    """``prefect deploy --all``, with paused what a person has paused; its exit status."""
    import yaml

    environment = {"SLUICE_HOME": str(ROOT), **os.environ}
    document = as_left(yaml_document((ROOT / "prefect.yaml").read_text("utf-8")), *_there())
    with tempfile.TemporaryDirectory() as folder:
        plan = Path(folder) / "prefect.yaml"
        plan.write_text(yaml.safe_dump(document, sort_keys=False), "utf-8")
        return subprocess.run(
            [
                *(sys.executable, "-m", "prefect", "--no-prompt"),
                *("deploy", "--all", "--prefect-file", str(plan)),
            ],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
        ).returncode


def _there() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Deployments and the automations of their triggers, as they stand on the server."""
    from prefect.client.orchestration import get_client

    deployments: list[dict[str, Any]] = []
    automations: list[dict[str, Any]] = []
    with get_client(sync_client=True) as client:
        while True:
            page = client.request(
                "POST", "/deployments/filter", json={"offset": len(deployments), "limit": PAGE}
            ).json()
            deployments += page
            if len(page) < PAGE:
                break
        for deployment in deployments:
            resource = f"prefect.deployment.{deployment['id']}"
            triggers = client.request(
                "GET",
                "/automations/related-to/{resource_id}",
                path_params={"resource_id": resource},
            ).json()
            automations += [{**automation, "owner": deployment["id"]} for automation in triggers]
    return deployments, automations


def offer() -> None:
    """Fill the menus of the forms: a flow says what a menu is of, the folders say the rest."""
    from flows.forms import choices, refresh_forms
    from tasks.settings import settings

    refresh_forms(choices(settings()))


def automate() -> None:
    """Create or update our automations by name: creating twice would make two."""
    from prefect.automations import AutomationCore
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import EventTrigger, Posture

    watchdog = AutomationCore(
        name=ZOMBIES,
        description=(
            f"Heartbeats come every 30 s; none for {SILENCE_SECONDS} s means that the process is "
            "dead."
        ),
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
            within=timedelta(seconds=SILENCE_SECONDS),
        ),
        actions=[
            ChangeFlowRunState(
                state=StateType.CRASHED,
                message=f"No heartbeat for {SILENCE_SECONDS} s: the process is dead.",
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
        body = watchdog.model_dump(mode="json", exclude={"owner_resource"})
        # What a person has turned off stays off.
        body["enabled"] = all(automation.get("enabled", True) for automation in there)
        for extra in there[1:]:
            client.request("DELETE", "/automations/{id}", path_params={"id": extra["id"]})
        if there:
            client.request(
                "PUT", "/automations/{id}", path_params={"id": there[0]["id"]}, json=body
            )
        else:
            client.request("POST", "/automations/", json=body)


def arrange() -> None:
    """Let urgent runs be taken first, and leave them places on a machine that runs so many."""
    from prefect.client.orchestration import get_client

    with get_client(sync_client=True) as client:
        pool = client.read_work_pool(POOL)
        queues = {queue.name: queue for queue in client.read_work_queues(work_pool_name=POOL)}
        if "urgent" in queues:
            client.update_work_queue(queues["urgent"].id, priority=1)
        if pool.type == "process":
            # Each run is a process here; elsewhere the pool's own machines are the limit.
            client.update_work_queue(queues["default"].id, concurrency_limit=AT_ONCE)


def main() -> int:
    """Exit status of the first thing that failed, else 0."""
    status = deploy()
    if status == 0:
        offer()
        arrange()
        automate()
    return status


if __name__ == "__main__":
    raise SystemExit(main())
