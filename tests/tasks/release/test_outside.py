"""What clients of the CDN are told is read from outside, for models behind an endpoint too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from tasks.errors import ReleaseFrozen
from tasks.release import reconcile, roll_back, run, start_release
from tasks.values import Pointer
from tests.tasks.release import memory
from tests.tasks.release.memory import MODEL, V1, V2

SHORT: dict[str, Any] = {
    "ladder": (0.1, 0.9),
    "watch_seconds": 120,
    "drain_seconds": 5,
    "metrics_lag_seconds": 0,
}


@dataclass
class Cdn:
    """Holds the pointer of its last invalidation; ``stuck``: for ever. ``slow``: looks it takes."""

    world: Any
    stuck: bool = False
    slow: int = 0
    cached: Pointer | None = None
    looks: int = 0
    address: str = "https://cdn.example"

    def read(self, path: str) -> bytes | None:
        assert path == f"{MODEL}/latest.json"
        self.looks += 1
        self.slow -= 1
        if not self.stuck and self.slow < 0:
            newest = list(self.world.invalidations.values())
            self.cached = newest[-1] if newest else None
        return self.cached.model_dump_json().encode() if self.cached else None


def at(world: Any, cdn: Cdn, owner: str) -> Any:
    return replace(world.context(owner), outside=cdn)


def serving(**cdn: Any) -> tuple[Any, Cdn]:
    world = memory.serving_world(release=SHORT)
    made = Cdn(world, cached=world.pointer, **cdn)
    return world, made


def release(world: Any, cdn: Cdn, owner: str = "ann") -> Any:
    start_release(at(world, cdn, owner), MODEL, V2, "ann", "weekly")
    return run(at(world, cdn, owner), MODEL)


def test_a_promotion_ends_when_the_cdn_shows_it() -> None:
    world, cdn = serving(slow=6)  # more than one act looks
    ended = release(world, cdn)
    assert ended.phase == "done", ended.verdict
    assert cdn.cached == world.pointer
    assert ended.marks["cdn"]
    said = [e.detail for e in ended.entries if e.kind == "outcome" and e.action == "Invalidate"]
    assert said[-1].endswith("seen outside")
    assert any("does not show it yet" in line for line in said)


def test_a_cdn_that_goes_on_serving_the_old_pointer_freezes() -> None:
    world, cdn = serving(stuck=True)
    ended = release(world, cdn)
    assert (ended.phase, ended.verdict) == (
        "mismatch",
        "the CDN goes on serving an old latest.json",
    )
    assert f"to_version={V1}" in ended.recovery
    assert any("Frozen" in mail for mail in world.mails)
    with pytest.raises(ReleaseFrozen, match="the CDN goes on serving"):
        start_release(at(world, cdn, "bob"), MODEL, memory.V3, "bob", "next week")
    cdn.stuck = False
    back = roll_back(at(world, cdn, "bob"), MODEL, "bob", "the CDN is well again")
    assert back.phase == "rolled_back"
    assert cdn.cached == world.pointer
    assert cdn.cached.version == V1


def test_reconcile_notices_a_cdn_that_tells_something_else() -> None:
    world, cdn = serving()
    assert release(world, cdn).phase == "done"
    assert reconcile(at(world, cdn, "r"), MODEL).state == "nothing"
    cdn.stuck, cdn.cached = True, world.pointers[0]
    found = reconcile(at(world, cdn, "r"), MODEL)
    assert found.state == "drifted"
    assert f"the CDN serves {V1}" in found.detail


def test_without_a_cdn_nobody_looks_and_the_journal_says_so() -> None:
    world = memory.serving_world(release=SHORT)
    start_release(world.context("ann"), MODEL, V2, "ann", "weekly")
    ended = run(world.context("ann"), MODEL)
    assert ended.phase == "done"
    assert "not seen from outside" in ended.marks["cdn"]
