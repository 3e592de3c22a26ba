"""The ports of a release but hosting's: clock, journals, registry, feed, analysis, people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tasks.errors import (
    BundleCorrupt,
    LeaseLost,
    PointerMoved,
    ReleaseInProgress,
    VersionUnknown,
)
from tasks.release.journal.record import ArmFigures, Journal, Point, Ruling
from tasks.release.observation.analysis import CanaryAnalysis
from tasks.release.ports import StoredJournal, WindowCounts
from tasks.values import Manifest, Pointer, Seal

if TYPE_CHECKING:
    from tests.tasks.release.memory.world import World

V1, V2, V3 = "v20260101_020000", "v20260108_020000", "v20260115_020000"


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

    def sealed(self, model: str, version: str) -> Seal:
        return Seal(sha256=self.verify(model, version).version.ljust(64, "0"))

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
        rollback: bool = False, sealed: Seal | None = None,
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
class MemoryFeed:
    world: World

    def read(
        self,
        journal: Journal,
        spans: Sequence[tuple[float, float]],
        _queries: Sequence[Mapping[str, Any]],
    ) -> Sequence[WindowCounts]:
        return [{"t0": t0, "t1": t1, "weight": journal.share} for t0, t1 in spans]

    def values(
        self, _subject: str, _queries: Sequence[Mapping[str, Any]], _begin: float, _end: float
    ) -> Mapping[str, Mapping[float, float]]:
        return {}


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

    def seconds_to_proof(self, journal: Journal, requests_per_second: float) -> float:
        return CanaryAnalysis().seconds_to_proof(journal, requests_per_second)


@dataclass
class MemoryPeople:
    world: World

    def tell(self, subject: str, text: str) -> str:
        with self.world.change("tell"):
            self.world.mails.append(subject)
        return "told"
