"""Objects down from S3, and files up to it."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.jobs.places import DownloadError, Piece, split

_PARALLEL = 8


class UploadError(Exception):
    """Artefacts could not be stored; the message goes into ``FailureReason``."""


def bring(s3: Any, pieces: Iterable[Piece], folder: Path) -> None:
    """Download objects, several at a time.

    Raises:
        DownloadError: when an object is missing, or its path leads out of the folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    root = folder.resolve()

    def fetch(piece: Piece) -> None:
        path = (root / piece.path).resolve()
        if not path.is_relative_to(root):
            raise DownloadError(f'Key "{piece.key}" leads out of the channel\'s folder')
        path.parent.mkdir(parents=True, exist_ok=True)
        fetch_object(s3, piece.bucket, piece.key, path)

    with ThreadPoolExecutor(_PARALLEL) as pool:
        list(pool.map(fetch, pieces))


def store(s3: Any, path: Path, uri: str, kms_key_id: str = "") -> None:
    """Upload one file, under a key of KMS where one is named.

    Raises:
        UploadError: with what S3 said.
    """
    bucket, key = split(uri)
    encryption = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": kms_key_id}
    more = {"ExtraArgs": encryption} if kms_key_id else {}
    try:
        s3.upload_file(str(path), bucket, key, **more)
    except (ClientError, BotoCoreError, _transfer_failure()) as error:
        raise UploadError(f'Failed to upload to "{uri}": {error}') from error


def fetch_object(s3: Any, bucket: str, key: str, path: Path) -> None:
    """Download one object.

    Raises:
        DownloadError: with what S3 said.
    """
    try:
        body = s3.get_object(Bucket=bucket, Key=key)["Body"]
    except ClientError as error:
        reason = error.response["Error"]["Message"]
        raise DownloadError(f'Failed to download "s3://{bucket}/{key}": {reason}') from error
    with path.open("wb") as file:
        shutil.copyfileobj(body, file, 1 << 20)


def _transfer_failure() -> type[Exception]:
    from boto3.exceptions import S3UploadFailedError

    failure: type[Exception] = S3UploadFailedError
    return failure
