"""Whatever one call does for ever, the release ends: in so many calls, in so much time, decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tasks.errors import AwsRejected, AwsUnavailable, BundleCorrupt
from tasks.release import reconcile, run, start_release
from tasks.release.machine.bounds import (
    LONGEST_OUTAGE,
    LONGEST_PAUSE,
    MOST_REFUSALS,
    MOST_TRIES,
    MOST_TROUBLE,
)
from tasks.values import Pointer
from tests.tasks.release import memory
from tests.tasks.release.memory import MODEL, V1, V2
from tests.tasks.release.test_crashes import SHORT, is_settled

pytestmark = pytest.mark.seconds(30)

LONGEST = 86_400.0
"""Every end comes within a day of our clock, whatever hangs."""
ACTS = {
    "cloud": (
        "create_model",
        "create_config",
        "create_endpoint",
        "update_endpoint",
        "set_weights",
        "create_alarms",
        "delete_alarms",
        "delete_endpoint",
        "autoscale",
        "clean",
        "ask",
        "last_lines",
    ),
    "registry": ("move_pointer", "invalidate", "record"),
    "people": ("tell",),
}
LATER = {"release": SHORT, "serving": {"autoscaling": {}}}


def nothing(_: str, original: Any) -> Any:
    """The call is answered, and nothing happens."""

    def call(*given: Any, **_: Any) -> Any:
        if original.__name__ == "move_pointer":
            return Pointer(model=MODEL, version=given[1], timestamp="now", actor="a", reason="r")
        said = {"last_lines": (), "ask": "pass: it was said so"}
        return said.get(original.__name__, "accepted")

    return call


def refused(name: str, _: Any) -> Any:
    def call(*_a: Any, **_k: Any) -> Any:
        raise AwsRejected(f"{name}: AWS answered ValidationException: no.", "Look.", "Validation")

    return call


def silent(name: str, _: Any) -> Any:
    def call(*_a: Any, **_k: Any) -> Any:
        raise AwsUnavailable(f"{name}: no answer from AWS.", "Run again.", "timeout")

    return call


FAULTS = {"nothing happens": nothing, "refused": refused, "silent": silent}


@dataclass
class Broken:
    """A port one of whose calls never does what it says; all calls are counted."""

    port: Any
    broken: str
    how: Callable[[str, Any], Any]
    calls: Counter[str] = field(default_factory=Counter)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.port, name)
        chosen = self.how(name, method) if name == self.broken else method

        def call(*arguments: Any, **named: Any) -> Any:
            self.calls[name] += 1
            return chosen(*arguments, **named)

        return call


def context_with(world: Any, port: str, act: str, fault: str) -> tuple[Any, Broken]:
    context = world.context("a")
    broken = Broken(getattr(context, port), act, FAULTS[fault])
    return replace(context, **{port: broken}), broken


MOST_CALLS = {
    "nothing happens": MOST_TRIES + 1,
    "refused": MOST_REFUSALS + 1,
    "silent": MOST_TROUBLE + LONGEST_OUTAGE / LONGEST_PAUSE,
}
CASES = [(port, act, fault) for port, acts in ACTS.items() for act in acts for fault in FAULTS]


@pytest.mark.parametrize(("port", "act", "fault"), CASES)
@pytest.mark.parametrize("which", ["first, good", "first, bad", "later, good", "later, bad"])
def test_no_act_is_tried_for_ever(which: str, port: str, act: str, fault: str) -> None:
    good = which.endswith("good")
    if which.startswith("first"):
        world = memory.World(release=SHORT, serving=LATER["serving"], fails_health=not good)
        version = V1
    else:
        world = memory.serving_world(**LATER, good=good)
        version = V2
    context, broken = context_with(world, port, act, fault)
    began = world.now
    start_release(context, MODEL, version, "ann", "weekly")
    ended = run(context, MODEL)
    assert ended.ended
    assert ended.verdict
    assert world.now - began < LONGEST
    # Each act belongs to two phases at most: on the way there and on the way back.
    assert broken.calls[act] <= 2 * MOST_CALLS[fault]
    if ended.phase == "mismatch":
        assert ended.recovery
    elif which.startswith("later"):
        serves = V2 if ended.phase == "done" else V1
        assert world.pointer.version == serves
        assert world.serves() == memory.only(serves)
    elif ended.phase == "rolled_back":
        assert (world.endpoint, world.pointer) == (None, None)
        assert "nothing serves" in ended.verdict


@pytest.mark.parametrize("status", ["Creating", "Updating", "Deleting", "SystemUpdating"])
@pytest.mark.parametrize("first", [True, False], ids=["first", "later"])
def test_an_endpoint_that_stays_busy_is_not_waited_for_for_ever(status: str, first: bool) -> None:
    world = memory.World(release=SHORT) if first else memory.serving_world(release=SHORT)

    def hang(_: int, name: str) -> None:
        if name in {"after create endpoint", "after update endpoint"}:
            world.endpoint.update(status=status, until=float("inf"))

    world.hook = hang
    began = world.now
    start_release(world.context("a"), MODEL, V1 if first else V2, "ann", "weekly")
    ended = run(world.context("a"), MODEL)
    assert ended.phase == "mismatch", ended.verdict
    assert f"SageMaker has been {status} for over" in ended.verdict
    assert any(mail.startswith("Frozen") for mail in world.mails)
    assert world.now - began < LONGEST


def test_a_first_version_that_never_comes_up_ends_in_a_few_calls_and_says_what_it_wrote() -> None:
    world = memory.World(release=SHORT, log_lines=("loading", "ModuleNotFoundError: no 'keras'"))
    context = world.context("a")
    counted = Broken(context.cloud, "", nothing)
    begun = start_release(context, MODEL, V1, "ann", "the first")
    world.silent_rollbacks.add(begun.candidate.solo_config)
    ended = run(replace(context, cloud=counted), MODEL)
    assert ended.phase == "rolled_back"
    assert "ModuleNotFoundError: no 'keras'" in ended.verdict.split(". ")[0]
    assert "nothing serves, and everything made for it was removed" in ended.verdict
    acts = ("create_model", "create_config", "create_endpoint", "delete_endpoint")
    assert {act: counted.calls[act] for act in acts} == dict.fromkeys(acts, 1)
    assert (world.endpoint, world.pointer, world.models, world.configs) == (None, None, {}, {})
    assert world.mails == [f"Rolled back: {MODEL} {V1}"]
    assert world.ledger == [(f"identity-{V1}", "rolled_back")]


def test_a_pointer_that_cannot_be_read_brings_users_back_and_freezes() -> None:
    world = memory.serving_world(release=SHORT)
    context = world.context("a")
    start_release(context, MODEL, V2, "ann", "weekly")
    run(context, MODEL, seconds=130.0)
    assert world.context("a").journals.read(MODEL).journal.phase == "canary"

    def unreadable(*_: Any) -> Any:
        raise BundleCorrupt(f"{MODEL}/latest.json is not a pointer: {{.", "Restore it.")

    broken = Broken(context.registry, "pointer", lambda *_: unreadable)
    ended = run(replace(context, registry=broken), MODEL)
    assert ended.phase == "mismatch"
    assert "latest.json is not a pointer" in ended.verdict
    assert world.serves() == memory.only(V1)


def test_the_time_in_which_the_owner_was_dead_is_no_time_of_trying() -> None:
    world = memory.serving_world(release=SHORT)
    start_release(world.context("a"), MODEL, V2, "ann", "weekly")
    run(world.context("a"), MODEL, seconds=30.0)
    assert world.endpoint["status"] == "Updating"
    world.endpoint["until"] = world.now + 90_000.0 + 300.0
    world.now += 90_000.0  # more than any bound
    for minute in range(20):
        report = reconcile(world.context(f"b{minute}"), MODEL)
        if report.state != "ongoing":
            break
        world.now += 60.0
    assert report.state == "undone", report
    is_settled(world, world.context("c").journals.read(MODEL).journal)
