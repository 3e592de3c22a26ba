"""Object Lock: retention and legal holds are asked for in S3's form, held to, and told.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html. moto keeps the deletion of a
locked version away; it tells no retention, lets any of them be shortened, and forgets that of an
object that comes in parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from embedded_aws.protocol.service import AwsFault, Request, Response
from embedded_aws.s3.documents import document, malformed
from embedded_aws.s3.forms import key_in
from embedded_aws.s3.objects import Place, bucket_of, object_at, place_of

_MODE, _UNTIL, _HOLD = (
    f"x-amz-object-lock-{name}" for name in ("mode", "retain-until-date", "legal-hold")
)
_MODES = frozenset({"GOVERNANCE", "COMPLIANCE"})
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
_WRITES = frozenset({"PutObject", "CopyObject", "CreateMultipartUpload"})
_ASKED = frozenset(
    {"GetObjectRetention", "PutObjectRetention", "GetObjectLegalHold", "PutObjectLegalHold"}
)
_SUMS = re.compile(
    r"^(content-md5|x-amz-checksum-|x-amz-sdk-checksum-|x-amz-trailer)", re.MULTILINE
)
_UPLOAD_ID = re.compile(rb"<UploadId>([^<]+)</UploadId>")


class Lock(NamedTuple):
    """What a version is locked with; "" where it is not."""

    mode: str = ""
    until: str = ""
    hold: str = ""


def answer(request: Request, now: float, moto: Callable[[Request], Response]) -> Response:
    """Hold a request to Object Lock, then let moto answer it, or answer it here.

    Args:
        request: Any request.
        now: Virtual unix time, by which retention ends.
        moto: Answers what is not about locks.

    Raises:
        AwsFault: ``AccessDenied`` for what a lock forbids; ``InvalidRequest``,
            ``InvalidArgument``, ``MalformedXML`` and ``InvalidBucketState`` for what S3 does not
            take.
    """
    place = place_of(request)
    bucket = bucket_of(place.bucket)
    if bucket is None:
        return moto(request)
    if request.action in _ASKED and not bucket.object_lock_enabled:
        raise _no_lock()
    if request.action in _WRITES:
        request = _checked(request, bucket, now)
    if (
        request.action == "PutBucketVersioning"
        and bucket.object_lock_enabled
        and b"Suspended" in request.body
    ):
        raise AwsFault(
            "InvalidBucketState",
            "An Object Lock configuration is present on this bucket, so the versioning state "
            "cannot be changed.",
            409,
        )
    if request.action == "PutObjectLockConfiguration":
        return _configure(request, bucket)
    if request.action == "GetObjectLockConfiguration" and not bucket.object_lock_enabled:
        raise AwsFault(
            "ObjectLockConfigurationNotFoundError",
            "Object Lock configuration does not exist for this bucket",
            404,
        )
    if request.action == "PutObjectRetention":
        return _retain(request, place, now)
    if request.action == "GetObjectRetention":
        return _retention(place)
    if request.action == "GetObjectLegalHold" and not _existing(place).lock_legal_status:
        raise _unlocked()
    if request.action == "CompleteMultipartUpload":
        return _completed(request, place, bucket, now, moto)
    if request.action == "PostObject":
        response = moto(request)
        if response.status < 300:
            _lock(object_at(Place(place.bucket, key_in(request))), Lock(), bucket, now)
        return response
    response = moto(request)
    if request.action == "CreateMultipartUpload" and response.status == 200:
        _remember(request, response, bucket)
    return response


def _checked(request: Request, bucket: Any, now: float) -> Request:
    """Hold a write to the form that S3 takes, and bring it into the one that moto takes."""
    lock, headers = _asked_for(request), request.headers
    if any(lock) and not bucket.object_lock_enabled:
        raise _no_lock()
    if bool(lock.mode) != bool(lock.until):
        raise _invalid(f"{_UNTIL} and {_MODE} must both be supplied")
    if lock.hold not in {"", "ON", "OFF"}:
        raise _invalid("Legal Hold must be either of 'ON' or 'OFF'")
    if lock.mode:
        _check_mode(lock.mode)
        headers = {**headers, _UNTIL: _future(lock.until, now)}
    locked = any(lock) or bucket.has_default_lock
    if locked and request.action == "PutObject" and not _SUMS.search("\n".join(headers)):
        raise AwsFault(
            "InvalidRequest",
            "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests with "
            "Object Lock parameters",
        )
    if locked and "content-md5" not in headers:
        # moto wants to see this header, of copies too, and does not look into it; the door has
        # compared the body with its checksums.
        headers = {**headers, "content-md5": "seen"}
    return replace(request, headers=headers)


def _retain(request: Request, place: Place, now: float) -> Response:
    """Change a version's retention: it may be longer, and not weaker.

    Who may bypass governance says so in a header; compliance knows no such person.
    """
    asked = document(request.body).get("Retention") or {}
    mode, until = (asked.get(name) or "" for name in ("Mode", "RetainUntilDate"))
    if bool(mode) != bool(until):
        raise malformed()
    if mode:
        _check_mode(mode)
        until = _future(until, now)
    version = _existing(place)
    if _is_retained(version, now) and not (
        version.lock_mode == "GOVERNANCE" and _bypasses(request)
    ):
        stronger = (mode, version.lock_mode) == ("COMPLIANCE", "GOVERNANCE")
        longer = bool(until) and _moment(until) >= _moment(version.lock_until)
        if not (longer and (stronger or mode == version.lock_mode)):
            raise AwsFault(
                "AccessDenied", "Access Denied because object protected by object lock.", 403
            )
    version.lock_mode, version.lock_until = mode or None, until or None
    return Response(200, b"", {})


def _retention(place: Place) -> Response:
    standing = _existing(place)
    if not standing.lock_mode:
        raise _unlocked()
    until = _moment(standing.lock_until).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Retention xmlns="{_NAMESPACE}"><Mode>{standing.lock_mode}</Mode>'
        f"<RetainUntilDate>{until}Z</RetainUntilDate></Retention>"
    )
    return Response(200, xml.encode(), {"content-type": "application/xml"})


def _remember(request: Request, response: Response, bucket: Any) -> None:
    """Keep with an upload what its object will be locked with."""
    found = _UPLOAD_ID.search(response.body)
    upload = bucket.multiparts.get(found[1].decode()) if found else None
    if upload is not None:
        upload.object_lock = tuple(_asked_for(request))


def _completed(
    request: Request,
    place: Place,
    bucket: Any,
    now: float,
    moto: Callable[[Request], Response],
) -> Response:
    """Lock what has come in parts: as its upload asked, or as the bucket does by itself."""
    (number,) = parse_qs(request.query).get("uploadId", [""])[:1]
    upload = bucket.multiparts.get(number)
    response = moto(request)
    if response.status == 200 and upload is not None:
        lock = Lock(*getattr(upload, "object_lock", Lock()))
        _lock(object_at(place._replace(version="")), lock, bucket, now)
    return response


def _lock(version: Any, lock: Lock, bucket: Any, now: float) -> None:
    """Lock a version as was asked, or as the bucket does by itself."""
    if version is None or not bucket.object_lock_enabled:
        return
    if not lock.mode and bucket.has_default_lock:
        span = timedelta(bucket.default_lock_days + 365 * bucket.default_lock_years)
        until = datetime.fromtimestamp(now, UTC) + span
        lock = Lock(bucket.default_lock_mode, until.strftime("%Y-%m-%dT%H:%M:%SZ"), lock.hold)
    version.lock_mode, version.lock_until = lock.mode or None, lock.until or None
    version.lock_legal_status = lock.hold or None


def _configure(request: Request, bucket: Any) -> Response:
    """Lock a bucket, new or in use, and say for how long what is written is kept by itself."""
    asked = document(request.body).get("ObjectLockConfiguration") or {}
    if asked.get("ObjectLockEnabled") != "Enabled":
        raise malformed()
    rule = (asked.get("Rule") or {}).get("DefaultRetention") or {}
    spans = {name: _whole(rule[name]) for name in ("Days", "Years") if name in rule}
    if "Rule" in asked and (rule.get("Mode") not in _MODES or len(spans) != 1):
        raise malformed()
    if any(span <= 0 for span in spans.values()):
        raise _invalid("Default retention period must be a positive integer value.")
    if bucket.versioning_status != "Enabled":
        raise AwsFault(
            "InvalidBucketState",
            "Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration",
            409,
        )
    bucket.object_lock_enabled = True
    bucket.default_lock_mode = rule.get("Mode")
    bucket.default_lock_days, bucket.default_lock_years = (
        spans.get(name, 0) for name in ("Days", "Years")
    )
    return Response(200, b"", {})


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise malformed() from None


def _asked_for(request: Request) -> Lock:
    return Lock(*(request.headers.get(name, "") for name in (_MODE, _UNTIL, _HOLD)))


def _existing(place: Place) -> Any:
    version = object_at(place)
    if version is None:
        if place.version:
            raise AwsFault("NoSuchVersion", "The specified version does not exist.", 404)
        raise AwsFault("NoSuchKey", "The specified key does not exist.", 404, {"Key": place.key})
    return version


def _check_mode(mode: str) -> None:
    if mode not in _MODES:
        raise _invalid("Unknown wormMode directive.")


def _future(until: str, now: float) -> str:
    """A date that has not come yet, in universal time."""
    try:
        moment = _moment(until)
    except ValueError:
        raise _invalid("The retain until date must be provided in ISO 8601 format") from None
    if moment <= datetime.fromtimestamp(now, UTC):
        raise _invalid("The retain until date must be in the future!")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _is_retained(version: Any, now: float) -> bool:
    return bool(version.lock_mode) and _moment(version.lock_until).timestamp() > now


def _bypasses(request: Request) -> bool:
    return request.headers.get("x-amz-bypass-governance-retention", "").lower() == "true"


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _invalid(message: str) -> AwsFault:
    return AwsFault("InvalidArgument", message)


def _no_lock() -> AwsFault:
    return AwsFault("InvalidRequest", "Bucket is missing Object Lock Configuration")


def _unlocked() -> AwsFault:
    return AwsFault(
        "NoSuchObjectLockConfiguration",
        "The specified object does not have a ObjectLock configuration",
        404,
    )
