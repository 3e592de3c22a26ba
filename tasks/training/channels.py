"""Bring the split to where a SageMaker job can read it."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tasks import objects
from tasks.aws import client
from tasks.errors import ObjectCorrupt

COMPLETE = "complete.json"
WORKERS = 16


def known_channels(bucket: str, prefix: str) -> dict[str, Any] | None:
    """What an earlier run put there completely, or None.

    Returns:
        ``{"channels": {name: s3 prefix}, …facts}`` as `put_channels` wrote it.
    """
    mark = objects.read(bucket, f"{prefix}/{COMPLETE}")
    return None if mark is None else dict(json.loads(mark.body))


def put_channels(bucket: str, prefix: str, folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    """Upload each subfolder as a channel; the completion mark is written last.

    Args:
        bucket: Work bucket.
        prefix: Key prefix, named from what the data is.
        folder: Local folder; each subfolder becomes a channel of its name.
        facts: Counts and the like, kept in the completion mark.

    Raises:
        ObjectCorrupt: a file was read back other than it was sent.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    with ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="channel") as pool:
        jobs = [
            pool.submit(_put, bucket, f"{prefix}/{path.relative_to(folder).as_posix()}", path)
            for path in files
        ]
        for job in jobs:
            job.result()
    mark = {
        **facts,
        "channels": {
            child.name: f"s3://{bucket}/{prefix}/{child.name}/"
            for child in sorted(folder.iterdir())
            if child.is_dir()
        },
        "files": len(files),
    }
    objects.create(bucket, f"{prefix}/{COMPLETE}", json.dumps(mark, sort_keys=True).encode())
    return mark


def _put(bucket: str, key: str, path: Path) -> None:
    size = path.stat().st_size
    s3 = client("s3")
    # Rewriting is safe: the prefix is named from the content, and only the mark makes it count.
    s3.upload_file(str(path), bucket, key)
    length = s3.head_object(Bucket=bucket, Key=key)["ContentLength"]
    if length != size:
        raise ObjectCorrupt(
            f"s3://{bucket}/{key} was sent with {size} bytes and stands there with {length}.",
            "Run again; nothing was trained on it.",
        )
