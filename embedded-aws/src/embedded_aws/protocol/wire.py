"""How AWS writes an error down, in each of the protocols that its services speak."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from xml.sax.saxutils import escape

from embedded_aws.protocol import cbor
from embedded_aws.protocol.operations import OF_FORMS, OF_PATHS
from embedded_aws.protocol.service import AwsFault, Request, Response

# All other services with resources in their paths speak JSON.
_REST_XML = frozenset({"cdn", "cloudfront", "route53", "s3-outposts", "s3express"})
_EC2 = frozenset({"ec2"})


def protocol_of(request: Request) -> str:
    """The wire protocol of a request, told by its shape.

    Returns:
        ``json``, ``cbor``, ``query``, ``ec2``, ``rest-json``, ``s3`` or ``rest-xml``.
    """
    content_type = request.headers.get("content-type", "")
    if request.service in OF_FORMS:
        return "ec2" if request.service in _EC2 else "query"
    if request.service == "s3":
        return "s3"
    if request.service in OF_PATHS:
        return "rest-xml"
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        return "cbor"
    if "x-amz-target" in request.headers or content_type.startswith("application/x-amz-json"):
        return "json"
    if content_type.startswith("application/x-www-form-urlencoded") or "Action=" in request.query:
        return "ec2" if request.service in _EC2 else "query"
    return "rest-xml" if request.service in _REST_XML else "rest-json"


def error_response(fault: AwsFault, request: Request) -> Response:
    """An error as the request's service would have written it."""
    request_id = str(uuid.uuid4())
    protocol = protocol_of(request)
    if protocol in {"json", "rest-json"}:
        return _json_error(fault, request, request_id, protocol)
    if protocol == "cbor":
        return _cbor_error(fault, request, request_id)
    return _xml_error(fault, request, request_id, protocol)


def _json_error(fault: AwsFault, request: Request, request_id: str, protocol: str) -> Response:
    body: dict[str, object] = {"message": fault.message, "Message": fault.message, **fault.extra}
    headers = {"x-amzn-requestid": request_id, "content-type": "application/json"}
    if protocol == "json":
        body = {"__type": fault.code, **body}
        headers["content-type"] = request.headers.get("content-type", "application/x-amz-json-1.1")
    headers["x-amzn-errortype"] = fault.code
    _query_compatible(headers, fault, request)
    return Response(fault.status, json.dumps(body).encode(), headers)


def _cbor_error(fault: AwsFault, request: Request, request_id: str) -> Response:
    body = cbor.encode({"__type": fault.code, "message": fault.message, **fault.extra})
    headers = {
        "x-amzn-requestid": request_id,
        "content-type": "application/cbor",
        "smithy-protocol": "rpc-v2-cbor",
    }
    _query_compatible(headers, fault, request)
    return Response(fault.status, body, headers)


def _xml_error(fault: AwsFault, request: Request, request_id: str, protocol: str) -> Response:
    side = "Sender" if fault.status < 500 else "Receiver"
    code, message = f"<Code>{escape(fault.code)}</Code>", escape(fault.message)
    extra = "".join(f"<{k}>{escape(str(v))}</{k}>" for k, v in fault.extra.items())
    inner = f"{code}<Message>{message}</Message>{extra}"
    if protocol == "s3":
        xml = (
            f"<Error>{inner}<Resource>{escape(request.path)}</Resource>"
            f"<RequestId>{request_id}</RequestId></Error>"
        )
    elif protocol == "ec2":
        xml = (
            f"<Response><Errors><Error>{inner}</Error></Errors>"
            f"<RequestID>{request_id}</RequestID></Response>"
        )
    else:
        xml = (
            f"<ErrorResponse><Error><Type>{side}</Type>{inner}</Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    headers = {"x-amz-request-id": request_id, "content-type": "application/xml"}
    document = f'<?xml version="1.0" encoding="UTF-8"?>\n{xml}'
    return Response(fault.status, document.encode(), headers)


def _query_compatible(headers: dict[str, str], fault: AwsFault, request: Request) -> None:
    """Services that used to speak the query protocol still tell its error code, in a header."""
    if _truthy(request.headers, "x-amzn-query-mode"):
        side = "Sender" if fault.status < 500 else "Receiver"
        headers["x-amzn-query-error"] = f"{fault.code};{side}"


def _truthy(headers: Mapping[str, str], name: str) -> bool:
    return headers.get(name, "").lower() == "true"
