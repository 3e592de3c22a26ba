"""Named formats of strings and numbers (``logicalTypeOptions.format``)."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any

_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
_LABEL = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOSTNAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*")


def _address(version: type[ipaddress.IPv4Address | ipaddress.IPv6Address]) -> Any:
    def fits(text: str) -> bool:
        try:
            version(text)
        except ValueError:
            return False
        return True

    return fits


def _base64(text: str) -> bool:
    try:
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


TEXTS: Mapping[str, Callable[[str], bool]] = {
    "email": lambda text: _EMAIL.fullmatch(text) is not None,
    "uuid": lambda text: _UUID.fullmatch(text) is not None,
    "uri": lambda text: _URI.fullmatch(text) is not None,
    "hostname": lambda text: _HOSTNAME.fullmatch(text) is not None,
    "ipv4": _address(ipaddress.IPv4Address),
    "ipv6": _address(ipaddress.IPv6Address),
    "byte": _base64,
}
"""Format of a string → whether a text has it. ``password`` hides values and checks nothing."""
PASSWORD = "password"  # noqa: S105 - the name of a format
SINGLE = 3.4028234663852886e38
NUMBERS: Mapping[str, tuple[float, float]] = {
    **{f"i{bits}": (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in (8, 16, 32, 64)},
    **{f"u{bits}": (0, 2**bits - 1) for bits in (8, 16, 32)},
    "f32": (-SINGLE, SINGLE),
    "f64": (-1.7976931348623157e308, 1.7976931348623157e308),
}
"""Format of a number → what it can hold; wider ones cannot be kept, as good rows have 64 bits."""
