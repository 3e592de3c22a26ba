"""Names under which this AWS is asked; under any other, somebody's DNS was turned to loopback."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable

_NAME = re.compile(r"([a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?)(?::[0-9]{0,5})?", re.IGNORECASE | re.ASCII)
_IPV6 = re.compile(r"\[([0-9a-f:.]+)\](?::[0-9]{0,5})?", re.IGNORECASE | re.ASCII)
_AMAZON = (".amazonaws.com", ".amazonaws.com.cn", ".cloudfront.net")


def host_name(header: str) -> str:
    """The name in a ``Host`` header: lower case, without port and brackets.

    Returns:
        "" where the header is none of RFC 9110's (a user's name, two of them, nothing at all).
    """
    if literal := _IPV6.fullmatch(header):
        return literal[1].lower()
    name = _NAME.fullmatch(header)
    return name[1].lower() if name else ""


def is_this_machine(name: str) -> bool:
    """Whether a name can only mean this machine, and browsers know that.

    To such a name they add ``Sec-Fetch-Site``. ``localhost.`` and IPv4 loopback written as IPv6 are
    left out: they lead here as well, and not every browser is known to do so.
    """
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(name)
    except ValueError:
        return False
    return address.is_loopback and getattr(address, "ipv4_mapped", None) is None


def is_amazons(name: str) -> bool:
    """Whether a name is one of AWS's own, which SDKs and hosts files send here."""
    return name.endswith(_AMAZON)


def is_named(name: str, allowed: Iterable[str]) -> bool:
    """Whether a list of names holds one; ``*.x`` stands for all below ``x``."""
    return any(
        name.endswith(pattern[1:]) if pattern.startswith("*.") else name == pattern
        for pattern in (entry.lower().rstrip(".") for entry in allowed)
    )
