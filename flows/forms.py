"""The menus of the deployments' forms, kept in step with the folders of models and contracts.

A form's menu is part of its deployment. A flow only says of what a field is a menu: what there is
to choose is read when deployments are applied, never when a flow is imported, so that nothing wrong
in a folder or a setting stops a flow that has no use for it. What is added later would be refused
by the server; so the menus are compared with the folders, by the reconciler within seconds and by
`new-model` at once, and only what differs is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Annotated, Any, Literal

from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.actions import DeploymentUpdate
from pydantic import Field

from tasks.contracts.curation.curated import curated_contracts
from tasks.model_spec import known_models
from tasks.settings import Settings

Choice = Literal["models", "models or all", "data sets or all"]
Choices = Mapping[str, Sequence[str]]
ALL = "all"
"""What some menus offer besides: every one."""
MENU = "menu"
"""Key of a field's schema that says of what it is a menu."""
PAGE = 200


def menu(of: Choice) -> Any:
    """A field of a form that is a menu, once the deployments are applied."""
    return Field(json_schema_extra={MENU: of})


OneOrAll = Annotated[str, menu("models or all")]
"""Name of a model, or all of them."""


def choices(configuration: Settings) -> dict[str, list[str]]:
    """What there is to choose now; a contract or a model that does not parse is named as well."""
    models = list(known_models(configuration.models_dir))
    good, faults = curated_contracts(configuration.contracts_dir)
    return {
        "models": models,
        "models or all": [ALL, *models],
        "data sets or all": [ALL, *sorted({*good, *faults})],
    }


def with_menus(schema: Mapping[str, Any], menus: Choices) -> dict[str, Any]:
    """A form's schema whose menus offer exactly these; other fields are as they were.

    A field is a menu, or a list of which each entry is one. A menu of nothing would refuse whatever
    is written, so such a field stays as it is.
    """
    form = deepcopy(dict(schema))
    fields = [f for f in dict(form.get("properties", {})).values() if isinstance(f, dict)]
    entries = [field["items"] for field in fields if isinstance(field.get("items"), dict)]
    for field in (*fields, *entries):
        names = menus.get(str(field.get(MENU)))
        if names:
            field["enum"] = [*names]
    return form


def refresh_forms(menus: Choices, client: SyncPrefectClient | None = None) -> list[str]:
    """Offer these in every form that asks for one of them.

    Schedules, triggers, pauses and everything else of a deployment stay as they are.

    Args:
        menus: Of :func:`choices`.
        client: Of the Prefect server; by default the one of the environment.

    Returns:
        ``flow/deployment`` of the forms that were changed, sorted.
    """
    if client is None:
        with get_client(sync_client=True) as own:
            return refresh_forms(menus, own)
    forms = []
    offset = 0
    while page := client.read_deployments(limit=PAGE, offset=offset):
        offset += len(page)
        for deployment in page:
            schema = deployment.parameter_openapi_schema or {}
            form = with_menus(schema, menus)
            if form != schema:
                client.update_deployment(
                    deployment.id, DeploymentUpdate(parameter_openapi_schema=form)
                )
                flow = client.read_flow(deployment.flow_id)
                forms.append(f"{flow.name}/{deployment.name}")
    return sorted(forms)
