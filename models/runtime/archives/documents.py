"""JSON documents of an archive, which people and programs of any kind have written."""

from __future__ import annotations

import json
from typing import Any

LARGEST = 8 << 20
MOST_VALUES = 500_000
"""Objects, lists and values: each takes some dozen bytes of memory, however short it is written."""


def document(raw: bytes) -> dict[str, Any]:
    """A JSON object, in bounded memory.

    Raises:
        ValueError: it is none, too large, or nested too deep; reads on after the document's name.
    """
    if len(raw) > LARGEST:
        raise ValueError(f"has {len(raw):,} bytes, over {LARGEST:,}")
    values = sum(raw.count(sign) for sign in (b",", b"[", b"{"))
    if values > MOST_VALUES:
        raise ValueError(f"holds {values:,} values, over {MOST_VALUES:,}")
    try:
        read = json.loads(raw)
    except RecursionError:
        raise ValueError("is not JSON that can be read: it is nested too deep") from None
    except ValueError as error:
        raise ValueError(f"is not JSON: {error}") from error
    if not isinstance(read, dict):
        raise ValueError("is no JSON object")  # noqa: TRY004 - the content is wrong, no argument
    return read
