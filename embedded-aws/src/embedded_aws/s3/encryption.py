"""Keys of KMS under which objects lie: they are there and enabled, or nothing is written or read.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingKMSEncryption.html. Not looked at: key
policies, grants, and whether a key is symmetric.
"""

from __future__ import annotations

import contextlib
import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs

from embedded_aws.protocol.service import AwsFault, Request
from embedded_aws.s3.objects import Place, bucket_of, object_at, place_of, source_of
from embedded_aws.world import ACCOUNT_ID

_HEADER = "x-amz-server-side-encryption"
_KEY_HEADER = f"{_HEADER}-aws-kms-key-id"
_WRITES = frozenset({"PutObject", "PostObject", "CopyObject", "CreateMultipartUpload"})
_PARTS = frozenset({"UploadPart", "UploadPartCopy", "CompleteMultipartUpload"})
_READS = frozenset({"GetObject", "SelectObjectContent"})
# Of AWS itself, for S3. Nobody can disable it, and it is what a request without a key means.
_MANAGED = "alias/aws/s3"
_ARN = re.compile(r"arn:[^:]+:kms:(?P<region>[^:]*):(?P<account>[^:]*):(?:key/)?(?P<id>.+)")
_KEY_ID = re.compile(r"(mrk-)?[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}", re.IGNORECASE)


class _MissingError(AwsFault):
    """No such key."""

    def __init__(self, message: str) -> None:
        super().__init__("KMS.NotFoundException", message)


def with_key(request: Request) -> Request:
    """Hold a request to the keys of what it writes and reads.

    Returns:
        What moto is asked: with the ARN of the key, which the object keeps even when an alias or
        the bucket's default turns to another key.

    Raises:
        AwsFault: ``KMS.NotFoundException``, ``KMS.DisabledException`` or
            ``KMS.KMSInvalidStateException``.
    """
    place, source = place_of(request), source_of(request)
    bucket = bucket_of(place.bucket)
    if source is not None and request.action in _WRITES | _PARTS:
        _check_readable(source)
    if bucket is None:
        return request
    if request.action in _READS:
        _check_readable(place)
    elif request.action in _PARTS:
        upload = bucket.multiparts.get(parse_qs(request.query).get("uploadId", [""])[0])
        if upload is not None and _by_kms(upload.sse_encryption):
            _check_known(upload.kms_key_id, bucket.region_name)
    elif request.action in _WRITES:
        return _named(request, bucket)
    return request


def _named(request: Request, bucket: Any) -> Request:
    """A write whose key stands in its headers, by its ARN."""
    algorithm, name = request.headers.get(_HEADER), request.headers.get(_KEY_HEADER)
    default = _default(bucket)
    if not algorithm:
        algorithm, name = default.get("SSEAlgorithm"), name or default.get("KMSMasterKeyID")
    elif not name and default.get("KMSMasterKeyID"):
        # Who names no key does not mean the bucket's, which moto would take.
        name = _MANAGED
    if not algorithm or not _by_kms(algorithm) or not name:
        return request
    key = _found(name, bucket.region_name)
    _check_usable(key)
    arn = name if key is None else key.arn
    return replace(request, headers={**request.headers, _HEADER: algorithm, _KEY_HEADER: arn})


def _default(bucket: Any) -> dict[str, Any]:
    """A bucket's default encryption; {} where it has none."""
    rule = (bucket.encryption or {}).get("Rule") or {}
    return dict(rule.get("ApplyServerSideEncryptionByDefault") or {})


def _check_readable(place: Place) -> None:
    stored = object_at(place)
    if stored is not None and _by_kms(stored.encryption):
        _check_known(stored.kms_key_id, bucket_of(place.bucket).region_name)


def _check_known(name: str | None, region: str) -> None:
    """Hold what lies under a key to it, as far as there is one.

    Earlier versions of this AWS took any name for a key. What they kept stays readable.
    """
    with contextlib.suppress(_MissingError):
        _check_usable(_found(name or _MANAGED, region))


def _by_kms(algorithm: str | None) -> bool:
    return (algorithm or "").startswith("aws:kms")


def _found(name: str, region: str) -> Any:
    """The key that an id, an ARN, an alias, or an alias's ARN means in a region.

    None where it is AWS's own.

    Raises:
        _MissingError: there is none.
    """
    from moto.kms.models import kms_backends

    arn = _ARN.fullmatch(name)
    if arn is not None and arn["region"] != region:
        raise _MissingError(f"Invalid arn {arn['region']}")
    account, name = (arn["account"], arn["id"]) if arn is not None else (ACCOUNT_ID, name)
    keys = kms_backends[account][region].keys
    here = f"arn:aws:kms:{region}:{account}"
    if name == _MANAGED:
        return None
    if name.startswith("alias/"):
        for key in list(keys.values()):
            if name in key.aliases:
                return key
        raise _MissingError(f"Alias {here}:{name} is not found.")
    if not _KEY_ID.fullmatch(name):
        raise _MissingError(f"Invalid keyId '{name}'")
    if name not in keys:
        raise _MissingError(f"Key '{here}:key/{name}' does not exist")
    return keys[name]


def _check_usable(key: Any) -> None:
    if key is None or key.key_state == "Enabled":
        return
    if key.key_state == "Disabled":
        raise AwsFault("KMS.DisabledException", f"{key.arn} is disabled.")
    state = re.sub(r"(?<!^)(?=[A-Z])", " ", key.key_state).lower()
    raise AwsFault("KMS.KMSInvalidStateException", f"{key.arn} is {state}.")
