"""From an answer's members to bytes, in any of the three protocols."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from embedded_aws.cloudwatch.wire.model import NAMESPACE, error_shape
from embedded_aws.protocol import cbor
from embedded_aws.protocol.query import to_xml
from embedded_aws.protocol.service import AwsFault, Response

# The namespaces of error shapes: of the service, and of what checks requests in front of it.
_SERVICE = "com.amazonaws.cloudwatch.v2010_08_01"
_VALIDATION = "com.amazon.coral.validate"


def answer(protocol: str, action: str, shape: Any | None, members: Mapping[str, Any]) -> Response:
    """A successful answer; ``members`` hold timestamps as unix seconds."""
    request_id = str(uuid.uuid4())
    if protocol == "query":
        inner = to_xml(shape, members) if shape is not None else ""
        result = f"<{action}Result>{inner}</{action}Result>" if shape is not None else ""
        xml = (
            f'<{action}Response xmlns="{NAMESPACE}">{result}'
            f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata>"
            f"</{action}Response>"
        )
        return Response(200, xml.encode(), _headers("query", request_id))
    body = _typed(shape, members) if shape is not None else {}
    data = cbor.encode(body) if protocol == "cbor" else json.dumps(body).encode()
    return Response(200, data, _headers(protocol, request_id))


def error(protocol: str, fault: AwsFault, action: str = "", *, query_mode: bool = True) -> Response:
    """An error. Its code goes into the query-compatible header, its shape's name into the body.

    In CBOR and JSON a client's error has the status 400 unless the client asks for the query
    protocol's (``x-amzn-query-mode``, which AWS's own SDKs do). A message that AWS leaves empty is
    left out.
    """
    request_id = str(uuid.uuid4())
    side = "Sender" if fault.status < 500 else "Receiver"
    if protocol == "query":
        message = f"<Message>{escape(fault.message)}</Message>" if fault.message else ""
        xml = (
            f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>{side}</Type>'
            f"<Code>{escape(fault.code)}</Code>{message}</Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Response(fault.status, xml.encode(), _headers("query", request_id))
    shape = error_shape(fault.code, action)
    space = _VALIDATION if shape == "ValidationException" else _SERVICE
    said = {"message": fault.message} if fault.message else {}
    body = {"__type": f"{space}#{shape}", **said, **fault.extra}
    headers = _headers(protocol, request_id)
    headers["x-amzn-errortype"] = fault.code
    headers["x-amzn-query-error"] = f"{fault.code};{side}"
    data = cbor.encode(body) if protocol == "cbor" else json.dumps(body).encode()
    status = fault.status if query_mode or fault.status >= 500 else 400
    return Response(status, data, headers)


def _headers(protocol: str, request_id: str) -> dict[str, str]:
    headers = {"x-amzn-RequestId": request_id}
    if protocol == "cbor":
        return headers | {"content-type": "application/cbor", "smithy-protocol": "rpc-v2-cbor"}
    return headers | {
        "content-type": "application/x-amz-json-1.0" if protocol == "json" else "text/xml"
    }


def _typed(shape: Any, value: Any) -> Any:
    kind = shape.type_name
    if kind == "structure":
        return {
            name: _typed(member, value[name])
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if kind == "list":
        if shape.member.type_name == "timestamp":
            return [cbor.Timestamp(item) for item in value]
        if shape.member.type_name == "double":
            return [float(item) for item in value]
        return [_typed(shape.member, item) for item in value]
    if kind == "map":
        return {key: _typed(shape.value, item) for key, item in value.items()}
    if kind == "timestamp":
        return cbor.Timestamp(value)
    return float(value) if kind in ("double", "float") else value
