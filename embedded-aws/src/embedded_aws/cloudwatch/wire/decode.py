"""From the bytes of a request to its members, in any of the three protocols."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from embedded_aws.protocol import cbor
from embedded_aws.protocol.query import from_form, timestamp
from embedded_aws.protocol.service import AwsFault, Request

_MAX_BODY = 20_000_000


def protocol_of(request: Request) -> str:
    """``cbor``, ``json`` or ``query``."""
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        return "cbor"
    return "json" if "x-amz-target" in request.headers else "query"


def action_of(request: Request) -> str:
    """Name of the operation, from path, header or form; "" where none is named."""
    protocol = protocol_of(request)
    if protocol == "cbor":
        return request.path.rpartition("/operation/")[2]
    if protocol == "json":
        return request.headers["x-amz-target"].rpartition(".")[2]
    return _form(request).get("Action", "")


def members_of(request: Request, shape: Any | None) -> dict[str, Any]:
    """The request's members as the shape has them; timestamps become unix seconds (float).

    Raises:
        AwsFault: ``SerializationException`` or ``MalformedInput`` when the body cannot be read.
    """
    if shape is None:
        return {}
    protocol = protocol_of(request)
    try:
        if protocol == "query":
            members = from_form(shape, _form(request), "")
        else:
            body = body_of(request)
            raw = cbor.decode(body) if protocol == "cbor" and body else None
            if protocol == "json" and body:
                raw = json.loads(body)
            members = _typed(shape, raw if raw is not None else {}, shape.name)
    except (cbor.CborError, json.JSONDecodeError, UnicodeDecodeError) as error:
        raise AwsFault("SerializationException", f"The body cannot be read: {error}") from None
    return members if isinstance(members, dict) else {}


def body_of(request: Request) -> bytes:
    """The body, with gzip taken off (boto3 compresses PutMetricData above 10 KB).

    Raises:
        AwsFault: when the compression is broken, or hides more than it may.
    """
    body = request.body
    if "gzip" in request.headers.get("content-encoding", ""):
        try:
            body = gzip.decompress(body)
        except (OSError, EOFError, zlib.error):
            raise AwsFault("SerializationException", "The gzip body cannot be read.") from None
    if len(body) > _MAX_BODY:
        raise AwsFault("RequestEntityTooLarge", "The request is larger than allowed.", 413)
    return body


def _form(request: Request) -> dict[str, str]:
    text = body_of(request).decode() if request.body else ""
    return dict(parse_qsl(text or request.query, keep_blank_values=True))


def _typed(shape: Any, value: Any, path: str) -> Any:
    """Bring a CBOR or JSON value into the shape's type."""
    kind = shape.type_name
    if kind == "structure":
        _expect(isinstance(value, Mapping), path, "a structure")
        return {
            name: _typed(member, value[name], f"{path}.{name}")
            for name, member in shape.members.items()
            if value.get(name) is not None
        }
    if kind == "list":
        _expect(isinstance(value, list), path, "a list")
        return [_typed(shape.member, item, f"{path}[{i}]") for i, item in enumerate(value)]
    if kind == "map":
        _expect(isinstance(value, Mapping), path, "a map")
        return {str(k): _typed(shape.value, v, f"{path}.{k}") for k, v in value.items()}
    if kind == "timestamp":
        return timestamp(value, path)
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind in ("integer", "long"):
        _expect(number and value == int(value), path, "an integer")
        return int(value)
    if kind in ("double", "float"):
        # JSON has no NaN; the protocol sends it as a string.
        if value in ("NaN", "Infinity", "-Infinity"):
            return float(value)
        _expect(number, path, "a number")
        return float(value)
    if kind == "boolean":
        _expect(isinstance(value, bool), path, "true or false")
        return value
    _expect(isinstance(value, str), path, "a string")
    return value


def _expect(true: bool, path: str, what: str) -> None:
    if not true:
        raise AwsFault("SerializationException", f"{path} must be {what}.")
