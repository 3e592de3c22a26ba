"""What a person has paused in the UI stays paused when the deployments are applied again.

`prefect deploy` takes prefect.yaml at its word and so would turn on again whatever somebody has
turned off: a deployment, one of its schedules, one of its triggers. So the file is applied with
those switches as they stand on the server; there is no moment at which they are on.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any


def as_left(
    plan: Mapping[str, Any],
    deployments: Iterable[Mapping[str, Any]],
    automations: Iterable[Mapping[str, Any]],
) -> dict[str, Any]:
    """The content of prefect.yaml with everything off that is off on the server. Pure.

    Args:
        plan: Content of prefect.yaml.
        deployments: As the server tells them: ``id``, ``name``, ``entrypoint``, ``paused``,
            ``schedules``.
        automations: As the server tells them: ``name``, ``enabled``, and the id of the
            deployment that ``owner`` is.
    """
    document = copy.deepcopy(dict(plan))
    there = {(d.get("entrypoint"), d["name"]): d for d in deployments}
    off = {(a.get("owner"), a["name"]) for a in automations if not a.get("enabled", True)}
    for deployment in document["deployments"]:
        name = deployment["name"]
        counterpart = there.get((deployment["entrypoint"], name))
        if counterpart is None:
            continue
        if counterpart.get("paused"):
            deployment["paused"] = True
        resting = {_which(s) for s in counterpart.get("schedules", []) if not s.get("active", True)}
        for schedule in deployment.get("schedules", []):
            if _which({"slug": schedule.get("slug"), "schedule": schedule}) in resting:
                schedule["active"] = False
        for i, trigger in enumerate(deployment.get("triggers", []), start=1):
            # Prefect's own name for a trigger without one; its owner tells namesakes apart.
            automation = trigger.get("name") or f"{name}__automation_{i}"
            if (counterpart.get("id"), automation) in off:
                trigger["enabled"] = False
    return document


def _which(schedule: Mapping[str, Any]) -> str:
    """What tells one schedule of a deployment from another."""
    rhythm = schedule.get("schedule") or {}
    return str(schedule.get("slug") or rhythm.get("cron") or rhythm.get("interval") or "")
