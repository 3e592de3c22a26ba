"""Answers in pages: a token is the place where the next page begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from embedded_aws.protocol.service import AwsFault

T = TypeVar("T")


def page(
    items: Sequence[T], token: str | None, size: int, code: str = "InvalidNextToken"
) -> tuple[list[T], str | None]:
    """One page, and the token of the next one or None.

    Raises:
        AwsFault: with ``code``, for a token that was not given out.
    """
    start = _place(token, code)
    end = start + size
    following = base64.urlsafe_b64encode(f"from {end}".encode()).decode()
    return list(items[start:end]), following if end < len(items) else None


def _place(token: str | None, code: str) -> int:
    if token is None:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(token).decode().partition(" ")
        if word == "from" and number.isdigit():
            return int(number)
    except (binascii.Error, UnicodeDecodeError):
        pass
    raise AwsFault(code, "The next token specified is invalid.")
