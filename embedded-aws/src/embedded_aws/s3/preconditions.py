"""Conditions on what is copied, and on what is overwritten.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qs

from embedded_aws.protocol.service import AwsFault, Request
from embedded_aws.s3.objects import bucket_of, object_at, place_of, source_of

_COPIES = frozenset({"CopyObject", "UploadPartCopy"})
_WRITES = frozenset({"PutObject", "CopyObject", "CompleteMultipartUpload"})
_SOURCE = "x-amz-copy-source-"


def check_source(request: Request, now: float) -> None:
    """Hold a copy to the conditions on its source, in the order in which S3 looks at them.

    Args:
        request: Any request.
        now: Virtual unix time; a change since a time to come is not asked for, as on S3.

    Raises:
        AwsFault: ``PreconditionFailed``.
    """
    place = source_of(request) if request.action in _COPIES else None
    source = object_at(place) if place else None
    if source is None:  # moto says what is missing
        return
    headers = request.headers
    changed = source.last_modified.replace(microsecond=0, tzinfo=UTC)
    match = headers.get(f"{_SOURCE}if-match")
    if match and not is_tag(match, source.etag):
        raise failed("x-amz-copy-source-If-Match")
    since = _date(headers, f"{_SOURCE}if-unmodified-since")
    # A tag that matches says more than a date, so that S3 copies in spite of the date.
    if since and not match and changed > since:
        raise failed("x-amz-copy-source-If-Unmodified-Since")
    other = headers.get(f"{_SOURCE}if-none-match")
    if other and is_tag(other, source.etag):
        raise failed("x-amz-copy-source-If-None-Match")
    since = _date(headers, f"{_SOURCE}if-modified-since")
    if since and changed <= since <= datetime.fromtimestamp(now, UTC):
        raise failed("x-amz-copy-source-If-Modified-Since")


def check_target(request: Request) -> None:
    """Hold a write to the conditions on what it overwrites.

    Raises:
        AwsFault: ``PreconditionFailed``; ``NoSuchKey`` where there is nothing to match;
            ``NotImplemented`` for conditions that S3 does not have.
    """
    match, other = (request.headers.get(name, "") for name in ("if-match", "if-none-match"))
    if request.action not in _WRITES or not (match or other):
        return
    if match and other:
        raise not_implemented(
            "If-Match,If-None-Match", "Multiple conditional request headers present in the request"
        )
    for name, value, good in (
        ("If-Match", match, match != "*"),
        ("If-None-Match", other, other == "*"),
    ):
        if value and not good:
            raise not_implemented(
                name, f"We don't accept the provided value of {name} header for this API"
            )
    place = place_of(request)
    if bucket_of(place.bucket) is None or _is_done(request):
        return
    target = object_at(place._replace(version=""))
    if match and target is None:
        raise no_such_key(place.key)
    if match and not is_tag(match, target.etag):
        raise failed("If-Match")
    if other and target is not None:
        raise failed("If-None-Match")


def is_tag(condition: str, etag: str) -> bool:
    """Whether a condition names an ETag; S3 does not mind missing quotes."""
    return condition == "*" or condition.strip('"') == etag.strip('"')


def failed(condition: str) -> AwsFault:
    """The error for a condition that does not hold."""
    return AwsFault(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        412,
        {"Condition": condition},
    )


def no_such_key(key: str) -> AwsFault:
    """The error for a key without an object."""
    return AwsFault("NoSuchKey", "The specified key does not exist.", 404, {"Key": key})


def not_implemented(header: str, why: str = "") -> AwsFault:
    """The error for a condition that S3 does not have."""
    return AwsFault(
        "NotImplemented",
        "A header you provided implies functionality that is not implemented",
        501,
        {"Header": header, **({"additionalMessage": why} if why else {})},
    )


def _is_done(request: Request) -> bool:
    """Whether an upload was completed before: S3 answers the same again, as moto does."""
    if request.action != "CompleteMultipartUpload":
        return False
    place = place_of(request)
    made: Any = getattr(object_at(place), "multipart", None)
    return made is not None and made.id in parse_qs(request.query).get("uploadId", [])


def _date(headers: Mapping[str, str], name: str) -> datetime | None:
    """A date of HTTP; None where there is none, or no valid one, which HTTP ignores."""
    try:
        date = parsedate_to_datetime(headers.get(name, ""))
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
