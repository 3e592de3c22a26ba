"""The pointer ``<model>/latest.json``: the only mutable object that clients read.

It moves by compare-and-swap only, always names its previous version, its actor and its reason, and
is read back after each move.
"""

from __future__ import annotations

from datetime import UTC, datetime

from tasks import objects
from tasks.errors import BundleCorrupt, PointerMoved
from tasks.registry import bundle, names
from tasks.values import Pointer, Rollout

FIVE_MINUTES = "public, max-age=300"


def read(bucket: str, model: str) -> Pointer | None:
    """The pointer, or None before the first release.

    Raises:
        BundleCorrupt: the object does not parse.
    """
    found = objects.read(bucket, names.pointer_key(model))
    return None if found is None else _parsed(model, found.body)


def move(
    bucket: str,
    model: str,
    version: str,
    *,
    expected: str | None,
    actor: str,
    reason: str,
    now: float,
    rollback: bool = False,
    rollout: Rollout | None = None,
) -> Pointer:
    """Point to another version, if the pointer still names the expected one.

    Repeating a move that has happened returns the pointer as it stands.

    Args:
        bucket: The registry.
        model: Whose pointer.
        version: Where to; must be a committed version.
        expected: Version that it names now; None when there is no pointer yet.
        actor: Who moves it.
        reason: Why, in a sentence that clients and people will read.
        now: Unix time, seconds.
        rollback: Whether this puts an earlier version back.
        rollout: Staged rollout to edge clients.

    Raises:
        VersionUnknown: no such version.
        PointerMoved: it names a third version, or somebody moved it in this moment.
    """
    bundle.manifest(bucket, model, version)
    key = names.pointer_key(model)
    found = objects.read(bucket, key)
    current = None if found is None else _parsed(model, found.body)
    if current is not None and current.version == version and current.rollout == rollout:
        return current
    standing = None if current is None else current.version
    if standing not in {expected, version}:
        raise PointerMoved(
            f"{model}: the pointer names {standing!r}, not {expected!r}.",
            "Find out who moved it (actor and reason stand in it), then decide anew.",
        )
    previous = current.previous if current and standing == version else standing
    fresh = Pointer(
        model=model,
        version=version,
        timestamp=datetime.fromtimestamp(now, tz=UTC).isoformat(timespec="milliseconds"),
        previous=previous,
        rollback=rollback,
        actor=actor,
        reason=reason,
        rollout=rollout,
    )
    body = fresh.model_dump_json(indent=2).encode()
    if found is None:
        etag = objects.create(bucket, key, body, cache_control=FIVE_MINUTES)
    else:
        etag = objects.swap(bucket, key, body, etag=found.etag, cache_control=FIVE_MINUTES)
    after = read(bucket, model)
    if after != fresh:
        raise PointerMoved(
            f"{model}: the pointer was moved to {after.version if after else None!r} by "
            f"{after.actor if after else 'somebody'!r} in the same moment"
            f"{'' if etag is None else ', after our own move'}.",
            "Read it again, then decide anew.",
        )
    return fresh


def _parsed(model: str, body: bytes) -> Pointer:
    try:
        return Pointer.model_validate_json(body)
    except ValueError as error:
        raise BundleCorrupt(
            f"{model}: latest.json does not parse: {error}.",
            "Restore its earlier version from the bucket's history.",
        ) from error
