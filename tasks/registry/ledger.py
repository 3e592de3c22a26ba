"""What became of each candidate: ``_ledger/<model>/<identity>.json``.

A candidate is known by its identity (snapshot, code, hyperparameters), so that a run that would
train the same thing again finds the earlier outcome and ends in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

from tasks import objects
from tasks.errors import PointerMoved
from tasks.registry import names
from tasks.values import Frozen, Pointer

Fate = Literal[
    "gate_rejected", "conversion_failed", "published", "released", "rolled_back", "superseded"
]
TRIES = 5


class LedgerEntry(Frozen):
    """One outcome of one candidate. ``at`` is ISO 8601."""

    at: str
    fate: Fate
    actor: str
    reason: str
    version: str = ""


class LedgerRecord(Frozen):
    """All outcomes of one candidate, oldest first."""

    schema_version: Literal[1] = 1
    model: str
    identity: str
    entries: tuple[LedgerEntry, ...]

    @property
    def fate(self) -> Fate:
        """The newest outcome."""
        return self.entries[-1].fate

    @property
    def version(self) -> str:
        """The version that the candidate was published as; "" when it was not."""
        return next((entry.version for entry in reversed(self.entries) if entry.version), "")


def read(bucket: str, model: str, identity: str) -> LedgerRecord | None:
    """What became of a candidate, or None when it is new."""
    found = objects.read(bucket, names.ledger_key(model, identity))
    return None if found is None else LedgerRecord.model_validate_json(found.body)


def records(bucket: str, model: str) -> tuple[LedgerRecord, ...]:
    """Every candidate's record, in order of its newest outcome."""
    found = (objects.read(bucket, key) for key in objects.keys(bucket, f"_ledger/{model}/"))
    parsed = [LedgerRecord.model_validate_json(item.body) for item in found if item is not None]
    return tuple(sorted(parsed, key=lambda record: record.entries[-1].at))


def write(
    bucket: str,
    model: str,
    identity: str,
    *,
    fate: Fate,
    actor: str,
    reason: str,
    now: float,
    version: str = "",
) -> LedgerRecord:
    """Add an outcome; the same outcome twice in a row is written once.

    Raises:
        PointerMoved: others kept writing the same record in the same moment.
    """
    key = names.ledger_key(model, identity)
    entry = LedgerEntry(
        at=datetime.fromtimestamp(now, tz=UTC).isoformat(timespec="milliseconds"),
        fate=fate,
        actor=actor,
        reason=reason,
        version=version,
    )
    for _ in range(TRIES):
        found = objects.read(bucket, key)
        known = None if found is None else LedgerRecord.model_validate_json(found.body)
        if known is not None and (known.fate, known.version) == (fate, version or known.version):
            return known
        earlier = known.entries if known else ()
        record = LedgerRecord(model=model, identity=identity, entries=(*earlier, entry))
        body = record.model_dump_json(indent=2).encode()
        if found is None:
            etag = objects.create(bucket, key, body)
        else:
            etag = objects.swap(bucket, key, body, etag=found.etag)
        if etag is not None:
            return record
    raise PointerMoved(
        f"{model}: the ledger of {identity} was written by others {TRIES} times in a row.",
        "Run again.",
    )


def way_back(pointer: Pointer | None, known: Sequence[LedgerRecord]) -> str | None:
    """The version to return to when nobody names one. Pure.

    The version that served before; after a rollback (whose previous version is the bad one), the
    newest other version that was released and never rolled back.
    """
    if pointer is None:
        return None
    if not pointer.rollback:
        return pointer.previous
    good = [
        record.version
        for record in known
        if record.fate == "released" and record.version not in {pointer.version, pointer.previous}
    ]
    return good[-1] if good else None
