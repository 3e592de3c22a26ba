"""Addresses of objects in S3, in the forms that asynchronous inference takes. Pure."""

from __future__ import annotations

import re
from typing import NamedTuple

_VIRTUAL = re.compile(r"(?P<bucket>[^/]+?)\.s3[.-][^/]*")
_PATH_STYLE = re.compile(r"s3[.-][^/]*")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")


class PlaceError(ValueError):
    """An address that is none of S3's; the message says which, and why."""


class Place(NamedTuple):
    """Bucket and key; the key is "" for all of a bucket."""

    bucket: str
    key: str

    @property
    def uri(self) -> str:
        """As ``s3://``."""
        return f"s3://{self.bucket}/{self.key}"


def place_of(uri: str) -> Place:
    """Bucket and key of an address: ``s3://``, or ``https://`` as S3 writes it.

    Raises:
        PlaceError: it names no bucket.
    """
    scheme, _, rest = uri.partition("://")
    host, _, key = rest.partition("/")
    bucket = host
    if scheme == "https":
        if virtual := _VIRTUAL.fullmatch(host):
            bucket = virtual["bucket"]
        elif _PATH_STYLE.fullmatch(host):
            bucket, _, key = key.partition("/")
        else:
            raise PlaceError(f"{uri} is no address of Amazon S3")
    if scheme not in {"s3", "https"} or not _BUCKET.fullmatch(bucket):
        raise PlaceError(f"{uri} names no bucket of Amazon S3")
    return Place(bucket, key)


def below(uri: str, *parts: str) -> str:
    """The ``s3://`` address of a name below another address."""
    base = place_of(uri)
    key = "/".join(filter(None, (one.strip("/") for one in (base.key, *parts[:-1]))))
    return Place(base.bucket, f"{key}/{parts[-1]}" if key else parts[-1]).uri
