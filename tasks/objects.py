"""Conditional objects in S3: create once, compare and swap, read back.

Every mutable record of Sluice (pointer, journal, history) is one object that is replaced only if
it still is what the writer read (``If-Match``), or created only if it is not there yet
(``If-None-Match: *``). A lost answer is told from a lost race by reading back: a body equal to
ours is ours.
"""

from __future__ import annotations

import base64
import hashlib
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import IO, Any

from tasks.aws import asking, client
from tasks.disk import writing
from tasks.errors import AwsRejected, BucketMissing, DiskFull

REFUSED = frozenset({"PreconditionFailed", "ConditionalRequestConflict", "412", "409"})
MISSING = frozenset({"NoSuchKey", "NotFound", "404"})
CHUNK = 1 << 20


@dataclass(frozen=True)
class Found:
    """One object as it was read.

    ``etag`` keeps its quotes, as ``If-Match`` wants it; ``version_id`` is "" in a bucket that keeps
    no versions; ``age`` is how long ago it was written, in seconds of the store's own clock, to the
    second; None where the store does not say what time it is.
    """

    body: bytes
    etag: str
    version_id: str = ""
    age: float | None = None


def read(bucket: str, key: str) -> Found | None:
    """An object, or None when there is none.

    Raises:
        BucketMissing: the bucket itself does not exist.
        AwsError: AWS did not answer.
    """
    try:
        with asking(f"GetObject s3://{bucket}/{key}"):
            answer = client("s3").get_object(Bucket=bucket, Key=key)
            body = answer["Body"].read()
        return Found(body, answer["ETag"], answer.get("VersionId", ""), _age(answer))
    except AwsRejected as error:
        if error.code in MISSING:
            return None
        raise named(error, bucket) from error


def create(
    bucket: str,
    key: str,
    body: bytes | Path,
    *,
    content_type: str = "application/json",
    cache_control: str = "no-store",
    metadata: Mapping[str, str] | None = None,
) -> str | None:
    """Write an object that must not exist yet.

    Returns:
        Its ETag; None when another object stands there. An equal body of bytes counts as ours
        (the answer to our own write was lost).
    """
    extra = {"IfNoneMatch": "*", "ContentType": content_type, "CacheControl": cache_control}
    etag = _put(bucket, key, body, {**extra, "Metadata": dict(metadata or {})})
    if etag is None and isinstance(body, bytes):
        return _ours(bucket, key, body)
    return etag


def swap(
    bucket: str,
    key: str,
    body: bytes | Path,
    *,
    etag: str,
    content_type: str = "application/json",
    cache_control: str = "no-store",
    metadata: Mapping[str, str] | None = None,
) -> str | None:
    """Replace an object that must still bear ``etag``.

    Returns:
        The new ETag; None when somebody else replaced or removed it first.
    """
    extra = {"IfMatch": etag, "ContentType": content_type, "CacheControl": cache_control}
    fresh = _put(bucket, key, body, {**extra, "Metadata": dict(metadata or {})})
    if fresh is None and isinstance(body, bytes):
        return _ours(bucket, key, body)
    return fresh


def head(bucket: str, key: str) -> str | None:
    """The ETag of an object, or None when there is none."""
    try:
        with asking(f"HeadObject s3://{bucket}/{key}"):
            return str(client("s3").head_object(Bucket=bucket, Key=key)["ETag"])
    except AwsRejected as error:
        if error.code in MISSING:
            return None
        raise named(error, bucket) from error


def exists(bucket: str, key: str) -> bool:
    """Whether there is such an object."""
    return head(bucket, key) is not None


def digest(bucket: str, key: str) -> tuple[str, int]:
    """SHA-256 (hex) and size in bytes of an object, read in full.

    Raises:
        AwsRejected: with code ``NoSuchKey`` when there is no such object.
    """
    with asking(f"GetObject s3://{bucket}/{key}"):
        body = client("s3").get_object(Bucket=bucket, Key=key)["Body"]
        return _hash(iter(lambda: body.read(CHUNK), b""))


def file_digest(path: Path) -> tuple[str, int]:
    """SHA-256 (hex) and size in bytes of a local file."""
    with path.open("rb") as file:
        return _hash(iter(lambda: file.read(CHUNK), b""))


def keys(bucket: str, prefix: str) -> tuple[str, ...]:
    """All keys below a prefix, in order."""
    names: list[str] = []
    try:
        with asking(f"ListObjectsV2 s3://{bucket}/{prefix}"):
            pages = client("s3").get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=bucket, Prefix=prefix):
                names += [item["Key"] for item in page.get("Contents", [])]
    except AwsRejected as error:
        raise named(error, bucket) from error
    return tuple(names)


def remove(bucket: str, gone: Iterable[str]) -> None:
    """Delete objects; in a versioned bucket their older versions stay."""
    for key in gone:
        with asking(f"DeleteObject s3://{bucket}/{key}"):
            client("s3").delete_object(Bucket=bucket, Key=key)


def files(bucket: str, prefix: str) -> tuple[str, ...]:
    """Names of the objects directly below a prefix (which ends in "/"), in order."""
    names: list[str] = []
    try:
        with asking(f"ListObjectsV2 s3://{bucket}/{prefix}"):
            pages = client("s3").get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=bucket, Prefix=prefix, Delimiter="/"):
                names.extend(item["Key"][len(prefix) :] for item in page.get("Contents", []))
    except AwsRejected as error:
        raise named(error, bucket) from error
    return tuple(names)


def download(address: str, folder: Path, endings: tuple[str, ...] = ("",)) -> Path:
    """Local copy of what lies below ``s3://<bucket>/<prefix>``; what was in the folder is gone.

    Args:
        address: Of the prefix.
        folder: Where to; no key leads out of it.
        endings: How the names end of what is brought.

    Raises:
        DiskFull: it does not fit; nothing of it is left.
    """
    bucket, _, prefix = address.removeprefix("s3://").partition("/")
    prefix = prefix.rstrip("/") + "/"
    shutil.rmtree(folder, ignore_errors=True)
    try:
        for key in keys(bucket, prefix):
            target = folder / key.removeprefix(prefix)
            if not key.endswith(endings) or not target.resolve().is_relative_to(folder.resolve()):
                continue
            what = f"s3://{bucket}/{key}"
            with writing(what, folder.parent), asking(f"GetObject {what}"):
                target.parent.mkdir(parents=True, exist_ok=True)
                client("s3").download_file(bucket, key, str(target))
    except DiskFull:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return folder


def fetch(address: str, target: Path) -> Path:
    """Download one S3 object, beside the target first; an existing target is kept."""
    if target.exists():
        return target
    bucket, _, key = address.removeprefix("s3://").partition("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".partial-{target.name}")
    try:
        with writing(address, target.parent), asking(f"GetObject {address}"):
            client("s3").download_file(bucket, key, str(partial))
        return partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def folders(bucket: str, prefix: str) -> tuple[str, ...]:
    """Names of the folders directly below a prefix (which ends in "/"), in order."""
    names: list[str] = []
    try:
        with asking(f"ListObjectsV2 s3://{bucket}/{prefix}"):
            pages = client("s3").get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=bucket, Prefix=prefix, Delimiter="/"):
                shared = page.get("CommonPrefixes", [])
                names.extend(item["Prefix"][len(prefix) : -1] for item in shared)
    except AwsRejected as error:
        raise named(error, bucket) from error
    return tuple(names)


def named(error: AwsRejected, bucket: str) -> AwsRejected | BucketMissing:
    """The same error, or BucketMissing when that is what it means."""
    if error.code == "NoSuchBucket":
        return BucketMissing(
            f"The bucket {bucket!r} does not exist.",
            "Create it, or correct SLUICE_REGISTRY_BUCKET, SLUICE_WORK_BUCKET or "
            "SLUICE_LAKE_BUCKET.",
        )
    return error


def _put(bucket: str, key: str, body: bytes | Path, extra: Mapping[str, Any]) -> str | None:
    sha256 = hashlib.sha256(body).hexdigest() if isinstance(body, bytes) else file_digest(body)[0]
    checksum = base64.b64encode(bytes.fromhex(sha256)).decode()
    try:
        with asking(f"PutObject s3://{bucket}/{key}"):
            if isinstance(body, bytes):
                return _send(bucket, key, body, checksum, extra)
            with body.open("rb") as file:
                return _send(bucket, key, file, checksum, extra)
    except AwsRejected as error:
        if error.code in REFUSED or error.code in MISSING:
            return None
        raise named(error, bucket) from error


def _send(
    bucket: str, key: str, body: bytes | IO[bytes], checksum: str, extra: Mapping[str, Any]
) -> str:
    answer = client("s3").put_object(
        Bucket=bucket, Key=key, Body=body, ChecksumSHA256=checksum, **extra
    )
    return str(answer["ETag"])


def _age(answer: Mapping[str, Any]) -> float | None:
    told = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
    written = answer.get("LastModified")
    if told is None or written is None:
        return None
    try:
        return float((parsedate_to_datetime(told) - written).total_seconds())
    except (TypeError, ValueError):
        return None


def _ours(bucket: str, key: str, body: bytes) -> str | None:
    record = read(bucket, key)
    return record.etag if record is not None and record.body == body else None


def _hash(chunks: Iterator[bytes]) -> tuple[str, int]:
    sha256, size = hashlib.sha256(), 0
    for chunk in chunks:
        sha256.update(chunk)
        size += len(chunk)
    return sha256.hexdigest(), size
