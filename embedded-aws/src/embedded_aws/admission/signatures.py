"""Signatures of requests: whether there is one, and whether it was made with a secret key.

Signature Version 4, in a header or a presigned address, as
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html tells;
and Version 2 of presigned S3 addresses, which boto3 still makes by default.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, urlsplit

from embedded_aws.protocol.service import Request

SKEW_SECONDS = 900.0
_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 +Credential=[^/,]+/(\S+?), *SignedHeaders=([^, ]+), *"
    r"Signature=([0-9a-f]{64})"
)
_FORM = re.compile(rb'name="?(?:x-amz-signature|signature)"?[;\r\n]', re.IGNORECASE)


class _Claim(NamedTuple):
    """What a version 4 signature says of itself; ``seconds`` is for how long it holds."""

    scope: str
    names: str
    signature: str
    when: str
    seconds: float
    payload: str


def is_signed(request: Request) -> bool:
    """Whether a request bears a signature, whatever it is worth."""
    if request.headers.get("authorization"):
        return True
    names = {name for name, _ in parse_qsl(request.query, keep_blank_values=True)}
    if "X-Amz-Signature" in names or {"Signature", "AWSAccessKeyId"} <= names:
        return True
    form = request.headers.get("content-type", "").startswith("multipart/form-data")
    return form and _FORM.search(request.body) is not None  # a POST policy


def is_proven(request: Request, resource: str, secret: str, now: float) -> bool:
    """Whether a request's signature was made with a secret key, and still holds.

    Args:
        request: As it came.
        resource: Its path with the bucket in front, which version 2 signs.
        secret: The secret access key.
        now: Real unix time, which SDKs sign.
    """
    headers = request.headers
    query = dict(parse_qsl(request.query, keep_blank_values=True))
    if "Signature" in query and not headers.get("authorization"):
        return _proven_by_version_2(request, resource, query, secret, now)
    claim = _claim(request, query)
    if claim is None:
        return False
    try:
        made = datetime.strptime(claim.when, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError:
        return False
    if not made - SKEW_SECONDS <= now <= made + claim.seconds:
        return False
    if not claim.scope.startswith(f"{claim.when[:8]}/") or "host" not in claim.names.split(";"):
        return False
    canonical = _canonical(request, claim)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"AWS4-HMAC-SHA256\n{claim.when}\n{claim.scope}\n{digest}"
    key = f"AWS4{secret}".encode()
    for part in claim.scope.split("/"):
        key = _hmac(key, part)
    return hmac.compare_digest(_hmac(key, text).hex().encode(), claim.signature.encode())


def _claim(request: Request, query: Mapping[str, str]) -> _Claim | None:
    """The signature of a request; None where it has none, or one that does not fit its body."""
    headers = request.headers
    body = hashlib.sha256(request.body).hexdigest()
    announced = headers.get("x-amz-content-sha256", "")
    if re.fullmatch(r"[0-9a-f]{64}", announced) and announced != body:
        return None
    if match := _HEADER.match(headers.get("authorization", "")):
        when = headers.get("x-amz-date", "")
        return _Claim(match[1], match[2], match[3], when, SKEW_SECONDS, announced or body)
    if "X-Amz-Signature" not in query:
        return None
    seconds = query.get("X-Amz-Expires", "")
    if not seconds.isdigit():
        return None
    return _Claim(
        query.get("X-Amz-Credential", "").partition("/")[2],
        query.get("X-Amz-SignedHeaders", ""),
        query["X-Amz-Signature"],
        query.get("X-Amz-Date", ""),
        float(seconds),
        announced or ("UNSIGNED-PAYLOAD" if request.service == "s3" else body),
    )


def _canonical(request: Request, claim: _Claim) -> str:
    headers = request.headers
    path = request.path if request.service == "s3" else quote(request.path, safe="/-_.~")
    pairs = [pair.partition("=") for pair in request.query.split("&") if pair]
    query = "&".join(
        f"{name}={value}" for name, _, value in sorted(pairs) if name != "X-Amz-Signature"
    )
    lines = "".join(
        f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in claim.names.split(";")
    )
    return f"{request.method}\n{path}\n{query}\n{lines}\n{claim.names}\n{claim.payload}"


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _proven_by_version_2(
    request: Request, resource: str, query: Mapping[str, str], secret: str, now: float
) -> bool:
    from botocore.auth import HmacV1Auth
    from botocore.credentials import Credentials

    headers, expires = request.headers, query.get("Expires", "")
    if request.service != "s3" or not expires.isdigit() or now > int(expires):
        return False
    signer = HmacV1Auth(Credentials("", secret))
    parts = [
        request.method,
        headers.get("content-md5", ""),
        headers.get("content-type", ""),
        expires,
        *(f"{name}:{headers[name]}" for name in sorted(headers) if name.startswith("x-amz-")),
        signer.canonical_resource(urlsplit(f"//localhost{resource}?{request.query}")),
    ]
    made = signer.sign_string("\n".join(parts))
    return hmac.compare_digest(made.encode(), query["Signature"].encode())
