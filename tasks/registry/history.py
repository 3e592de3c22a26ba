"""The history of each candidate: ``_ledger/<model>/<identity>.json``.

A candidate is known by its identity (snapshot, code, hyperparameters), so that a run that would
train the same thing again finds the earlier outcome and ends in seconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from tasks import objects
from tasks.errors import BundleCorrupt, PointerMoved
from tasks.registry import names
from tasks.registry.candidate import CandidateHistory, CandidateStatus, StatusChange
from tasks.stored import parsed
from tasks.values import Pointer

TRIES = 5


def read(bucket: str, model: str, identity: str) -> CandidateHistory | None:
    """The history of a candidate, or None when it is new."""
    return _stored(bucket, names.history_key(model, identity))[1]


def read_all(bucket: str, model: str) -> tuple[CandidateHistory, ...]:
    """Every candidate's history, in order of its newest outcome."""
    keys = objects.keys(bucket, f"_ledger/{model}/")
    histories = [history for key in keys if (history := _stored(bucket, key)[1]) is not None]
    return tuple(sorted(histories, key=lambda history: history.entries[-1].at))


def append(
    bucket: str,
    model: str,
    identity: str,
    *,
    status: CandidateStatus,
    actor: str,
    reason: str,
    now: float,
    version: str = "",
) -> CandidateHistory:
    """Add an outcome; the same outcome twice in a row is written once.

    Raises:
        PointerMoved: others kept writing the same record in the same moment.
    """
    key = names.history_key(model, identity)
    entry = StatusChange(
        at=datetime.fromtimestamp(now, tz=UTC).isoformat(timespec="milliseconds"),
        status=status,
        actor=actor,
        reason=reason,
        version=version,
    )
    for _ in range(TRIES):
        stored, known = _stored(bucket, key)
        if known is not None and (known.status, known.version) == (
            status,
            version or known.version,
        ):
            return known
        earlier = known.entries if known else ()
        history = CandidateHistory(model=model, identity=identity, entries=(*earlier, entry))
        body = history.model_dump_json(indent=2).encode()
        if stored is None:
            etag = objects.create(bucket, key, body)
        else:
            etag = objects.swap(bucket, key, body, etag=stored.etag)
        if etag is not None:
            return history
    raise PointerMoved(
        f"{model}: the history of {identity} was written by others {TRIES} times in a row.",
        "Run again.",
    )


def way_back(pointer: Pointer | None, known: Sequence[CandidateHistory]) -> str | None:
    """The version to return to when nobody names one. Pure.

    The version that served before; after a rollback (whose previous version is the bad one), the
    newest other version that was released and never rolled back.
    """
    if pointer is None:
        return None
    if not pointer.rollback:
        return pointer.previous
    good = [
        history.version
        for history in known
        if history.status == "released"
        and history.version not in {pointer.version, pointer.previous}
    ]
    return good[-1] if good else None


def _stored(bucket: str, key: str) -> tuple[objects.Found | None, CandidateHistory | None]:
    stored = objects.read(bucket, key)
    return stored, None if stored is None else parsed(
        CandidateHistory, stored.body, key, BundleCorrupt
    )
