"""Profiles of lake partitions, kept in S3 beside the lake: each object version is read once, ever.

A profile's name holds what it was made from (object versions, columns, grid), and it is created
only if it is not there yet: two workers that profile the same partition write the same bytes, and
one of them finds that the other was first.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks import objects
from tasks.aws import asking
from tasks.drift.profiles.grid import ColumnKind, Grid
from tasks.drift.profiles.profile import Profile, merged
from tasks.drift.scan import TableFormat, profile_table
from tasks.errors import ObjectCorrupt
from tasks.values import Frozen, LakeObject, fingerprint

CHUNK = 1 << 20


class Partition(Frozen):
    """A partition of a data set: its objects, all of one format."""

    dataset: str
    name: str
    bucket: str
    objects: tuple[LakeObject, ...]
    fmt: TableFormat

    def key(self, grid: Grid) -> str:
        """Where its profile on this grid lies."""
        made_of = [[item.key, item.version_id, item.etag, item.size] for item in self.objects]
        shelf = f"profiles/{self.dataset}/{grid.fingerprint[:12]}"
        return f"{shelf}/{self.name}-{fingerprint(made_of)[:16]}.json"


def profile_partition(
    s3: Any, partition: Partition, columns: Mapping[str, ColumnKind], grid: Grid
) -> Profile:
    """The profile of a partition: read when it is there, else made and written once.

    Needs disk for the largest object and memory for one batch of rows.

    Args:
        s3: A boto3 S3 client.
        partition: What to profile.
        columns: What each column is.
        grid: The baseline's grid.

    Raises:
        ObjectCorrupt: an object is not the one that was pinned.
        UnreadableData: an object cannot be decoded in the partition's format.
    """
    key = partition.key(grid)
    found = objects.read(partition.bucket, key)
    if found is not None:
        return Profile.from_json(found.body)
    parts = [_of_object(s3, partition, item, columns, grid) for item in partition.objects]
    whole = merged(parts)
    profile = Profile(whole.grid, whole.rows, (partition.name,), whole.columns)
    objects.create(partition.bucket, key, profile.to_json().encode())
    # Whoever was first, what stands there counts.
    standing = objects.read(partition.bucket, key)
    return Profile.from_json(standing.body) if standing else profile


def _of_object(
    s3: Any,
    partition: Partition,
    item: LakeObject,
    columns: Mapping[str, ColumnKind],
    grid: Grid,
) -> Profile:
    with tempfile.TemporaryDirectory(prefix="profile-") as folder:
        path = Path(folder) / "object"
        pinned = {"VersionId": item.version_id} if item.version_id else {}
        with asking(f"GetObject s3://{partition.bucket}/{item.key}"), path.open("wb") as file:
            answer = s3.get_object(
                Bucket=partition.bucket, Key=item.key, IfMatch=item.etag, **pinned
            )
            for chunk in answer["Body"].iter_chunks(CHUNK):
                file.write(chunk)
        size = path.stat().st_size
        if size != item.size:
            raise ObjectCorrupt(
                f"s3://{partition.bucket}/{item.key} came with {size:,} bytes instead of "
                f"{item.size:,}.",
                "Run again; if it stays so, take a new snapshot.",
            )
        return profile_table(path, partition.fmt, columns, grid)
