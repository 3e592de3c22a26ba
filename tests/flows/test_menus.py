"""A model that was added to the folder is in the forms without anything being applied again."""

from __future__ import annotations

from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client

from flows.forms import refresh_forms, with_models
from flows.recipe import Model

MENU = {"properties": {"model": {"type": "string", "enum": ["a"]}, "reason": {"type": "string"}}}


def test_only_the_menu_of_models_changes():
    changed = with_models(MENU, ["a", "b"])
    assert changed["properties"]["model"] == {"type": "string", "enum": ["a", "b"]}
    assert changed["properties"]["reason"] == MENU["properties"]["reason"]
    assert MENU["properties"]["model"]["enum"] == ["a"]


@pytest.mark.parametrize(
    "schema",
    [{}, {"properties": {}}, {"properties": {"model": {"type": "string"}}}],
)
def test_a_form_without_such_a_menu_stays(schema):
    assert with_models(schema, ["a"]) == schema


def test_all_models_stays_on_offer():
    changed = with_models({"properties": {"model": {"enum": ["all", "a"]}}}, ["b"])
    assert changed["properties"]["model"]["enum"] == ["all", "b"]


def test_a_menu_that_may_be_left_empty():
    field = {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]}
    changed = with_models({"properties": {"model": field}}, ["b"])
    assert changed["properties"]["model"]["anyOf"][0]["enum"] == ["b"]


@flow(name="menu-of-models")
def asking(model: Model, reason: str = "x") -> None:
    """Do nothing."""


@flow(name="no-menu")
def silent(reason: str = "x") -> None:
    """Do nothing."""


def test_the_server_takes_a_new_model_and_keeps_what_else_a_deployment_has(
    prefect_server: Any, tmp_path: Any
) -> None:
    with get_client(sync_client=True) as client:
        made = {}
        for each in (asking, silent):
            made[each.name] = each.to_deployment("forms", cron="0 2 * * 0", paused=True).apply()
        before = client.read_deployment(made["menu-of-models"])
        known = before.parameter_openapi_schema["properties"]["model"]["enum"]
        with pytest.raises(Exception, match="brand-new"):
            client.create_flow_run_from_deployment(before.id, parameters={"model": "brand-new"})

        changed = refresh_forms([*known, "brand-new"], client)
        assert "menu-of-models/forms" in changed
        assert "no-menu/forms" not in changed
        assert refresh_forms([*known, "brand-new"], client) == []
        client.create_flow_run_from_deployment(before.id, parameters={"model": "brand-new"})
        after = client.read_deployment(before.id)
        assert after.paused
        assert [s.schedule for s in after.schedules] == [s.schedule for s in before.schedules]
        assert after.parameter_openapi_schema["required"] == ["model"]

        assert "menu-of-models/forms" in refresh_forms(known, client)
        with pytest.raises(Exception, match="brand-new"):
            client.create_flow_run_from_deployment(before.id, parameters={"model": "brand-new"})
