"""Pull a snapshot into a local cache: only what is not there yet, in parallel, verified."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from tasks.aws import asking
from tasks.disk import writing
from tasks.errors import DiskFull, ObjectCorrupt
from tasks.lake.cached import CHUNK, is_sound, md5_of, must_be_read, records, remember
from tasks.values import LakeObject, Snapshot

GIGABYTE = 1_000_000_000


def cached_path(cache: Path, bucket: str, item: LakeObject) -> Path:
    """Where one object version lies in the cache.

    Named by a hash of what it is, so that a hostile key cannot leave the folder; the file's own
    ending is kept for people and for readers that look at it.
    """
    name = hashlib.sha256(f"{bucket}\0{item.key}\0{item.version_id}".encode()).hexdigest()
    ending = "".join(c for c in Path(item.key).name[-40:] if c.isalnum() or c in "._-").lstrip(".")
    return cache / "objects" / name[:2] / f"{name[2:26]}-{ending or 'object'}"


def require_room(cache: Path, needed: int, reserve_gb: float) -> None:
    """Check the disk before a byte is pulled.

    Args:
        cache: Folder that will hold the objects.
        needed: Bytes still to be pulled.
        reserve_gb: Free space that must be left, GB.

    Raises:
        DiskFull: the disk would fall below the reserve.
    """
    cache.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache).free
    if free - needed < reserve_gb * GIGABYTE:
        raise DiskFull(
            f"The snapshot needs {needed / GIGABYTE:.2f} GB and {reserve_gb:g} GB must stay free, "
            f"but {cache} has {free / GIGABYTE:.2f} GB.",
            "Free space, point SLUICE_CACHE_DIR to a larger disk, or narrow the window.",
        )


def pull(
    s3: Any,
    snapshot: Snapshot,
    cache: Path,
    reserve_gb: float = 1.0,
    workers: int = 16,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Path]:
    """Bring every object of a snapshot into the cache.

    Args:
        s3: An S3 client.
        snapshot: What to pull.
        cache: Root of the local cache.
        reserve_gb: Free space that must be left, GB.
        workers: Parallel downloads.
        progress: Called with (objects done, objects to pull).

    Returns:
        Local path by object key.

    Raises:
        DiskFull: checked before anything is pulled; or somebody else filled the disk meanwhile.
        ObjectCorrupt: an object came with another size or checksum.
        AwsError: S3 did not answer.
    """
    paths = {item.key: cached_path(cache, snapshot.bucket, item) for item in snapshot.objects}
    with ThreadPoolExecutor(max_workers=workers, thread_name_prefix="pull") as pool:
        missing = _missing(cache, snapshot, paths, pool)
        require_room(cache, sum(item.size for item in missing), reserve_gb)
        pulled: dict[Path, str] = {}
        running = {
            pool.submit(_pull_one, s3, snapshot.bucket, item, paths[item.key]): paths[item.key]
            for item in missing
        }
        try:
            for done, future in enumerate(as_completed(running), start=1):
                pulled[running[future]] = future.result()
                if progress:
                    progress(done, len(running))
        except BaseException:
            for future in running:
                future.cancel()
            raise
        finally:
            remember(cache, pulled)
    return paths


def _missing(
    cache: Path, snapshot: Snapshot, paths: Mapping[str, Path], pool: ThreadPoolExecutor
) -> list[LakeObject]:
    """What is not in the cache, or is there with other bytes than were pulled."""
    known = records(cache)
    missing, doubtful = [], []
    for item in snapshot.objects:
        name = str(paths[item.key])
        try:
            found = os.stat(name)  # noqa: PTH116  of ten thousand, a third of the time
        except FileNotFoundError:
            found = None
        if found is None or found.st_size != item.size:
            missing.append(item)
        elif must_be_read(found, known.get(name)):
            doubtful.append(item)
    read = pool.map(md5_of, [paths[item.key] for item in doubtful])
    sound = {}
    for item, md5 in zip(doubtful, read, strict=True):
        path = paths[item.key]
        if is_sound(item, md5, known.get(str(path))):
            sound[path] = md5
        else:
            missing.append(item)
    remember(cache, sound)
    return missing


def _pull_one(s3: Any, bucket: str, item: LakeObject, target: Path) -> str:
    """Download beside the target and rename: a half-written file never bears the final name.

    Returns:
        The MD5 of what came, hex.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    what = f"GetObject s3://{bucket}/{item.key} version {item.version_id}"
    handle, partial = tempfile.mkstemp(dir=target.parent, prefix=".partial-")
    try:
        md5 = hashlib.md5(usedforsecurity=False)
        size = 0
        with writing(what, target.parent), asking(what), os.fdopen(handle, "wb") as file:
            answer = s3.get_object(
                Bucket=bucket, Key=item.key, VersionId=item.version_id, ChecksumMode="ENABLED"
            )
            for chunk in iter(lambda: answer["Body"].read(CHUNK), b""):
                md5.update(chunk)
                size += len(chunk)
                file.write(chunk)
        # Where the ETag is no MD5, S3's own checksum, which botocore verifies while reading, has to
        # do.
        if size != item.size or (_says_md5(item.etag, answer) and md5.hexdigest() != item.etag):
            raise ObjectCorrupt(
                f"s3://{bucket}/{item.key} (version {item.version_id}) came with {size} bytes and "
                f"MD5 {md5.hexdigest()}; the lake says {item.size} bytes and ETag {item.etag}.",
                "Run again; if it comes back, restore this version from its replica.",
            )
        Path(partial).replace(target)
        return md5.hexdigest()
    finally:
        Path(partial).unlink(missing_ok=True)


def _says_md5(etag: str, answer: Mapping[str, Any]) -> bool:
    """Whether an object's ETag is its MD5: not of several parts, nor under a key of KMS or its own.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_Object.html
    """
    encrypted = str(answer.get("ServerSideEncryption", "")).startswith("aws:")
    return "-" not in etag and not encrypted and "SSECustomerAlgorithm" not in answer
