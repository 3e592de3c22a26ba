"""The query protocol: members in a form, answers in XML, by botocore's shapes."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from embedded_aws.protocol.service import AwsFault


def from_form(shape: Any, form: Mapping[str, str], prefix: str) -> Any:
    """Read a shape from ``A.member.1.B=…``; None when nothing of it is there.

    Raises:
        AwsFault: ``MalformedInput`` where a number or a time is none.
    """
    kind = shape.type_name
    if kind == "structure":
        members = {}
        for name, member in shape.members.items():
            value = from_form(member, form, f"{prefix}.{name}" if prefix else name)
            if value is not None:
                members[name] = value
        return members if members or not prefix else None
    if kind == "list":
        if form.get(prefix) == "":
            return []
        return _items(shape.member, form, f"{prefix}.member") or None
    if kind == "map":
        keys = _items(shape.key, form, f"{prefix}.entry", ".key")
        values = _items(shape.value, form, f"{prefix}.entry", ".value")
        return dict(zip(keys, values, strict=True)) or None
    return _scalar(kind, form[prefix], prefix) if prefix in form else None


def _items(shape: Any, form: Mapping[str, str], prefix: str, suffix: str = "") -> list[Any]:
    items: list[Any] = []
    while (value := from_form(shape, form, f"{prefix}.{len(items) + 1}{suffix}")) is not None:
        items.append(value)
    return items


def _scalar(kind: str, text: str, path: str) -> Any:
    try:
        if kind in ("integer", "long"):
            return int(text)
        if kind in ("double", "float"):
            return float(text)
    except ValueError:
        raise AwsFault("MalformedInput", f"{path}: {text!r} is not a number.") from None
    if kind == "boolean":
        return text.lower() == "true"
    return timestamp(text, path) if kind == "timestamp" else text


def timestamp(value: Any, path: str) -> float:
    """A moment as unix seconds.

    Raises:
        AwsFault: ``MalformedInput``.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    try:
        moment = dt.datetime.fromisoformat(str(value))
    except ValueError:
        try:
            return float(value)
        except ValueError:
            raise AwsFault("MalformedInput", f"{path}: {value!r} is not a timestamp.") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp()


def to_xml(shape: Any, value: Any) -> str:
    """A value of a shape; timestamps are unix seconds."""
    kind = shape.type_name
    if kind == "structure":
        return "".join(
            f"<{name}>{to_xml(member, value[name])}</{name}>"
            for name, member in shape.members.items()
            if value.get(name) is not None
        )
    if kind == "list":
        return "".join(f"<member>{to_xml(shape.member, item)}</member>" for item in value)
    if kind == "map":
        return "".join(
            f"<entry><key>{escape(key)}</key><value>{to_xml(shape.value, item)}</value></entry>"
            for key, item in value.items()
        )
    if kind == "timestamp":
        return iso(value)
    if kind == "boolean":
        return "true" if value else "false"
    return repr(float(value)) if kind in ("double", "float") else escape(str(value))


def iso(timestamp: float) -> str:
    """``2026-11-21T02:00:00.250Z``; whole seconds without a fraction."""
    moment = dt.datetime.fromtimestamp(timestamp, dt.UTC)
    precision = "milliseconds" if moment.microsecond >= 1000 else "seconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")
