"""Everything outside the actors of a release, as one value that can be frozen and gone on from."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tasks.model_spec import ModelSpec
from tasks.release.context import ReleaseContext
from tasks.release.hosting.names import variant_of
from tasks.release.journal.record import Site
from tasks.release.ports import WindowCounts
from tasks.values import Pointer
from tests.tasks.release.memory.cloud import MemoryCloud
from tests.tasks.release.memory.ports import (
    V1,
    MemoryAnalysis,
    MemoryClock,
    MemoryFeed,
    MemoryJournals,
    MemoryPeople,
    MemoryRegistry,
)

EPOCH = 1_800_000_000.0
MODEL = "price-estimator"


class Killed(BaseException):
    """SIGKILL: no handler may catch it."""


@dataclass
class World:
    """Everything outside the actors."""

    release: dict[str, Any] = field(default_factory=dict)
    serving: dict[str, Any] = field(default_factory=dict)
    now: float = EPOCH
    good: bool = True
    update_seconds: float = 60.0
    silent_rollbacks: set[str] = field(default_factory=set)
    fails_health: bool = False
    boundaries: list[str] = field(default_factory=list)
    hook: Callable[[int, str], None] = field(default=lambda index, name: None)

    journals: dict[str, tuple[bytes, int]] = field(default_factory=dict)
    archive: dict[str, bytes] = field(default_factory=dict)
    windows: dict[tuple[str, float], WindowCounts] = field(default_factory=dict)
    checklists: dict[str, str] = field(default_factory=dict)
    models: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    configs: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    endpoint: dict[str, Any] | None = None
    pointers: list[Pointer] = field(default_factory=list)
    ledger: list[tuple[str, str]] = field(default_factory=list)
    invalidations: dict[str, Pointer] = field(default_factory=dict)
    mails: list[str] = field(default_factory=list)
    alarms: set[str] = field(default_factory=set)
    rings: set[str] = field(default_factory=set)
    shares: list[tuple[float, str, float]] = field(default_factory=list)
    log_lines: tuple[str, ...] = ()

    def boundary(self, name: str) -> None:
        """The world is about to change, or has just changed."""
        self.boundaries.append(name)
        self.hook(len(self.boundaries) - 1, name)

    def frozen(self) -> bytes:
        """This moment, so that a test can go on from it."""
        return pickle.dumps({k: v for k, v in vars(self).items() if k != "hook"})

    @classmethod
    def thawed(cls, moment: bytes) -> World:
        """The world of a moment."""
        world = cls()
        vars(world).update(pickle.loads(moment))  # noqa: S301  our own bytes
        return world

    def change(self, name: str) -> _Change:
        return _Change(self, name)

    def context(self, owner: str) -> ReleaseContext:
        """An actor at work in this world."""
        return ReleaseContext(
            registry=MemoryRegistry(self),
            journals=MemoryJournals(self),
            cloud=MemoryCloud(self),
            feed=MemoryFeed(self),
            analysis=MemoryAnalysis(self),
            people=MemoryPeople(self),
            clock=MemoryClock(self),
            specs={MODEL: self.spec()},
            site=Site(role_arn="arn:aws:iam::123456789012:role/r", image="registry/serving:1"),
            owner=owner,
            lease_seconds=60.0,
        )

    def spec(self) -> ModelSpec:
        return ModelSpec.model_validate(
            {
                "name": MODEL,
                "family": "tabular",
                "owner": "o",
                "description": "d",
                "data": {"dataset": "d", "label": "l"},
                "gates": [{"metric": "mae", "at_most": 1.0}],
                "release": {"watch_seconds": 600, **self.release},
                "serving": self.serving,
            }
        )

    @property
    def pointer(self) -> Pointer | None:
        return self.pointers[-1] if self.pointers else None

    def serves(self) -> dict[str, float]:
        """Share of each version at this moment, as users get it."""
        self.settle()
        if self.endpoint is None or self.endpoint["status"] == "Creating":
            return {}
        weights = self.endpoint["weights"]
        total = sum(weights.values())
        return {name: weight / total for name, weight in weights.items() if weight > 0}

    def settle(self) -> None:
        """Let what takes time come to its end."""
        endpoint = self.endpoint
        if endpoint is None or self.now < endpoint.get("until", 0.0):
            return
        if endpoint["status"] == "Creating":
            endpoint["status"] = (
                "Failed" if endpoint["config"] in self.silent_rollbacks else ("InService")
            )
        elif endpoint["status"] == "Updating":
            endpoint["status"] = "InService"
            target = endpoint.pop("target", None)
            if target and target not in self.silent_rollbacks:
                old = endpoint["weights"]
                fresh = self.configs[target]["weights"]
                endpoint["config"] = target
                endpoint["weights"] = {n: old.get(n, w) for n, w in fresh.items()}
            elif target:
                endpoint["failure"] = "the new variant did not pass its ping"


@dataclass
class _Change:
    world: World
    name: str

    def __enter__(self) -> None:
        self.world.boundary(f"before {self.name}")

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.world.boundary(f"after {self.name}")


def serving_world(**kwargs: Any) -> World:
    """A world in which V1 serves, brought there by a first release."""
    from tasks.release import run, start_release

    world = World(**kwargs)
    good, world.good = world.good, True
    rollbacks, world.silent_rollbacks = world.silent_rollbacks, set()
    health, world.fails_health = world.fails_health, False
    start_release(world.context("first"), MODEL, V1, "ann", "first")
    run(world.context("first"), MODEL)
    world.good, world.silent_rollbacks, world.fails_health = good, rollbacks, health
    world.boundaries.clear()
    world.mails.clear()
    return world


def only(version: str) -> dict[str, float]:
    """What users get when one version serves alone."""
    return {variant_of(version): 1.0}
