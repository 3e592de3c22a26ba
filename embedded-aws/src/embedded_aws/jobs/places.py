"""S3 addresses, and which objects of a channel go to which host. Pure, but for the listing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


class DownloadError(Exception):
    """Input data could not be brought; the message goes into ``FailureReason``."""


@dataclass(frozen=True)
class Piece:
    """One object of a channel, and its path below the channel's folder."""

    bucket: str
    key: str
    path: str


def split(uri: str) -> tuple[str, str]:
    """Bucket and key of an ``s3://`` address (or a path-style ``https://`` one)."""
    scheme, _, rest = uri.partition("://")
    if scheme == "https":
        rest = rest.partition("/")[2]
    bucket, _, key = rest.partition("/")
    return bucket, key


def pieces_of(s3: Any, source: dict[str, Any]) -> list[Piece]:
    """All objects of a channel's ``S3DataSource``, in key order.

    Raises:
        DownloadError: when a manifest cannot be read.
        botocore.exceptions.ClientError: when the bucket or the manifest is not there.
    """
    bucket, key = split(source["S3Uri"])
    if source["S3DataType"] == "ManifestFile":
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return from_manifest(body, source["S3Uri"])
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
    keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    # "Folders" that consoles make are empty objects whose key ends in a slash.
    return [Piece(bucket, k, below(k, key)) for k in keys if not k.endswith("/")]


def below(key: str, prefix: str) -> str:
    """Where an object lies within its channel: its key without the folder that the prefix names.

    >>> below("data/train/a.csv", "data/train")
    'a.csv'
    >>> below("data/train-2/a.csv", "data/train")
    'train-2/a.csv'
    """
    if prefix and not prefix.endswith("/") and key.startswith(f"{prefix}/"):
        return key[len(prefix) + 1 :]
    return key[prefix.rfind("/") + 1 :]


def from_manifest(body: bytes, uri: str) -> list[Piece]:
    """Objects that a manifest names: ``[{"prefix": "s3://…"}, "relative/key", …]``.

    Raises:
        DownloadError: when it is not of that form.
    """
    try:
        entries = json.loads(body)
        prefix = entries[0]["prefix"]
        names = [name for name in entries[1:] if isinstance(name, str)]
        whole = len(names) == len(entries) - 1
    except (ValueError, KeyError, IndexError, TypeError):
        whole = False
    if not whole:
        raise DownloadError(
            f'Manifest file "{uri}" is not a JSON list of a prefix object and relative keys'
        )
    bucket, base = split(prefix)
    return [Piece(bucket, base + name, name.lstrip("/")) for name in names]


def shard(pieces: Sequence[Piece], distribution: str, host: int, hosts: int) -> list[Piece]:
    """What one host gets of a channel; ``host`` counts from 0."""
    if distribution == "ShardedByS3Key":
        return sorted(pieces, key=lambda piece: piece.key)[host::hosts]
    return list(pieces)
