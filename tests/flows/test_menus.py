"""A model that was added to the folder is in the forms without anything being applied again."""

from __future__ import annotations

from typing import Any

import pytest
from prefect import flow
from prefect.client.orchestration import get_client

from flows.forms import refresh_forms, with_menus
from flows.recipe import Model

MENU = {
    "properties": {
        "model": {"type": "string", "menu": "models", "enum": ["a"]},
        "reason": {"type": "string"},
    }
}


def test_only_the_menu_of_models_changes():
    changed = with_menus(MENU, {"models": ["a", "b"]})
    assert changed["properties"]["model"]["enum"] == ["a", "b"]
    assert changed["properties"]["reason"] == MENU["properties"]["reason"]
    assert MENU["properties"]["model"]["enum"] == ["a"]


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"properties": {}},
        {"properties": {"model": {"type": "string"}}},
        {"properties": {"kind": {"type": "string", "enum": ["x", "y"]}}},
        {"properties": {"model": {"type": "string", "menu": "planets"}}},
    ],
)
def test_a_form_without_such_a_menu_stays(schema):
    assert with_menus(schema, {"models": ["a"]}) == schema


def test_a_menu_of_nothing_is_none():
    assert with_menus(MENU, {"models": []}) == MENU


def test_a_menu_is_filled_by_what_it_is_of():
    fields = {"one": {"menu": "models"}, "many": {"menu": "models or all"}}
    offered = {"models": ["a"], "models or all": ["all", "a"]}
    changed = with_menus({"properties": fields}, offered)["properties"]
    assert changed["one"]["enum"] == ["a"]
    assert changed["many"]["enum"] == ["all", "a"]


def test_each_entry_of_a_list_can_be_a_menu():
    several = {"several": {"type": "array", "items": {"type": "string", "menu": "models"}}}
    changed = with_menus({"properties": several}, {"models": ["a", "b"]})["properties"]
    assert changed["several"]["items"]["enum"] == ["a", "b"]
    assert "enum" not in changed["several"]


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
        known = ["price-estimator", "room-classifier"]
        assert "menu-of-models/forms" in refresh_forms({"models": known}, client)
        before = client.read_deployment(made["menu-of-models"])
        assert before.parameter_openapi_schema["properties"]["model"]["enum"] == known
        with pytest.raises(Exception, match="brand-new"):
            client.create_flow_run_from_deployment(before.id, parameters={"model": "brand-new"})

        changed = refresh_forms({"models": [*known, "brand-new"]}, client)
        assert "menu-of-models/forms" in changed
        assert "no-menu/forms" not in changed
        assert refresh_forms({"models": [*known, "brand-new"]}, client) == []
        client.create_flow_run_from_deployment(before.id, parameters={"model": "brand-new"})
        after = client.read_deployment(before.id)
        assert after.paused
        assert [s.schedule for s in after.schedules] == [s.schedule for s in before.schedules]
        assert after.parameter_openapi_schema["required"] == ["model"]

        assert "menu-of-models/forms" in refresh_forms({"models": known}, client)
        with pytest.raises(Exception, match="brand-new"):
            client.create_flow_run_from_deployment(before.id, parameters={"model": "brand-new"})
