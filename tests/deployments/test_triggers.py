"""Every trigger of prefect.yaml fills in a form that its flow has."""

from __future__ import annotations

import asyncio
import importlib
import inspect
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAYLOADS: dict[str, dict[str, str]] = {
    "drift.detected": {"model": "m", "reason": "drift in price"},
    "artifact.uploaded": {"model": "m", "version": "1.4.0"},
    "rollback.wanted": {"model": "m", "reason": "the shop's own numbers fell"},
}
"""What those who emit these events put into them; see docs/release.md and the flows."""


def listening() -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
    """Name, deployment and trigger of everything that an event of ours starts."""
    known = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
    return [
        (f"{one['entrypoint']} {one['name']}", one, trigger)
        for one in known
        for trigger in one.get("triggers", [])
        if "parameters" in trigger
    ]


@pytest.mark.parametrize(
    ("deployment", "trigger"),
    [pytest.param(one, trigger, id=name) for name, one, trigger in listening()],
)
def test_a_trigger_renders_what_its_flow_asks_for(
    deployment: dict[str, Any], trigger: dict[str, Any]
) -> None:
    from prefect.events import DeploymentEventTrigger
    from prefect.server.utilities.user_templates import render_user_template

    assert DeploymentEventTrigger.model_validate(trigger).enabled
    [event] = trigger["expect"]
    context = {"event": SimpleNamespace(payload=PAYLOADS[event])}
    filled = {
        name: asyncio.run(render_user_template(template, context))
        for name, template in trigger["parameters"].items()
    }
    assert filled == PAYLOADS[event]
    path, _, name = deployment["entrypoint"].partition(":")
    flow = getattr(importlib.import_module(path.removesuffix(".py").replace("/", ".")), name)
    inspect.signature(flow.fn).bind_partial(**filled)


def test_a_storm_of_events_is_one_run_of_each_model() -> None:
    for name, _, trigger in listening():
        assert trigger["threshold"] == 1, name
        # Shorter than the pause after which an alarm that nobody heard is said again.
        assert 30 <= trigger["within"] <= 60, name
        assert trigger["for_each"] == ["prefect.resource.id"], name


def test_an_event_names_no_place_from_which_anything_is_fetched() -> None:
    for _, _, trigger in listening():
        assert set(trigger["parameters"]) <= {"model", "version", "reason"}


def test_what_brings_users_back_waits_behind_no_training() -> None:
    known = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))["deployments"]
    urgent = {
        f"{one['entrypoint'].partition(':')[2]}/{one['name']}"
        for one in known
        if one["work_pool"]["work_queue_name"] == "urgent"
    }
    assert urgent == {"rollback/manual", "rollback/on-event", "reconcile/hourly"}


def test_everybody_who_can_start_a_run_by_an_event_is_listed() -> None:
    assert {event for _, _, trigger in listening() for event in trigger["expect"]} == set(PAYLOADS)
