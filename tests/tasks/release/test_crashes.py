"""An actor is killed at every boundary; whoever comes next reaches the one right end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.errors import AwsUnavailable, LeaseLost, ReleaseError, ReleaseInProgress
from tasks.release import advance, answer, reconcile, roll_back, run, start_release
from tasks.release.journal.record import Journal
from tests.tasks.release import memory
from tests.tasks.release.memory import MODEL, V1, V2, V3

SHORT: dict[str, Any] = {
    "ladder": (0.1, 0.9),
    "watch_seconds": 120,
    "drain_seconds": 5,
    "metrics_lag_seconds": 0,
}
SHAPES: dict[str, dict[str, Any]] = {
    "good": {"release": SHORT},
    "bad": {"release": SHORT, "good": False},
    "unhealthy": {"release": SHORT, "fails_health": True},
    "shadow": {"release": {**SHORT, "shadow_seconds": 60}},
    "scaled": {"release": SHORT, "serving": {"autoscaling": {}}},
    "blue_green": {"release": {**SHORT, "strategy": "blue_green"}},
}


def moments(shape: dict[str, Any], script: Callable[[Any], object]) -> list[bytes]:
    """The world as a SIGKILL would leave it, at each boundary of a script.

    What is true after one change is true before the next, so the moments before each change, and
    the very last, are all there are.
    """
    world = memory.serving_world(**shape)
    seen: list[bytes] = []

    def hook(_: int, name: str) -> None:
        if name.startswith("before"):
            seen.append(world.frozen())

    world.hook = hook
    script(world)
    return [*seen, world.frozen()]


def weekly(world: Any) -> Journal:
    start_release(world.context("a"), MODEL, V2, "ann", "weekly")
    return run(world.context("a"), MODEL)


def looked_after(world: Any, minutes: int = 200) -> Journal:
    """What reconcile, run every minute by ever new processes, makes of it."""
    for minute in range(minutes):
        context = world.context(f"reconcile-{minute}")
        report = reconcile(context, MODEL)
        stored = context.journals.read(MODEL)
        if stored is None or stored.journal.ended:
            assert stored is not None, report
            return stored.journal
        world.now += 60.0
    raise AssertionError("reconcile never came to an end")


def is_settled(world: Any, journal: Journal) -> None:
    """Endpoint, pointer, ledger and archive agree on one version."""
    version = V2 if journal.phase == "done" else V1
    assert journal.phase in {"done", "rolled_back"}, journal.verdict
    world.now += 120.0
    assert world.serves() == memory.only(version)
    assert world.pointer.version == version
    assert world.endpoint["status"] == "InService"
    assert world.endpoint["config"] in world.configs
    assert journal.release_id in world.archive
    assert not world.alarms
    moves = [pointer.version for pointer in world.pointers[1:]]
    assert moves in ([], [V2], [V2, V1])
    assert (moves == [V2]) == (journal.phase == "done")
    undone = "published" if journal.unjudged else "rolled_back"
    outcome = "released" if journal.phase == "done" else undone
    assert world.ledger.count((f"identity-{V2}", outcome)) == 1


@pytest.mark.parametrize("shape", SHAPES)
def test_reconcile_ends_what_a_kill_at_any_moment_left(shape: str) -> None:
    ends = set()
    for moment in moments(SHAPES[shape], weekly):
        world = memory.World.thawed(moment)
        world.now += 61.0
        if world.context("b").journals.read(MODEL).journal.candidate.version == V1:
            continue  # killed before the first write: nothing was begun
        ended = looked_after(world)
        is_settled(world, ended)
        ends.add(ended.phase)
    assert ends == ({"rolled_back"} if shape in {"bad", "unhealthy"} else {"done", "rolled_back"})


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_release_goes_on_after_a_kill_at_any_moment(shape: str) -> None:
    for moment in moments(SHAPES[shape], weekly):
        world = memory.World.thawed(moment)
        world.now += 61.0
        stored = world.context("b").journals.read(MODEL)
        if stored.journal.candidate.version == V2 and stored.journal.ended:
            ended = stored.journal
            advance(world.context("b"), MODEL)  # archives
        else:
            start_release(world.context("b"), MODEL, V2, "ann", "weekly, again")
            ended = run(world.context("b"), MODEL)
        is_settled(world, ended)
        assert ended.phase == ("rolled_back" if shape in {"bad", "unhealthy"} else "done")


@pytest.mark.parametrize("when", ["during", "after"])
def test_a_rollback_by_hand_survives_a_kill_at_any_moment(when: str) -> None:
    def script(world: Any) -> None:
        start_release(world.context("a"), MODEL, V2, "ann", "weekly")
        run(world.context("a"), MODEL, seconds=130.0 if when == "during" else None)
        begun.append(len(world.boundaries))
        roll_back(world.context("bob"), MODEL, "bob", "I do not like it")

    begun: list[int] = []
    for moment in moments({"release": SHORT}, script):
        world = memory.World.thawed(moment)
        if len(world.boundaries) <= begun[0]:
            continue
        again = roll_back(world.context("bob-again"), MODEL, "bob", "I do not like it")
        assert again.phase == "rolled_back"
        world.now += 120.0
        assert world.serves() == memory.only(V1)
        assert world.pointer.version == V1
        assert world.pointer.rollback is (when == "after")


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), shape=st.sampled_from(sorted(SHAPES)))
def test_no_sequence_of_kills_and_faults_leaves_a_state_without_a_safe_successor(
    data: st.DataObject, shape: str
) -> None:
    world = memory.serving_world(**SHAPES[shape])
    bad = data.draw(st.lists(st.integers(0, 250), max_size=6, unique=True))
    lost = data.draw(st.lists(st.integers(0, 250), max_size=6, unique=True))

    def hook(index: int, name: str) -> None:
        if index in bad:
            raise memory.Killed(name)
        if index in lost and "write" not in name:
            raise AwsUnavailable(f"{name}: no answer", "again", "timeout")

    world.hook = hook
    try:
        start_release(world.context("a"), MODEL, V2, "ann", "weekly")
        run(world.context("a"), MODEL)
    except (memory.Killed, AwsUnavailable):
        pass
    for attempt in range(30):
        serves = world.serves()
        assert serves, "users must always be served"
        world.now += 61.0
        try:
            if world.context("x").journals.read(MODEL).journal.candidate.version == V1:
                start_release(world.context(f"s{attempt}"), MODEL, V2, "ann", "weekly")
            ended = looked_after(world)
        except (memory.Killed, AwsUnavailable, LeaseLost, ReleaseInProgress):
            continue
        break
    is_settled(world, ended)


def test_a_slow_owner_stops_at_its_next_write() -> None:
    world = memory.serving_world(release=SHORT)
    slow = world.context("slow")
    start_release(slow, MODEL, V2, "ann", "weekly")
    run(slow, MODEL, seconds=130.0)
    world.now += 61.0
    ended = looked_after(world)
    assert ended.phase == "rolled_back"
    before = len(world.boundaries)
    assert advance(slow, MODEL).ended
    assert len(world.boundaries) == before


def test_a_question_is_void_once_the_release_goes_back() -> None:
    world = memory.serving_world(release={**SHORT, "approval": "before_canary"})
    context = world.context("a")
    start_release(context, MODEL, V2, "ann", "weekly")
    while advance(context, MODEL).waiting_for is None:
        pass
    world.now += 10.0
    back = roll_back(world.context("bob"), MODEL, "bob", "never mind")
    assert back.phase == "rolled_back"
    asked = [step for step in back.entries if step.action == "Ask"]
    assert len(asked) <= 2, "intent and outcome of one question, and no other"
    between = back.model_copy(update={"phase": "rolling_back"})
    assert between.approvals["before_canary"].granted is None
    assert between.waiting_for is None


def test_a_late_yes_is_no_yes_to_the_release_that_followed() -> None:
    world = memory.serving_world(release={**SHORT, "approval": "before_canary"})
    context = world.context("a")
    asked = start_release(context, MODEL, V2, "ann", "weekly")
    while advance(context, MODEL).waiting_for is None:
        pass
    undone = roll_back(world.context("bob"), MODEL, "bob", "never mind")
    following = world.context("c")
    start_release(following, MODEL, V3, "carl", "hotfix")
    while advance(following, MODEL).waiting_for is None:
        pass
    with pytest.raises(ReleaseError, match=r"had ended \(rolled_back\) when eve let it go on"):
        answer(context, asked, "before_canary", granted=True, by="eve", note="fine")
    told = answer(context, asked, "before_canary", granted=False, by="nobody", note="too late")
    assert told.release_id == undone.release_id
    assert run(context, MODEL, release_id=asked.release_id).phase == "rolled_back"
    standing = world.context("d").journals.read(MODEL)
    assert standing is not None
    assert standing.journal.release_id != asked.release_id
    assert standing.journal.approvals["before_canary"].granted is None
    assert not standing.journal.ended


def test_of_two_releases_started_in_the_same_second_one_runs() -> None:
    world = memory.serving_world(release=SHORT)
    first = world.context("first")
    start_release(first, MODEL, V2, "ann", "weekly")
    with pytest.raises(ReleaseInProgress, match="first"):
        start_release(world.context("second"), MODEL, V3, "bob", "hotfix")
    assert run(first, MODEL).phase == "done"
