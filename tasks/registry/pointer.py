"""The pointer ``<model>/latest.json``: the only mutable object that clients read.

It moves by compare-and-swap only, always names its previous version, its actor and its reason, and
is read back after each move.
"""

from __future__ import annotations

from datetime import UTC, datetime

from tasks import objects
from tasks.errors import BundleCorrupt, PointerMoved
from tasks.registry import bundle, names
from tasks.stored import parsed, written
from tasks.values import Pointer, Rollout, Seal

FIVE_MINUTES = "public, max-age=300"


def read(bucket: str, model: str) -> Pointer | None:
    """The pointer, or None before the first release.

    Raises:
        BundleCorrupt: the object does not parse.
    """
    stored = objects.read(bucket, names.pointer_key(model))
    return None if stored is None else _parsed(model, stored.body)


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
    sealed: Seal | None = None,
) -> Pointer:
    """Point to another version, if the pointer still names the expected one.

    Repeating a move that has happened (a rollback: with the same reason) returns the pointer as it
    stands. A move always names its
    rollout; one without ends the rollout that is under way (promoted, or with ``rollback``
    withdrawn).

    Args:
        bucket: The registry.
        model: Whose pointer.
        version: Where to; must be a committed version.
        expected: Version that it names now, or the candidate that is withdrawn; None when there is
            no pointer yet.
        actor: Who moves it.
        reason: Why, in a sentence that clients and people will read.
        now: Unix time, seconds.
        rollback: Whether this puts an earlier version back.
        rollout: Staged rollout to edge clients.
        sealed: The manifest that the version had when it was read and found sound.

    Raises:
        VersionUnknown: no such version.
        BundleCorrupt: its manifest is another by now.
        PointerMoved: it names a third version, or somebody moved it in this moment.
    """
    if rollback and sealed is not None:
        seal = sealed  # nobody stays on a bad version since the good one's manifest was touched:
        # clients that follow this pointer take no other manifest than this one
    else:
        seal = bundle.require_sealed(bucket, model, version, sealed)
    key = names.pointer_key(model)
    stored = objects.read(bucket, key)
    current = None if stored is None else _parsed(model, stored.body)
    stands = current is not None and (current.version, current.rollout) == (version, rollout)
    repeated = current is not None and current.rollback and current.reason == reason
    if current is not None and stands and (repeated or not rollback):
        return current
    standing = None if current is None else current.version
    if standing not in {expected, version}:
        raise PointerMoved(
            f"{model}: the pointer names {standing!r}, not {expected!r}.",
            "Find out who moved it (actor and reason stand in it), then decide anew.",
        )
    fresh = Pointer(
        model=model,
        version=version,
        timestamp=_stamp(now),
        previous=_before(current, version, withdrawn=expected if rollback else None),
        rollback=rollback,
        actor=actor,
        reason=reason,
        rollout=rollout,
        manifest=seal,
    )
    _put(bucket, fresh, stored)
    return fresh


def stage(
    bucket: str,
    model: str,
    rollout: Rollout,
    *,
    before: Pointer,
    actor: str,
    reason: str,
    now: float,
) -> Pointer:
    """Show a candidate to a share of the users, or to more of them; the version stays.

    Repeating a step that has happened returns the pointer as it stands.

    Args:
        bucket: The registry.
        model: Whose pointer.
        rollout: Candidate, percentage and salt.
        before: The pointer as its caller knows it. A candidate that was withdrawn in the meantime
            is not shown again, since the withdrawal wrote the pointer anew.
        actor: Who moves it.
        reason: Why, in a sentence.
        now: Unix time, seconds.

    Raises:
        VersionUnknown: no such version.
        BundleCorrupt: its manifest is no longer the one that the rollout names.
        PointerMoved: it is no longer as the caller knows it, or the share would fall.
    """
    seal = bundle.require_sealed(bucket, model, rollout.version, rollout.manifest)
    rollout = rollout.model_copy(update={"manifest": seal})
    stored = objects.read(bucket, names.pointer_key(model))
    current = None if stored is None else _parsed(model, stored.body)
    if (
        current is not None
        and current.version == before.version
        and rollout.deals_as(current.rollout)
    ):
        return current
    if current is None or current != before:
        raise PointerMoved(
            f"{model}: the pointer is no longer what {actor} read "
            f"({'it is gone' if current is None else f'{current.actor}: {current.reason}'}).",
            "Read it again, then decide anew.",
        )
    shown = current.rollout
    falls = shown is not None and rollout.percent < shown.percent
    if shown is not None and (
        falls or (shown.version, shown.salt) != (rollout.version, rollout.salt)
    ):
        raise PointerMoved(
            f"{model}: {shown.version} is shown to {shown.percent} % already.",
            "Withdraw it first: a rollout only grows, so that no user is moved to and fro.",
        )
    fresh = current.model_copy(
        update={"timestamp": _stamp(now), "actor": actor, "reason": reason, "rollback": False}
        | {"rollout": rollout}
    )
    _put(bucket, fresh, stored)
    return fresh


def _before(current: Pointer | None, version: str, *, withdrawn: str | None) -> str | None:
    """The version that users had before; for a candidate that was withdrawn, the candidate."""
    if current is None or current.version != version:
        return None if current is None else current.version
    return withdrawn if withdrawn not in {None, version} else current.previous


def _put(bucket: str, fresh: Pointer, stored: objects.Found | None) -> None:
    """Write, if nobody wrote since ``stored``; read back."""
    key = names.pointer_key(fresh.model)
    body = written(fresh, indent=2)
    if stored is None:
        etag = objects.create(bucket, key, body, cache_control=FIVE_MINUTES)
    else:
        etag = objects.swap(bucket, key, body, etag=stored.etag, cache_control=FIVE_MINUTES)
    after = read(bucket, fresh.model)
    if after != fresh:
        raise PointerMoved(
            f"{fresh.model}: the pointer was moved to {after.version if after else None!r} by "
            f"{after.actor if after else 'somebody'!r} in the same moment"
            f"{'' if etag is None else ', after our own move'}.",
            "Read it again, then decide anew.",
        )


def _stamp(now: float) -> str:
    return datetime.fromtimestamp(now, tz=UTC).isoformat(timespec="milliseconds")


def _parsed(model: str, body: bytes) -> Pointer:
    return parsed(Pointer, body, f"{model}: latest.json", BundleCorrupt)
