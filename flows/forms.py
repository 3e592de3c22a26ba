"""The menus of models in the deployments' forms, kept in step with the folder.

A form's menu is part of its deployment, written when the deployment was applied; a model that was
added since would be refused by the server. So the menus are compared with the folder, by
the reconciler within seconds and by `new-model` at once, and only what differs is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate

FIELD = "model"
"""The parameter that names a model."""
ALL = "all"
"""What some menus offer besides: every model."""
PAGE = 200


def with_models(schema: Mapping[str, Any], models: Sequence[str]) -> dict[str, Any]:
    """A form's schema whose menu of models offers exactly these; others are as they were."""
    changed = deepcopy(dict(schema))
    field = dict(changed.get("properties", {})).get(FIELD)
    menus = [field, *field.get("anyOf", ())] if isinstance(field, dict) else []
    for menu in menus:
        if isinstance(menu, dict) and "enum" in menu:
            menu["enum"] = [*(name for name in menu["enum"] if name == ALL), *models]
    return changed


def refresh_forms(models: Sequence[str], client: SyncPrefectClient | None = None) -> list[str]:
    """Offer these models in every form that asks for one.

    Schedules, triggers, pauses and everything else of a deployment stay as they are.

    Args:
        models: Known models, as the menu shows them.
        client: Of the Prefect server; by default the one of the environment.

    Returns:
        ``flow/deployment`` of the forms that were changed, sorted.
    """
    if client is None:
        with get_client(sync_client=True) as own:
            return refresh_forms(models, own)
    told = []
    offset = 0
    while page := client.read_deployments(limit=PAGE, offset=offset):
        offset += len(page)
        for deployment in page:
            schema = deployment.parameter_openapi_schema or {}
            wanted = with_models(schema, models)
            if wanted != schema:
                client.update_deployment(
                    deployment.id, DeploymentUpdate(parameter_openapi_schema=wanted)
                )
                flow = client.read_flow(deployment.flow_id)
                told.append(f"{flow.name}/{deployment.name}")
    return sorted(told)
