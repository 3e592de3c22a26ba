"""The frozen values through which the stages meet.

Each is small, strict and JSON, so that it can be persisted, shown and compared. What is large is
an address in S3, never a value.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Outcome = Literal["pass", "fail", "error", "inconclusive"]
SEVERITY: tuple[Outcome, ...] = ("pass", "inconclusive", "fail", "error")


class Frozen(BaseModel):
    """A strict, immutable value: unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


WARNING = "warning: "
"""How the detail of a check begins that passes and that a person should look at."""


class Check(Frozen):
    """One thing that was looked at.

    ``observed`` and ``bound`` are printed as they stand; ``detail`` is one sentence.
    """

    name: str
    outcome: Outcome
    observed: str = ""
    bound: str = ""
    detail: str = ""


class Verdict(Frozen):
    """What a stage decided, and on what evidence. Only ``pass`` goes on."""

    subject: str
    outcome: Outcome
    reason: str
    checks: tuple[Check, ...] = ()

    @classmethod
    def of(cls, subject: str, checks: tuple[Check, ...]) -> Verdict:
        """The worst outcome of the checks; no check at all is inconclusive, never a pass."""
        if not checks:
            return cls(subject=subject, outcome="inconclusive", reason="Nothing was checked.")
        worst = max((check.outcome for check in checks), key=SEVERITY.index)
        telling = [check for check in checks if check.outcome == worst]
        reason = (
            f"All {len(checks)} checks passed."
            if worst == "pass"
            else "; ".join(
                f"{c.name}: {c.observed} (bound {c.bound})" + (f", {c.detail}" if c.detail else "")
                for c in telling[:5]
            )
        )
        return cls(subject=subject, outcome=worst, reason=reason, checks=checks)


FIRST_PROGRAM = "serve.py"
"""What serves a bundle that does not say so, because it is older than entry points."""


class LakeObject(Frozen):
    """One immutable object of the lake. ``size`` in bytes."""

    key: str
    version_id: str
    etag: str
    size: int = Field(ge=0)
    day: date


class LeftOut(Frozen):
    """Objects below a data set's prefix that a rule keeps out of a snapshot, counted."""

    rule: str
    count: int = Field(ge=1)
    example: str


class Snapshot(Frozen):
    """An immutable list of lake objects; training names a snapshot, never "the bucket".

    ``left_out`` counts every other object below the prefix, rule by rule; ``notices`` say what
    people should look at. Neither is part of the fingerprint.
    """

    dataset: str
    bucket: str
    start: date
    end: date
    objects: tuple[LakeObject, ...]
    fingerprint: str
    left_out: tuple[LeftOut, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Total size in bytes."""
        return sum(item.size for item in self.objects)


@dataclass(frozen=True)
class ValidatedData:
    """A snapshot whose good rows lie in a local folder.

    Args:
        snapshot: What was pulled.
        address: S3 address of the snapshot's own list.
        contract: Data set whose contract it kept.
        contract_version: Of that contract.
        kinds: How drift looks at each column.
        drift_policy: Of the contract.
        good: Folder of the good rows.
        work: The run's folder; others may be made in it.
        records: Folder of one row a record, where good rows are versions of records; None where a
            good row is what is learned from.
    """

    snapshot: Snapshot
    address: str
    contract: str
    contract_version: str
    kinds: Mapping[str, Any]
    drift_policy: Mapping[str, Any]
    good: Path
    work: Path
    records: Path | None = None


class Lineage(Frozen):
    """What a candidate came from; ``snapshot`` is an S3 address, ``baseline`` a bundle's path."""

    snapshot: str
    snapshot_fingerprint: str
    code_hash: str
    contract: str
    contract_version: str
    hyperparameters: Mapping[str, str]
    baseline: str = ""


class TrainedModel(Frozen):
    """A finished training job, measured.

    ``metrics`` and ``baseline`` are the candidate's and the scikit-learn baseline's on the held-out
    split; ``created`` is the job's creation time, unix seconds; ``folder`` is the local copy of
    what the job left (``model.tar.gz``, ``output/``); ``program`` is what serves it, below code/.
    """

    model: str
    job_name: str
    identity: str
    model_data: str
    output_data: str
    created: float
    metrics: Mapping[str, float]
    baseline: Mapping[str, float] = {}
    folder: Path
    program: str = FIRST_PROGRAM
    billable_seconds: int = 0
    adopted: bool = False


class MeasuredChampion(Frozen):
    """What serves, measured beside a candidate.

    ``metrics`` are its own on the held-out split; ``folder`` is the local copy of what its job left
    (``output/``).
    """

    metrics: Mapping[str, float]
    folder: Path


class BundleFile(Frozen):
    """One file of a bundle. ``size`` in bytes."""

    path: str
    sha256: str
    size: int = Field(ge=0)


class Manifest(Frozen):
    """What a version is and where it came from: ``<model>/<version>/manifest.json``.

    ``program`` serves it, below ``code/`` of its model.tar.gz.
    """

    schema_version: Literal[1] = 1
    model: str
    version: str
    created: str
    identity: str
    training_job: str
    snapshot: str
    snapshot_fingerprint: str
    code_hash: str
    hyperparameters: Mapping[str, str]
    contract: str
    contract_version: str
    metrics: Mapping[str, float]
    parity: Mapping[str, float] = {}
    converters: Mapping[str, str] = {}
    baseline: str = ""
    program: str = FIRST_PROGRAM
    files: tuple[BundleFile, ...]

    def sha256(self, path: str) -> str:
        """SHA-256 of a file of the version; "" where it has none of that path."""
        return next((file.sha256 for file in self.files if file.path == path), "")


class Seal(Frozen):
    """Which manifest a version had: its SHA-256, and its VersionId where the bucket keeps versions.

    A manifest that is replaced together with its files fits them, and no longer fits its seal.
    """

    sha256: str
    version_id: str = ""


class Rollout(Frozen):
    """A staged rollout to edge clients: users whose bucket (0-99) is below ``percent``."""

    version: str
    percent: int = Field(ge=0, le=100)
    salt: str
    manifest: Seal | None = None

    def deals_as(self, other: Rollout | None) -> bool:
        """Whether both show the same version to the same users."""
        if other is None:
            return False
        mine = (self.version, self.percent, self.salt)
        return mine == (other.version, other.percent, other.salt)


class Pointer(Frozen):
    """``<model>/latest.json``: which version serves, who said so, and the way back.

    ``manifest`` is that of the version; None in a pointer that was written before there were seals.
    """

    schema_version: Literal[1] = 1
    model: str
    version: str
    timestamp: str
    previous: str | None = None
    rollback: bool = False
    actor: str
    reason: str
    rollout: Rollout | None = None
    manifest: Seal | None = None


def fingerprint(value: Any) -> str:
    """SHA-256 (64 hex digits) of a value's canonical JSON: sorted keys, no spaces."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(canonical.encode()).hexdigest()
