"""A world in memory behind every port of a release: it keeps state, and it can misbehave.

``World.boundary`` is called before and after each change of the outside world; a test kills the
actor there, or lets AWS fail there.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tasks.errors import (
    AwsRejected,
    BundleCorrupt,
    LeaseLost,
    PointerMoved,
    ReleaseInProgress,
    VersionUnknown,
)
from tasks.model_spec import AutoscalingSpec, ModelSpec
from tasks.release.context import ReleaseContext
from tasks.release.hosting.names import variant_of
from tasks.release.journal.record import ArmFigures, Journal, Point, Ruling, Site
from tasks.release.machine.observed import ObservedEndpoint, ObservedVariant
from tasks.release.ports import StoredJournal, WindowCounts
from tasks.values import Manifest, Pointer

EPOCH = 1_800_000_000.0
MODEL = "price-estimator"
V1, V2, V3 = "v20260101_020000", "v20260108_020000", "v20260115_020000"


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
            site=Site(role_arn="arn:aws:iam::123456789012:role/r", image="image:1"),
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


@dataclass
class MemoryClock:
    world: World

    def now(self) -> float:
        return self.world.now

    def sleep(self, seconds: float) -> None:
        self.world.now += max(0.0, seconds)
        self.world.settle()


@dataclass
class MemoryJournals:
    world: World

    def read(self, model: str) -> StoredJournal | None:
        found = self.world.journals.get(model)
        if found is None:
            return None
        return StoredJournal(Journal.model_validate_json(found[0]), str(found[1]))

    def start(self, journal: Journal, replacing: StoredJournal | None) -> StoredJournal:
        standing = self.world.journals.get(journal.model)
        if (str(standing[1]) if standing else None) != (replacing.etag if replacing else None):
            raise ReleaseInProgress("busy", "wait")
        if replacing is not None:
            self.archive(replacing.journal)
        return self._put(journal, "start")

    def write(self, stored: StoredJournal, journal: Journal) -> StoredJournal:
        standing = self.world.journals[journal.model]
        if str(standing[1]) != stored.etag:
            raise LeaseLost("overtaken", "stop")
        return self._put(journal, f"write {journal.phase}")

    def archive(self, journal: Journal) -> None:
        if journal.release_id not in self.world.archive:
            with self.world.change("archive"):
                self.world.archive[journal.release_id] = journal.model_dump_json().encode()

    def archived(self, model: str, release_id: str) -> Journal | None:
        kept = self.world.archive.get(release_id)
        return None if kept is None else Journal.model_validate_json(kept)

    def keep_checklist(self, journal: Journal, text: str) -> str:
        self.world.checklists.setdefault(journal.release_id, text)
        return f"memory://{journal.release_id}"

    def keep_window(self, journal: Journal, window: WindowCounts) -> WindowCounts:
        key = (journal.release_id, window["t0"])
        if key not in self.world.windows:
            with self.world.change("window"):
                self.world.windows[key] = window
        return self.world.windows[key]

    def _put(self, journal: Journal, name: str) -> StoredJournal:
        fresh = journal.model_copy(update={"revision": journal.revision + 1})
        with self.world.change(name):
            etag = self.world.journals.get(journal.model, (b"", 0))[1] + 1
            self.world.journals[journal.model] = (fresh.model_dump_json().encode(), etag)
        return StoredJournal(fresh, str(etag))


@dataclass
class MemoryRegistry:
    world: World

    def manifest(self, model: str, version: str) -> Manifest:
        if version not in {V1, V2, V3}:
            raise VersionUnknown(version, "name another")
        return Manifest(
            model=model, version=version, created="", identity=f"identity-{version}",
            training_job="", snapshot="", snapshot_fingerprint="", code_hash="",
            hyperparameters={}, contract="", contract_version="", metrics={}, files=(),
        )  # fmt: skip

    def verify(self, model: str, version: str) -> Manifest:
        return self.manifest(model, version)

    def file_url(self, model: str, version: str, path: str) -> str:
        return f"s3://registry/{model}/{version}/{path}"

    def read_file(self, model: str, version: str, path: str) -> bytes:
        if self.world.fails_health:
            return b'{"instances": [[1.0]]}'
        raise BundleCorrupt("no such file", "none")

    def pointer(self, model: str) -> Pointer | None:
        return self.world.pointer

    def move_pointer(
        self, model: str, version: str, *, expected: str | None, actor: str, reason: str,
        rollback: bool = False,
    ) -> Pointer:  # fmt: skip
        current = self.world.pointer
        named = current.version if current else None
        if named == version and current is not None:
            return current
        if named != expected:
            raise PointerMoved("moved", "look")
        fresh = Pointer(
            model=model, version=version, timestamp=str(self.world.now), previous=named,
            rollback=rollback, actor=actor, reason=reason,
        )  # fmt: skip
        with self.world.change("pointer"):
            self.world.pointers.append(fresh)
        return fresh

    def invalidate(self, moved: Pointer) -> str:
        with self.world.change("invalidate"):
            self.world.invalidations[moved.timestamp] = moved
        return moved.timestamp

    def way_back(self, model: str) -> str | None:
        return self.world.pointer.previous if self.world.pointer else None

    def record(self, model: str, identity: str, status: str, **_: Any) -> object:
        with self.world.change("ledger"):
            if (identity, status) not in self.world.ledger:
                self.world.ledger.append((identity, status))
        return None


@dataclass
class MemoryCloud:
    world: World

    def endpoint(self, name: str) -> ObservedEndpoint | None:
        self.world.settle()
        found = self.world.endpoint
        if found is None:
            return None
        return ObservedEndpoint(
            status=found["status"],
            config=found["config"],
            failure=found.get("failure", ""),
            variants={n: ObservedVariant(weight=w) for n, w in found["weights"].items()},
        )

    def models(self, names: Collection[str]) -> frozenset[str]:
        return frozenset(names) & frozenset(self.world.models)

    def configs(self, names: Collection[str]) -> frozenset[str]:
        return frozenset(names) & frozenset(self.world.configs)

    def config_models(self, name: str) -> Mapping[str, str]:
        return dict(self.world.configs.get(name, {}).get("models", {}))

    def model_container(self, name: str) -> Mapping[str, Any]:
        return self.world.models.get(name, {})

    def create_model(self, request: Mapping[str, Any]) -> str:
        with self.world.change("create model"):
            self.world.models[request["ModelName"]] = request["PrimaryContainer"]
        return "created"

    def create_config(self, request: Mapping[str, Any]) -> str:
        variants = request["ProductionVariants"]
        for item in variants:
            assert item["ModelName"] in self.world.models, "a config names a missing model"
        with self.world.change("create config"):
            self.world.configs[request["EndpointConfigName"]] = {
                "weights": {v["VariantName"]: v["InitialVariantWeight"] for v in variants},
                "models": {
                    v["VariantName"]: v["ModelName"]
                    for v in [*variants, *request.get("ShadowProductionVariants", [])]
                },
            }
        return "created"

    def create_endpoint(self, name: str, config: str, tags: Sequence[Any]) -> str:
        if self.world.endpoint is not None:
            return "adopted"
        with self.world.change("create endpoint"):
            self.world.endpoint = {
                "status": "Creating",
                "config": config,
                "weights": dict(self.world.configs[config]["weights"]),
                "until": self.world.now + self.world.update_seconds,
            }
        return "created"

    def update_endpoint(self, name: str, config: str, guardrail: Mapping[str, Any] | None) -> str:
        endpoint = self._free()
        assert config in self.world.configs, "an update names a missing config"
        with self.world.change("update endpoint"):
            endpoint.update(
                status="Updating", target=config, until=self.world.now + self.world.update_seconds
            )
            endpoint.pop("failure", None)
        return "accepted"

    def delete_endpoint(self, name: str) -> str:
        with self.world.change("delete endpoint"):
            self.world.endpoint = None
        return "deleted"

    def set_weights(self, name: str, weights: Mapping[str, float]) -> str:
        endpoint = self._free()
        if not set(weights) <= set(endpoint["weights"]):
            raise AwsRejected("no such variant", "look", "ValidationException")
        with self.world.change("set weights"):
            endpoint["weights"].update(weights)
            endpoint.update(status="Updating", until=self.world.now + 2.0)
            for variant, weight in weights.items():
                self.world.shares.append((self.world.now, variant, weight))
        return "set"

    def _free(self) -> dict[str, Any]:
        self.world.settle()
        if self.world.endpoint is None or self.world.endpoint["status"] != "InService":
            raise AwsRejected("Cannot update in-progress endpoint", "wait", "ValidationException")
        return self.world.endpoint

    def load_test(self, name: str, variant: str, body: bytes, load: Any, longest_ms: float) -> str:
        return "fail: 500" if self.world.fails_health else "pass: answered"

    def last_lines(self, name: str, variant: str, since: float) -> tuple[str, ...]:
        return self.world.log_lines

    def ringing(self, alarms: Collection[str]) -> tuple[str, ...]:
        return tuple(sorted(set(alarms) & self.world.rings))

    def create_alarms(self, requests: Sequence[Mapping[str, Any]]) -> str:
        with self.world.change("create alarms"):
            self.world.alarms |= {request["AlarmName"] for request in requests}
        return "created"

    def pull_alarm(self, name: str, reason: str) -> str:
        with self.world.change("pull alarm"):
            self.world.rings.add(name)
        return "pulled"

    def delete_alarms(self, names: Collection[str]) -> str:
        with self.world.change("delete alarms"):
            self.world.alarms -= set(names)
        return "deleted"

    def autoscale(
        self, endpoint: str, variants: Collection[str], spec: AutoscalingSpec | None
    ) -> str:
        with self.world.change("autoscale"):
            pass
        return "scaled"

    def forget_captures(self, journal: Journal) -> str:
        with self.world.change("forget captures"):
            pass
        return "forgotten"

    def clean(self, model: str, keep: Collection[str], only: Collection[str] = ()) -> str:
        with self.world.change("clean"):
            for table in (self.world.configs, self.world.models):
                for name in list(table):
                    if name not in keep and (not only or name in only):
                        del table[name]
        endpoint = self.world.endpoint
        if endpoint is not None:
            assert endpoint["config"] in self.world.configs, "the serving config was deleted"
            used = self.world.configs[endpoint["config"]]["models"].values()
            assert set(used) <= set(self.world.models), "a serving model was deleted"
        return "cleaned"


@dataclass
class MemoryFeed:
    world: World

    def read(
        self,
        journal: Journal,
        spans: Sequence[tuple[float, float]],
        _queries: Sequence[Mapping[str, Any]],
    ) -> Sequence[WindowCounts]:
        return [{"t0": t0, "t1": t1, "weight": journal.share} for t0, t1 in spans]


@dataclass
class MemoryAnalysis:
    """Proves a good candidate with two windows a step; finds a bad one in its second window."""

    world: World

    def analyse(
        self, journal: Journal, counts: Sequence[WindowCounts]
    ) -> tuple[Any, Ruling, tuple[Point, ...]]:
        state = dict(journal.judge_state or {})
        ladder = journal.spec.ladder
        points = []
        for window in counts:
            share = str(window["weight"])
            state[share] = state.get(share, 0) + 1
            nothing = ArmFigures()
            points.append(
                Point(
                    at=window["t1"],
                    share=window["weight"],
                    against=0.0,
                    proven=0.0,
                    candidate=nothing,
                    stable=nothing,
                )
            )
        seen = state.get(str(journal.share), 0)
        step = max((i for i, s in enumerate(ladder) if s <= journal.share), default=-1)
        if not self.world.good and journal.share > 0 and seen >= 2:
            ruling = Ruling(action="rollback", reason="worse", against=2.0)
        elif step == len(ladder) - 1:
            done = seen * journal.spec.window_seconds >= journal.spec.watch_seconds
            ruling = Ruling(action="promote" if done else "hold", reason="watch")
        elif seen >= 2 or step < 0:
            ruling = Ruling(action="step", reason="proven", share=ladder[step + 1])
        else:
            ruling = Ruling(action="hold", reason="not yet")
        return state, ruling, tuple(points)


@dataclass
class MemoryPeople:
    world: World

    def tell(self, subject: str, text: str) -> str:
        with self.world.change("tell"):
            self.world.mails.append(subject)
        return "told"


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
