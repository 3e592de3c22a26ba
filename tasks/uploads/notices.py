"""What the queue says: S3 notifications become uploads. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote_plus

from tasks.values import Frozen

KEY = re.compile(r"models/(?P<model>[^/]+)/(?P<version>[^/]+)/model\.tar\.gz")


class Upload(Frozen):
    """One artefact as S3 told of it. ``etag`` is without quotes, ``size`` in bytes."""

    model: str
    version: str
    bucket: str
    key: str
    etag: str
    size: int = 0


def key_of(model: str, version: str) -> str:
    """Where an artefact is uploaded to."""
    return f"models/{model}/{version}/model.tar.gz"


def upload_of(bucket: str, key: str, etag: str, size: int = 0) -> Upload | None:
    """The upload that an object is, or None when its key is no artefact's."""
    named = KEY.fullmatch(key)
    if named is None:
        return None
    return Upload(bucket=bucket, key=key, etag=etag.strip('"'), size=size, **named.groupdict())


def uploads_in(body: str) -> Iterator[Upload]:
    """Uploads that one message of the queue tells of.

    S3's own notifications, bare or in an SNS envelope. Its test event, deletions and keys that are
    no artefact's tell of none.
    """
    for record in _records(body):
        if not str(record.get("eventName", "")).startswith("ObjectCreated:"):
            continue
        thing = record.get("s3", {})
        upload = upload_of(
            str(thing.get("bucket", {}).get("name", "")),
            unquote_plus(str(thing.get("object", {}).get("key", ""))),
            str(thing.get("object", {}).get("eTag", "")),
            int(thing.get("object", {}).get("size", 0)),
        )
        if upload is not None:
            yield upload


def _records(body: str) -> list[dict[str, Any]]:
    document: Any = body
    for _ in range(2):
        try:
            document = json.loads(document)
        except (TypeError, ValueError):
            return []
        if not isinstance(document, dict):
            return []
        if "Records" in document:
            return [record for record in document["Records"] if isinstance(record, dict)]
        document = document.get("Message")
    return []
