"""Objects of moto's S3, as the checks before it look at them."""

from __future__ import annotations

from typing import Any, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from embedded_aws.protocol.service import Request
from embedded_aws.world import ACCOUNT_ID


class Place(NamedTuple):
    """Bucket and key, decoded; ``version`` is "" for the current one."""

    bucket: str
    key: str
    version: str = ""


def place_of(request: Request) -> Place:
    """What a request is about."""
    bucket, _, key = unquote(request.path.lstrip("/")).partition("/")
    return Place(bucket, key, _version(request.query))


def source_of(request: Request) -> Place | None:
    """What a request copies; None when it copies nothing."""
    header = request.headers.get("x-amz-copy-source")
    if not header:
        return None
    source = urlsplit(header)
    bucket, _, key = unquote(source.path).lstrip("/").partition("/")
    return Place(bucket, key, _version(source.query))


def bucket_of(name: str) -> Any:
    """The bucket; None when there is none."""
    from moto.s3.models import s3_backends

    return s3_backends[ACCOUNT_ID]["aws"].buckets.get(name)


def object_at(place: Place) -> Any:
    """The object; None where nothing is, or a delete marker."""
    from moto.s3.models import FakeKey

    bucket = bucket_of(place.bucket)
    if bucket is None:
        return None
    # As moto does it, the newest of a key's versions comes last.
    versions = bucket.keys.getlist(place.key, [])
    if place.version:
        versions = [one for one in versions if one.version_id == place.version]
    return versions[-1] if versions and isinstance(versions[-1], FakeKey) else None


def _version(query: str) -> str:
    return parse_qs(query).get("versionId", [""])[0] if "versionId" in query else ""
