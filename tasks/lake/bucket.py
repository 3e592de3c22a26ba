"""What the lake's bucket holds: a thin reading of S3."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from tasks.aws import asking
from tasks.errors import AwsDenied, AwsRejected, BucketMissing, BucketUnversioned
from tasks.lake.inventory import Listed, Owns, sort_out
from tasks.lake.layout import pin_inventory
from tasks.values import Snapshot, fingerprint

_MISSING = frozenset({"NoSuchBucket", "404", "NotFound"})


def require_versioned(s3: Any, bucket: str) -> None:
    """Check that the bucket is there, is ours and keeps versions.

    Raises:
        BucketMissing: it does not exist, or we may not see it.
        BucketUnversioned: it keeps no versions.
    """
    try:
        with asking(f"GetBucketVersioning {bucket}"):
            status = s3.get_bucket_versioning(Bucket=bucket).get("Status", "never enabled")
    except (AwsRejected, AwsDenied) as error:
        if isinstance(error, AwsRejected) and error.code not in _MISSING:
            raise
        raise BucketMissing(
            f"The bucket {bucket!r} cannot be read ({error.code}).",
            "Create it, or set SLUICE_LAKE_BUCKET to the lake's bucket and check the role.",
        ) from error
    if status != "Enabled":
        raise BucketUnversioned(
            f"The bucket {bucket!r} keeps no versions (versioning: {status}).",
            "Enable versioning on it; a snapshot must be able to name exact versions.",
        )


def list_objects(s3: Any, bucket: str, prefix: str) -> Iterator[Listed]:
    """Current versions of everything under a prefix.

    Raises:
        AwsError: S3 did not answer.
    """
    with asking(f"ListObjectVersions s3://{bucket}/{prefix}"):
        pages = s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
        for page in pages:
            for item in page.get("Versions", []):
                if item["IsLatest"]:
                    yield Listed(
                        key=item["Key"],
                        version_id=item["VersionId"],
                        etag=item["ETag"].strip('"'),
                        size=item["Size"],
                    )


def take_snapshot(
    s3: Any,
    dataset: str,
    bucket: str,
    prefix: str,
    window_days: int = 0,
    end: date | None = None,
    after: date | None = None,
    owns: Owns | None = None,
) -> Snapshot:
    """Pin what the lake holds now.

    Every object below the prefix is in the snapshot, or counted in its ``left_out`` by one rule.

    Args:
        s3: An S3 client.
        dataset: Name of the data set.
        bucket: Bucket of the lake.
        prefix: Where its keys begin.
        window_days: Days to take, counted back from ``end``; 0 takes all.
        end: Last day; the newest there is when None.
        after: Only days after this one.
        owns: Which keys below the prefix belong to it, where data sets share their folders.

    Raises:
        BucketMissing, BucketUnversioned, LayoutUnknown, LayoutAmbiguous, NoDataInWindow: see there.
    """
    require_versioned(s3, bucket)
    inventory = sort_out(list_objects(s3, bucket, prefix), prefix, owns)
    return pin_inventory(dataset, bucket, inventory, window_days, end, after)


def keep_snapshot(s3: Any, bucket: str, snapshot: Snapshot) -> str:
    """Write the snapshot's list where a person can open it later, and return its address.

    The name also covers the version ids: two snapshots of the same bytes may name different
    versions, and each bundle must find the one that it was trained on.
    """
    versions = fingerprint([item.version_id for item in snapshot.objects])[:12]
    key = f"snapshots/{snapshot.dataset}/{snapshot.fingerprint[:24]}-{versions}.json"
    with asking(f"PutObject s3://{bucket}/{key}"):
        s3.put_object(
            Bucket=bucket,
            Key=key,
            Body=snapshot.model_dump_json(indent=1).encode(),
            ContentType="application/json",
        )
    return f"s3://{bucket}/{key}"
