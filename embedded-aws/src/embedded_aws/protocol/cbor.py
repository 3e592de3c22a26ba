"""CBOR (RFC 8949) as the smithy-rpc-v2-cbor protocol uses it, both ways.

botocore has the client's half only (requests out, answers in); this is the server's. Lists are
written as AWS's own services write them, with an indefinite length; read is all that the protocol
allows.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from typing import Any

_BREAK = object()
_MAX_DEPTH = 64


class CborError(ValueError):
    """The bytes are not CBOR that the protocol knows."""


class Timestamp(float):
    """Unix time in seconds, written with tag 1."""


def encode(value: Any) -> bytes:
    """Write None, bool, int, float, str, bytes, Timestamp, lists and string-keyed mappings.

    Raises:
        TypeError: for anything else.
    """
    out = bytearray()
    _write(out, value)
    return bytes(out)


def decode(data: bytes) -> Any:
    """Read one data item that fills ``data``; tag 1 becomes :class:`Timestamp`.

    Raises:
        CborError: on truncated, trailing or unknown bytes.
    """
    reader = _Reader(data)
    value = reader.item(0)
    if value is _BREAK or reader.at != len(data):
        raise CborError(f"unexpected bytes after the data item, at byte {reader.at}")
    return value


def _head(out: bytearray, major: int, argument: int) -> None:
    if argument < 24:
        out.append(major << 5 | argument)
        return
    for info, (size, limit) in enumerate(((1, 1 << 8), (2, 1 << 16), (4, 1 << 32), (8, 1 << 64))):
        if argument < limit:
            out.append(major << 5 | 24 + info)
            out += argument.to_bytes(size, "big")
            return
    raise TypeError(f"integer {argument} does not fit into 64 bits")


def _write(out: bytearray, value: Any) -> None:
    if value is None:
        out.append(0xF6)
    elif isinstance(value, bool):
        out.append(0xF5 if value else 0xF4)
    elif isinstance(value, Timestamp):
        out.append(0xC1)
        out += b"\xfb" + struct.pack(">d", value)
    elif isinstance(value, int):
        _head(out, 0, value) if value >= 0 else _head(out, 1, -1 - value)
    elif isinstance(value, float):
        out += b"\xfb" + struct.pack(">d", value)
    elif isinstance(value, str):
        data = value.encode()
        _head(out, 3, len(data))
        out += data
    elif isinstance(value, bytes):
        _head(out, 2, len(value))
        out += value
    elif isinstance(value, Mapping):
        _head(out, 5, len(value))
        for key, member in value.items():
            _write(out, key)
            _write(out, member)
    elif isinstance(value, Sequence):
        out.append(0x9F)
        for member in value:
            _write(out, member)
        out.append(0xFF)
    else:
        raise TypeError(f"cannot write {type(value).__name__} as CBOR")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, size: int) -> bytes:
        end = self.at + size
        if end > len(self.data):
            raise CborError("the data ends in the middle of an item")
        chunk = self.data[self.at : end]
        self.at = end
        return chunk

    def argument(self, info: int) -> int:
        if info < 24:
            return info
        if info > 27:
            raise CborError(f"additional information {info} is reserved")
        return int.from_bytes(self.take(1 << info - 24), "big")

    def item(self, depth: int) -> Any:
        if depth > _MAX_DEPTH:
            raise CborError("nested too deeply")
        initial = self.take(1)[0]
        major, info = initial >> 5, initial & 31
        if major == 0:
            return self.argument(info)
        if major == 1:
            return -1 - self.argument(info)
        if major in (2, 3):
            return self._string(major, info)
        if major == 4:
            return self._list(info, depth)
        if major == 5:
            return self._map(info, depth)
        if major == 6:
            return self._tag(info, depth)
        return self._simple(info)

    def _string(self, major: int, info: int) -> str | bytes:
        if info == 31:
            chunks = []
            while (initial := self.take(1)[0]) != 0xFF:
                if initial >> 5 != major:
                    raise CborError("a chunk of another type in an indefinite string")
                chunks.append(self.take(self.argument(initial & 31)))
            raw = b"".join(chunks)
        else:
            raw = self.take(self.argument(info))
        if major == 2:
            return raw
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise CborError("a text string is not UTF-8") from None

    def _list(self, info: int, depth: int) -> list[Any]:
        items: list[Any] = []
        remaining = -1 if info == 31 else self.argument(info)
        while remaining != 0:
            value = self.item(depth + 1)
            if value is _BREAK:
                if remaining > 0:
                    raise CborError("a break inside a list of known length")
                break
            items.append(value)
            remaining -= 1
        return items

    def _map(self, info: int, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        remaining = -1 if info == 31 else self.argument(info)
        while remaining != 0:
            key = self.item(depth + 1)
            if key is _BREAK and remaining < 0:
                break
            if not isinstance(key, str):
                raise CborError("a map key is not a text string")
            value = self.item(depth + 1)
            if value is _BREAK:
                raise CborError("a map key without a value")
            if value is not None:
                members[key] = value
            remaining -= 1
        return members

    def _tag(self, info: int, depth: int) -> Any:
        tag = self.argument(info)
        value = self.item(depth + 1)
        if tag == 1 and isinstance(value, (int, float)) and not isinstance(value, bool):
            return Timestamp(value)
        raise CborError(f"tag {tag} is not used by the protocol")

    def _simple(self, info: int) -> Any:
        simple = {20: False, 21: True, 22: None, 23: None, 31: _BREAK}
        if info in simple:
            return simple[info]
        floats = {25: (">e", 2), 26: (">f", 4), 27: (">d", 8)}
        if info not in floats:
            raise CborError(f"simple value {info} is not used by the protocol")
        form, size = floats[info]
        return struct.unpack(form, self.take(size))[0]
