"""Brings model data from S3 to where a serving process finds it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.archives import ArchiveError, unpack
from embedded_aws.protocol.service import AwsFault

FORMS = frozenset({("S3Object", "Gzip"), ("S3Prefix", "None")})


class ModelDataError(Exception):
    """Model data could not be brought; the message is the endpoint's ``FailureReason``."""


def location(container: Mapping[str, Any]) -> tuple[str, bool] | None:
    """Where a container's model data is: ``(s3 address, whether it is one compressed archive)``.

    None when the container has none of its own.
    """
    source = (container.get("ModelDataSource") or {}).get("S3DataSource")
    if source:
        return source["S3Uri"], source["CompressionType"] == "Gzip"
    url = container.get("ModelDataUrl")
    return (url, True) if url else None


def check(s3: Any, container: Mapping[str, Any], role: str, region: str) -> None:
    """What CreateModel checks: that the model data can be read.

    Raises:
        AwsFault: ``ValidationException`` naming the address, or a form that is not built here.
    """
    place = location(container)
    if place is None:
        return
    source = (container.get("ModelDataSource") or {}).get("S3DataSource")
    if source and (source["S3DataType"], source["CompressionType"]) not in FORMS:
        raise AwsFault(
            "ValidationException",
            "The embedded AWS takes model data as one compressed object (S3Object, Gzip) or as the "
            f"files below a prefix (S3Prefix, None), not as {source['S3DataType']}, "
            f"{source['CompressionType']}.",
        )
    url, archive = place
    bucket, key = split(url)
    try:
        if archive:
            s3.head_object(Bucket=bucket, Key=key)
            return
        objects = s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents")
    except (ClientError, BotoCoreError):
        objects = None
    if not objects:
        raise AwsFault(
            "ValidationException",
            f"Could not access model data at {url}. Please ensure that the role "
            f'"{role}" exists and that its trust relationship policy allows the action '
            '"sts:AssumeRole" for the service principal "sagemaker.amazonaws.com". Also ensure '
            'that the role has "s3:GetObject" permissions and that the object is located in '
            f"{region}.",
        )


def bring(s3: Any, container: Mapping[str, Any], into: Path) -> None:
    """Download a container's model data and unpack it.

    Raises:
        ModelDataError: it is not there, or no readable archive.
    """
    into.mkdir(parents=True, exist_ok=True)
    place = location(container)
    if place is None:
        return
    url, archive = place
    bucket, key = split(url)
    try:
        if archive:
            _unpack(s3, bucket, key, into)
        else:
            _copy(s3, bucket, key, into)
    except (ClientError, BotoCoreError) as error:
        raise ModelDataError(
            f'Failed to download model data for container "container_1" from URL: "{url}". Please '
            "ensure that there is an object located at the URL and that the role passed to "
            "CreateModel has permissions to download the object."
        ) from error
    except (ArchiveError, OSError) as error:
        raise ModelDataError(
            f'Failed to extract model data archive from URL "{url}" for container "container_1". '
            f"Please ensure that the object located at the URL is a valid tar.gz archive. ({error})"
        ) from error


def split(url: str) -> tuple[str, str]:
    """Bucket and key of an ``s3://`` address, or of an ``https://`` one in path style."""
    bucket, _, key = url.partition("://")[2].partition("/")
    if url.startswith("https://"):
        bucket, _, key = key.partition("/")
    return bucket, key


def _unpack(s3: Any, bucket: str, key: str, into: Path) -> None:
    with tempfile.TemporaryFile(dir=into.parent) as file:
        shutil.copyfileobj(s3.get_object(Bucket=bucket, Key=key)["Body"], file, 1 << 20)
        file.seek(0)
        unpack(file, into)


def _copy(s3: Any, bucket: str, prefix: str, into: Path) -> None:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        for entry in page.get("Contents", []):
            name = entry["Key"][len(prefix) :].lstrip("/")
            if not name or name.endswith("/"):
                continue
            path = (into / name).resolve()
            if not path.is_relative_to(into.resolve()):
                raise OSError(f"key {entry['Key']!r} points outside the model folder")
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                shutil.copyfileobj(s3.get_object(Bucket=bucket, Key=entry["Key"])["Body"], file)
