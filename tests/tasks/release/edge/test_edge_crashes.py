"""An actor of an edge release is killed at every boundary; users end on one version, everywhere."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tasks.errors import PointerMoved, ReleaseFrozen
from tasks.release import advance, reconcile, roll_back, run, start_release
from tasks.release.deliveries import delivery_of
from tasks.release.edge import acts
from tasks.release.journal.record import Journal
from tasks.release.machine.transitions import next_action
from tasks.values import BundleFile, Manifest, Pointer, Rollout, Seal
from tests.tasks.release import memory
from tests.tasks.release.memory import MODEL, V1, V2, V3

FILE = b"weights"
RELEASE: dict[str, Any] = {
    "delivery": "edge",
    "refresh_seconds": 30,
    "ladder": (0.1, 0.9),
    "watch_seconds": 120,
    "metrics_lag_seconds": 0,
}
SHAPES: dict[str, dict[str, Any]] = {
    "good": {},
    "bad": {"good": False},
    "tampered": {"tampered": True},
}


@dataclass
class EdgeWorld(memory.World):
    """The same, with a CDN: clients get a pointer only once it was invalidated."""

    cdn: Pointer | None = None
    tampered: bool = False
    stuck: bool = False
    released: dict[str, Any] = field(default_factory=lambda: dict(RELEASE))

    def context(self, owner: str) -> Any:
        self.release = self.released
        return replace(super().context(owner), registry=EdgeRegistry(self), outside=MemoryCdn(self))

    def put(self, fresh: Pointer) -> Pointer:
        with self.change("pointer"):
            self.pointers.append(fresh)
        return fresh

    def get(self) -> tuple[str, str | None, int]:
        """What clients are told: stable version, candidate, percentage."""
        assert self.cdn is not None
        shown = self.cdn.rollout
        return (
            self.cdn.version,
            shown.version if shown else None,
            shown.percent if shown else 0,
        )


@dataclass
class MemoryCdn:
    world: EdgeWorld
    address: str = "https://cdn.example"

    def read(self, path: str) -> bytes | None:
        if path.endswith("latest.json"):
            return self.world.cdn.model_dump_json().encode() if self.world.cdn else None
        return FILE[:-1] + b"!" if self.world.tampered else FILE


class EdgeRegistry(memory.MemoryRegistry):
    """The rules of `tasks.registry.pointer`, in memory."""

    def manifest(self, model: str, version: str) -> Manifest:
        file = BundleFile(
            path="tfjs/model.json", sha256=hashlib.sha256(FILE).hexdigest(), size=len(FILE)
        )
        return super().manifest(model, version).model_copy(update={"files": (file,)})

    def stage_rollout(
        self, model: str, rollout: Rollout, *, before: Pointer, actor: str, reason: str
    ) -> Pointer:
        current = self.world.pointer
        if (current.version, current.rollout) == (before.version, rollout):
            return current
        if current != before:
            raise PointerMoved("moved", "look")
        assert current.rollout is None or current.rollout.percent <= rollout.percent
        stamp = {"timestamp": f"{self.world.now} {len(self.world.pointers)}", "reason": reason}
        return self.world.put(
            current.model_copy(update={**stamp, "rollout": rollout, "rollback": False})
        )

    def move_pointer(
        self, model: str, version: str, *, expected: str | None, actor: str, reason: str,
        rollback: bool = False, sealed: Seal | None = None,
    ) -> Pointer:  # fmt: skip
        current = self.world.pointer
        named = current.version if current else None
        stands = current is not None and (named, current.rollout) == (version, None)
        if stands and (not rollback or (current.rollback and current.reason == reason)):
            return current
        if named not in {expected, version}:
            raise PointerMoved("moved", "look")
        return self.world.put(
            Pointer(
                model=model, version=version, rollback=rollback, actor=actor, reason=reason,
                timestamp=f"{self.world.now} {len(self.world.pointers)}",
                previous=expected if named == version else named,
            )
        )  # fmt: skip

    def invalidate(self, moved: Pointer) -> str:
        with self.world.change("invalidate"):
            if not self.world.stuck:
                self.world.cdn = self.world.pointer
        return "invalidated"


def serving(**shape: Any) -> EdgeWorld:
    world = EdgeWorld()
    start_release(world.context("first"), MODEL, V1, "ann", "first")
    ended = run(world.context("first"), MODEL)
    assert (ended.phase, world.get()) == ("done", (V1, None, 0)), ended.verdict
    for name, value in shape.items():
        setattr(world, name, value)
    world.boundaries.clear()
    world.mails.clear()
    return world


def weekly(world: EdgeWorld) -> Journal:
    start_release(world.context("a"), MODEL, V2, "ann", "weekly")
    return run(world.context("a"), MODEL)


def moments(shape: dict[str, Any], script: Callable[[Any], object]) -> list[bytes]:
    """The world as a SIGKILL would leave it, at each boundary of a script."""
    world = serving(**shape)
    seen: list[bytes] = []

    def hook(_: int, name: str) -> None:
        if name.startswith("before"):
            seen.append(world.frozen())

    world.hook = hook
    script(world)
    return [*seen, world.frozen()]


def looked_after(world: EdgeWorld, minutes: int = 200) -> Journal:
    for minute in range(minutes):
        context = world.context(f"reconcile-{minute}")
        report = reconcile(context, MODEL)
        stored = context.journals.read(MODEL)
        if stored is None or stored.journal.ended:
            assert stored is not None, report
            return stored.journal
        world.now += 60.0
    raise AssertionError("reconcile never came to an end")


def is_settled(world: EdgeWorld, journal: Journal) -> None:
    """Pointer, CDN, ledger and archive agree on one version, for everybody."""
    version = V2 if journal.phase == "done" else V1
    assert journal.phase in {"done", "rolled_back"}, journal.verdict
    assert (world.pointer.version, world.pointer.rollout) == (version, None)
    assert world.cdn == world.pointer
    assert journal.release_id in world.archive
    assert not world.alarms
    undone = "published" if journal.unjudged else "rolled_back"
    outcome = "released" if journal.phase == "done" else undone
    assert world.ledger.count((f"identity-{V2}", outcome)) == 1
    assert reconcile(world.context("auditor"), MODEL).state == "nothing"


def test_a_good_version_climbs_and_is_promoted_after_its_watch() -> None:
    world = serving()
    journal = weekly(world)
    is_settled(world, journal)
    assert journal.phase == "done"
    steps = [p.rollout.percent for p in world.pointers if p.rollout]
    assert steps == [0, 10, 90]
    assert {p.version for p in world.pointers if p.rollout} == {V1}
    assert {p.rollout.salt for p in world.pointers if p.rollout} == {journal.release_id}
    assert world.pointer.previous == V1
    phases = [e.action for e in journal.entries if e.kind == "phase"]
    assert phases == [
        "health_check", "canary", "canary", "watching", "promoting", "retiring",
    ]  # fmt: skip
    assert [move.settled - move.begun >= 30 for move in journal.moves] == [True, True, True]
    assert not world.models, "nothing was made at SageMaker"
    assert not world.endpoint


def test_a_worse_version_is_withdrawn_and_says_why() -> None:
    world = serving(good=False)
    journal = weekly(world)
    is_settled(world, journal)
    pointer = world.pointer
    assert (pointer.rollback, pointer.previous) == (True, V2)
    assert pointer.reason == f"worse (release {journal.release_id})"
    assert world.mails == [f"Rolled back: {MODEL} {V2}"]


def test_a_file_that_is_not_what_the_manifest_says_is_shown_to_nobody() -> None:
    world = serving(tampered=True)
    journal = weekly(world)
    is_settled(world, journal)
    assert journal.phase == "rolled_back"
    assert "not what the manifest says" in journal.verdict
    assert not [p for p in world.pointers if p.rollout]


@pytest.mark.parametrize("shape", SHAPES)
def test_reconcile_ends_what_a_kill_at_any_moment_left(shape: str) -> None:
    ends = set()
    for moment in moments(SHAPES[shape], weekly):
        world = EdgeWorld.thawed(moment)
        world.now += 61.0
        if world.context("b").journals.read(MODEL).journal.candidate.version == V1:
            continue  # killed before the first write: nothing was begun
        ended = looked_after(world)
        is_settled(world, ended)
        ends.add(ended.phase)
    assert ends == ({"done", "rolled_back"} if shape == "good" else {"rolled_back"})


@pytest.mark.parametrize("shape", ["good", "bad"])
def test_hours_without_anybody_freeze_nothing(shape: str) -> None:
    for moment in moments(SHAPES[shape], weekly):
        world = EdgeWorld.thawed(moment)
        world.now += 7200.0
        if world.context("b").journals.read(MODEL).journal.candidate.version == V1:
            continue
        is_settled(world, looked_after(world))


@pytest.mark.parametrize("shape", SHAPES)
def test_the_same_release_goes_on_after_a_kill_at_any_moment(shape: str) -> None:
    for moment in moments(SHAPES[shape], weekly):
        world = EdgeWorld.thawed(moment)
        world.now += 61.0
        stored = world.context("b").journals.read(MODEL)
        if stored.journal.candidate.version == V2 and stored.journal.ended:
            ended = stored.journal
            advance(world.context("b"), MODEL)  # archives
        else:
            start_release(world.context("b"), MODEL, V2, "ann", "weekly, again")
            ended = run(world.context("b"), MODEL)
        is_settled(world, ended)
        assert ended.phase == ("done" if shape == "good" else "rolled_back")


def test_a_step_that_comes_after_its_withdrawal_is_refused() -> None:
    refused = 0
    for moment in moments({}, weekly):
        world = EdgeWorld.thawed(moment)
        stale = world.context("a").journals.read(MODEL).journal
        if stale.intent is None or stale.intent.action != "SetWeights":
            continue
        world.now += 61.0
        is_settled(world, looked_after(world))
        # The dead owner was only slow: the act that it had decided arrives now.
        context = world.context("a")
        share = float(stale.intent.detail.partition("=")[2] or 0.0)
        with pytest.raises(PointerMoved):
            acts.perform(context, stale, acts.actions.SetWeights(share=share))
        assert world.pointer.rollout is None
        refused += 1
    assert refused >= 2


@pytest.mark.parametrize("when", ["during", "after"])
def test_a_rollback_by_hand_survives_a_kill_at_any_moment(when: str) -> None:
    def script(world: Any) -> None:
        start_release(world.context("a"), MODEL, V2, "ann", "weekly")
        run(world.context("a"), MODEL, seconds=130.0 if when == "during" else None)
        begun.append(len(world.boundaries))
        roll_back(world.context("bob"), MODEL, "bob", "I do not like it")

    begun: list[int] = []
    for moment in moments({}, script):
        world = EdgeWorld.thawed(moment)
        if len(world.boundaries) <= begun[0]:
            continue
        again = roll_back(world.context("bob-again"), MODEL, "bob", "I do not like it")
        assert again.phase == "rolled_back"
        assert world.get() == (V1, None, 0)
        assert (world.pointer.rollback, world.pointer.previous) == (True, V2)
        assert world.pointer.actor == "bob"


def test_a_ringing_alarm_withdraws_the_candidate() -> None:
    world = serving()
    start_release(world.context("a"), MODEL, V2, "ann", "weekly")
    while world.pointer.rollout is None:
        advance(world.context("a"), MODEL)
    assert len(world.alarms) == 2
    world.rings |= set(sorted(world.alarms)[:1])
    ended = run(world.context("a"), MODEL)
    assert "alarm" in ended.verdict
    is_settled(world, ended)


def test_what_somebody_else_does_to_the_pointer_ends_the_release() -> None:
    world = serving()
    start_release(world.context("a"), MODEL, V2, "ann", "weekly")
    while world.pointer.rollout is None:
        advance(world.context("a"), MODEL)
    by_hand = world.pointer.model_copy(
        update={"rollout": world.pointer.rollout.model_copy(update={"percent": 50}), "actor": "eve"}
    )
    world.pointers.append(by_hand)
    ended = run(world.context("a"), MODEL)
    assert "somebody changed the pointer" in ended.verdict
    assert "eve" in ended.verdict
    is_settled(world, ended)


def test_a_rollout_that_no_release_answers_for_is_told_and_withdrawn() -> None:
    world = serving()
    weekly(world)
    shown = Rollout(version=V3, percent=5, salt="by hand")
    world.pointers.append(world.pointer.model_copy(update={"rollout": shown}))
    report = reconcile(world.context("auditor"), MODEL)
    assert (report.state, "5 % of the users" in report.detail) == ("drifted", True)
    back = roll_back(world.context("bob"), MODEL, "bob", "nobody knows what this is")
    assert back.phase == "rolled_back"
    assert world.get() == (V2, None, 0)
    assert reconcile(world.context("auditor"), MODEL).state == "nothing"


def test_a_cdn_that_goes_on_serving_the_candidate_freezes_the_release() -> None:
    world = serving(good=False)
    start_release(world.context("a"), MODEL, V2, "ann", "weekly")
    while world.context("a").journals.read(MODEL).journal.phase != "rolling_back":
        step = advance(world.context("a"), MODEL)
        world.now += step.wake_in
    world.stuck = True
    ended = run(world.context("a"), MODEL)
    assert ended.phase == "mismatch"
    assert "CDN goes on serving" in ended.verdict
    assert f"to_version={V1}" in ended.recovery
    with pytest.raises(ReleaseFrozen):
        start_release(world.context("a"), MODEL, V3, "ann", "next week")
    world.stuck = False
    back = roll_back(world.context("bob"), MODEL, "bob", "the CDN is repaired", to_version=V1)
    assert back.phase == "rolled_back"
    assert world.get() == (V1, None, 0)


def test_nothing_is_shown_while_the_cdn_is_not_seen_to_follow() -> None:
    world = serving(stuck=True)
    start_release(world.context("a"), MODEL, V2, "ann", "weekly")
    run(world.context("a"), MODEL, seconds=600.0)
    journal = world.context("a").journals.read(MODEL).journal
    assert journal.share == 0.0
    assert world.pointer.rollout.percent == 0
    assert "does not show it yet" in str([entry.detail for entry in journal.entries])


def test_deciding_reads_nothing_but_journal_and_world() -> None:
    world = serving()
    start_release(world.context("a"), MODEL, V2, "ann", "weekly")
    context = world.context("a")
    for _ in range(40):
        journal = context.journals.read(MODEL).journal
        if journal.ended:
            break
        delivery = delivery_of(journal.spec)
        observed = delivery.observe(context, journal)
        first, second = (next_action(journal, observed, delivery.rules) for _ in range(2))
        assert first == second
        context.clock.sleep(advance(context, MODEL).wake_in)
