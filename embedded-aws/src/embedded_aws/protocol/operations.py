"""Which service and which operation an HTTP request is for."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qs, parse_qsl, unquote

from werkzeug.exceptions import HTTPException

from embedded_aws.protocol import cbor
from embedded_aws.protocol.service import Request

_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/aws4_request")
_PLAIN_OBJECT = re.compile(r"/[a-z0-9][a-z0-9.-]{2,62}(/[A-Za-z0-9_.=-]+)+")
_ONLY_ID = re.compile(r"(x-id=[A-Za-z]+)?")
_INVOCATION = re.compile(r"^/endpoints/([^/]+)/(async-)?invocations$")
MAX_INVOCATION_BYTES = 6 * 1024 * 1024
_TARGETS = {"SageMaker": "sagemaker", "GraniteServiceVersion20100801": "monitoring"}
DEFAULT_REGION = "us-east-1"
COPY_SOURCE = "x-amz-copy-source"
OF_PATHS = frozenset({"s3", "cloudfront"})
"""Services whose operations are told by method and path."""
OF_FORMS = frozenset({"cloudformation", "ec2", "iam", "sns", "sts"})
"""Services that speak the query protocol alone."""


def most_bytes(path: str) -> int | None:
    """Bytes that the body of a request to this path may have; None where the service decides."""
    return MAX_INVOCATION_BYTES if _INVOCATION.match(path) else None


def credential_scope(
    path: str, query: str, headers: Mapping[str, str], body: bytes
) -> tuple[str, str]:
    """Region and signing name of a request.

    They stand in the ``Authorization`` header, or in the query string of a presigned URL. A
    request that is not signed is for S3 (a public object), unless its shape says otherwise.

    Returns:
        ``(region, service)``.
    """
    if scope := _SCOPE.search(headers.get("authorization", "")):
        return scope[1], scope[2]
    if "X-Amz-Credential" in query:
        parts = parse_qs(query).get("X-Amz-Credential", [""])[0].split("/")
        if len(parts) == 5:
            return parts[2], parts[3]
    if _INVOCATION.match(path):
        return DEFAULT_REGION, "sagemaker"
    if target := headers.get("x-amz-target"):
        prefix = target.partition(".")[0]
        return DEFAULT_REGION, _TARGETS.get(prefix, prefix.lower())
    if b"Action=AssumeRoleWith" in body[:512]:
        return DEFAULT_REGION, "sts"
    return DEFAULT_REGION, "s3"


def invoked_endpoint(path: str) -> str | None:
    """The endpoint's name when the path is a runtime invocation, else None."""
    match = _INVOCATION.match(path)
    return unquote(match[1]) if match else None


def operation(
    service: str, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> str:
    """The operation's name, or "" where the request does not tell."""
    # What a service does not read chooses no action either: others decide by it who may do what.
    if service == "s3" and _PLAIN_OBJECT.fullmatch(path) and _ONLY_ID.fullmatch(query):
        return _of_object(method, query, COPY_SOURCE in headers)
    if service in OF_PATHS:
        return rest_operation(service, method, path, query, headers)[0]
    if service not in OF_FORMS:
        if target := headers.get("x-amz-target"):
            return target.rpartition(".")[2]
        if headers.get("smithy-protocol"):
            return path.rpartition("/operation/")[2]
    if service == "sagemaker" and (invocation := _INVOCATION.match(path)):
        return "InvokeEndpointAsync" if invocation[2] else "InvokeEndpoint"
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        for name, value in parse_qsl(body[:65536].decode("utf-8", "replace")):
            if name == "Action":
                return value
    if "Action=" in query:
        return parse_qs(query).get("Action", [""])[0]
    return rest_operation(service, method, path, query, headers)[0]


def parameters_of(request: Request) -> dict[str, Any]:
    """`parameters` of a request."""
    return parameters(
        request.service,
        request.method,
        request.path,
        request.query,
        request.headers,
        request.body,
    )


def parameters(
    service: str, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
) -> dict[str, Any]:
    """Top-level request members that a fault can be matched by; {} where they cannot be read."""
    in_cbor = headers.get("smithy-protocol") == "rpc-v2-cbor"
    if service not in OF_PATHS | OF_FORMS and (in_cbor or "x-amz-target" in headers):
        read: Callable[[bytes], Any] = cbor.decode if in_cbor else json.loads
        try:
            members = read(_plain_body(headers, body)) if body else {}
        except (ValueError, OSError, EOFError, zlib.error):
            return {}
        return members if isinstance(members, dict) else {}
    if endpoint := invoked_endpoint(path):
        variant = headers.get("x-amzn-sagemaker-target-variant", "")
        return {"EndpointName": endpoint, "TargetVariant": variant}
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        return dict(parse_qsl(body.decode("utf-8", "replace")))
    return rest_operation(service, method, path, query, headers)[1]


def _plain_body(headers: Mapping[str, str], body: bytes) -> bytes:
    return gzip.decompress(body) if "gzip" in headers.get("content-encoding", "") else body


def rest_operation(
    service: str, method: str, path: str, query: str, headers: Mapping[str, str]
) -> tuple[str, dict[str, Any]]:
    """Name and labels (``Bucket``, ``Key`` …) of a REST request, by botocore's own model."""
    from moto.core.request import Request as MotoRequest

    router = _router(service)
    if router is None:
        return "", {}
    url = f"http://localhost{path}" + (f"?{query}" if query else "")
    try:
        model, labels = router.match(MotoRequest.from_primitives(method, url, headers))
    # No such path, or none at all (ValueError); or a sister of the service, in a protocol of its
    # own (sagemaker-metrics).
    except (HTTPException, NotImplementedError, ValueError):
        return "", {}
    return model.name, labels


@lru_cache(maxsize=512)
def _of_object(method: str, query: str, copies: bool) -> str:
    """Of an object under a plain name: asked of the model once, since objects come by the thousand.

    By S3's model, path, method, query and whether something is copied tell the operation.
    """
    headers = {COPY_SOURCE: "/bucket/key"} if copies else {}
    return rest_operation("s3", method, "/bucket/key", query, headers)[0]


@lru_cache
def _router(service: str) -> Any:
    from botocore.exceptions import UnknownServiceError
    from moto.core.routing import get_service_router

    try:
        return get_service_router(service)
    except (UnknownServiceError, NotImplementedError):
        return None
