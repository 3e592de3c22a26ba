"""What a bucket tells of its objects: one event for each change, in S3's words.

moto tells of an upload's parts as of a put, of every put also as of new tags, and of deletions in
versioned buckets next to nothing.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_plus

_CREATED = {
    "PutObject": "s3:ObjectCreated:Put",
    "PostObject": "s3:ObjectCreated:Post",
    "CopyObject": "s3:ObjectCreated:Copy",
    "CompleteMultipartUpload": "s3:ObjectCreated:CompleteMultipartUpload",
}
_OF_CREATION = ("s3:ObjectCreated:", "s3:ObjectTagging:")
_DELETED = "s3:ObjectRemoved:Delete"
_MARKED = "s3:ObjectRemoved:DeleteMarkerCreated"
_ETAG_OF_NOTHING = '"d41d8cd98f00b204e9800998ecf8427e"'
_action: ContextVar[str] = ContextVar("s3_action", default="")
_deleting: ContextVar[bool] = ContextVar("s3_deleting", default=False)


@dataclass(frozen=True)
class _Gone:
    """What is told of an object that is not there any more, under the names that moto uses."""

    name: str
    version_id: str
    etag: str = _ETAG_OF_NOTHING
    size: int = 0


@contextlib.contextmanager
def telling_of(action: str) -> Iterator[None]:
    """Let events be those of an action of S3's."""
    token = _action.set(action)
    try:
        yield
    finally:
        _action.reset(token)


def teach_notifications() -> None:
    """Let moto's S3 tell what S3 tells. Safe to repeat."""
    from moto.s3 import notifications
    from moto.s3.models import S3Backend

    if hasattr(notifications.send_event, "__wrapped__"):
        return
    for owner, name, teach in (
        (notifications, "send_event", _once),
        (notifications, "_get_s3_event", _in_full),
        (S3Backend, "delete_object", _told),
    ):
        setattr(owner, name, teach(getattr(owner, name)))


def _once(plain: Callable[..., None]) -> Callable[..., None]:
    """``send_event`` that leaves out what only moto tells."""

    @functools.wraps(plain)
    def send_event(account_id: str, event_name: str, bucket: Any, key: Any) -> None:
        created = _CREATED.get(_action.get())
        another = created and event_name != created and event_name.startswith(_OF_CREATION)
        if not (another or _deleting.get()):
            plain(account_id, event_name, bucket, key)

    return send_event


def _in_full(plain: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    """``_get_s3_event`` with the object as S3 describes it."""

    @functools.wraps(plain)
    def event(event_name: str, bucket: Any, key: Any, notification_id: str) -> dict[str, Any]:
        message = plain(event_name, bucket, key, notification_id)
        told = message["Records"][0]["s3"]["object"]
        told["key"] = quote_plus(key.name, safe="/")
        if key.version_id != "null":
            told["versionId"] = key.version_id
        if event_name in {_DELETED, _MARKED}:
            del told["size"]
        if event_name == _DELETED:
            del told["eTag"]
        if event_name.startswith(("s3:ObjectCreated:", "s3:ObjectRemoved:")):
            told["sequencer"] = _sequencer()
        return message

    return event


def _told(plain: Callable[..., Any]) -> Callable[..., Any]:
    """``delete_object`` that tells of whatever it has removed or marked."""
    from moto.s3 import notifications

    @functools.wraps(plain)
    def delete_object(self: Any, bucket_name: str, key_name: str, *args: Any, **named: Any) -> Any:
        keys = self.get_bucket(bucket_name).keys
        before = {id(version): version for version in keys.getlist(key_name, [])}
        token = _deleting.set(True)
        try:
            answer = plain(self, bucket_name, key_name, *args, **named)
        finally:
            _deleting.reset(token)
        after = {id(version): version for version in keys.getlist(key_name, [])}
        marked = [version for version in after.values() if id(version) not in before]
        gone = [version for version in before.values() if id(version) not in after]
        event = _MARKED if marked else _DELETED
        # A bucket without versions loses all that there may be of a key, by one event.
        for version in (marked or gone)[-1:]:
            notifications.send_event(
                self.account_id,
                notifications.S3NotificationEvent(event),
                self.get_bucket(bucket_name),
                _Gone(key_name, version.version_id),
            )
        return answer

    return delete_object


_last = 0
_last_lock = threading.Lock()


def _sequencer() -> str:
    """Hexadecimal, and greater than any before, also of an earlier process."""
    global _last  # noqa: PLW0603  one row of events for the one S3 of this process
    with _last_lock:
        _last = max(_last + 1, time.time_ns())
        return f"{_last:018X}"
