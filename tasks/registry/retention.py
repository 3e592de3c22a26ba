"""Which old versions stay at hand, and which go to the archive. The plan is pure.

Nothing is deleted: an archived version keeps its manifest and is tagged, and the bucket's
lifecycle rule moves tagged objects to cold storage. The way back always stays at hand.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from pydantic import Field

from tasks import objects
from tasks.aws import asking, client
from tasks.registry import names
from tasks.values import Frozen, Pointer

STAYS = (f"/{names.MANIFEST}", names.SIGNATURE)
"""How keys end that no version loses."""
TAG = {"Key": "sluice-archive", "Value": "true"}


class RetentionPolicy(Frozen):
    """How many versions stay at hand."""

    keep: int = Field(default=10, ge=2, description="Newest versions that stay at hand.")


class RetentionPlan(Frozen):
    """What to do with each version."""

    keep: tuple[str, ...]
    archive: tuple[str, ...]


def plan(
    versions: Sequence[str],
    pointer: Pointer | None,
    in_use: Collection[str],
    policy: RetentionPolicy,
) -> RetentionPlan:
    """Keep what serves, its way back, what is in use and the newest; archive the rest.

    Args:
        versions: Committed versions, in any order.
        pointer: The pointer; without one nothing is archived.
        in_use: Versions that somebody else needs, like both arms of an experiment.
        policy: How many of the newest to keep.
    """
    ordered = sorted(versions, key=names.order)
    if pointer is None:
        return RetentionPlan(keep=tuple(ordered), archive=())
    rolled = pointer.rollout.version if pointer.rollout else None
    needed = {pointer.version, pointer.previous, rolled, *in_use, *ordered[-policy.keep :]}
    return RetentionPlan(
        keep=tuple(v for v in ordered if v in needed),
        archive=tuple(v for v in ordered if v not in needed),
    )


def archive(bucket: str, model: str, versions: Collection[str]) -> int:
    """Tag every object of these versions for cold storage; the number of objects newly tagged."""
    tagged = 0
    for version in versions:
        files = [
            key
            for key in objects.keys(bucket, names.bundle_prefix(model, version))
            if not key.endswith(STAYS)  # what can be listed, and believed, can be restored
        ]
        # The last file is tagged last: once it bears the tag, all of them do.
        if not files or TAG in _tags(bucket, files[-1]):
            continue
        for key in files:
            with asking(f"PutObjectTagging s3://{bucket}/{key}"):
                client("s3").put_object_tagging(Bucket=bucket, Key=key, Tagging={"TagSet": [TAG]})
            tagged += 1
    return tagged


def _tags(bucket: str, key: str) -> list[dict[str, str]]:
    with asking(f"GetObjectTagging s3://{bucket}/{key}"):
        return list(client("s3").get_object_tagging(Bucket=bucket, Key=key)["TagSet"])
