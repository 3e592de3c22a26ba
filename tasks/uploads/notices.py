"""What the queue says: S3 notifications become uploads. Pure."""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import unquote_plus

from pydantic import BaseModel, Field, ValidationError

from tasks.values import Frozen

LARGEST = 262_144
"""Bytes of a message: SQS takes no more."""
TEST_EVENT = "s3:TestEvent"
KEY = re.compile(r"models/(?P<model>[^/]+)/(?P<version>[^/]+)/model\.tar\.gz")


class Unreadable(ValueError):
    """A message that is no notification of ours; the message says why."""


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


class _Named(BaseModel):
    name: str


class _Object(BaseModel):
    key: str
    etag: str = Field(default="", alias="eTag")  # a deletion has none
    size: int = Field(default=0, ge=0)


class _Thing(BaseModel):
    bucket: _Named
    object: _Object


class _Record(BaseModel):
    """What is used of a record; AWS adds keys as it likes."""

    event: str = Field(alias="eventName")
    s3: _Thing


class _Notification(BaseModel):
    records: list[_Record] = Field(alias="Records")


def uploads_in(body: str, bucket: str) -> tuple[Upload, ...]:
    """Uploads that one message of the queue tells of.

    S3's own notifications, bare or in an SNS envelope. Its test event, deletions and keys that are
    no artefact's tell of none.

    Args:
        body: The message.
        bucket: Ours. A message may name any bucket, and must not choose what is fetched.

    Raises:
        Unreadable: it is no such notification, or tells of another bucket.
    """
    document = _document(body)
    if document.get("Event") == TEST_EVENT:
        return ()
    try:
        records = _Notification.model_validate(document).records
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise Unreadable(f"it is no notification of S3: {where}: {first['msg']}") from error
    found = []
    for record in records:
        if not record.event.startswith("ObjectCreated:"):
            continue
        name, thing = record.s3.bucket.name, record.s3.object
        upload = upload_of(name, unquote_plus(thing.key), thing.etag, thing.size)
        if upload is None:
            continue
        if name != bucket:
            raise Unreadable(f"it tells of the bucket {name!r:.100}, and ours is {bucket!r}")
        if not upload.model.isprintable() or upload.model.strip(".") == "":
            raise Unreadable(f"{upload.key!r:.200} names no model")
        found.append(upload)
    return tuple(found)


def _document(body: str) -> dict[str, Any]:
    """The notification, out of the envelope that a topic puts around it."""
    document: Any = body
    for _ in range(2):
        if not isinstance(document, str) or len(document) > LARGEST:
            raise Unreadable("it is no notification of S3: no text, or too long")
        try:
            document = json.loads(document)
        except (ValueError, RecursionError) as error:
            raise Unreadable(f"it is no JSON: {type(error).__name__}") from error
        if not isinstance(document, dict):
            raise Unreadable("it is no notification of S3: no JSON object")
        if "Message" not in document or "Records" in document:
            return document
        document = document["Message"]
    raise Unreadable("it is no notification of S3: an envelope in an envelope")
