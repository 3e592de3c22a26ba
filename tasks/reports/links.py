"""Addresses in S3 as links that a browser can open, short enough to be read. Pure."""

from __future__ import annotations

import re
from urllib.parse import quote

SHOWN = 60
"""Signs of an address that a page shows; the whole stands in the link."""
DIGEST = 20
"""Hexadecimal digits from which a part of an address is a digest, of which eight tell it apart."""
_ADDRESS = re.compile(r"`(s3://[^`\s]+)`")
_DIGEST = re.compile(rf"\b([0-9a-f]{{8}})[0-9a-f]{{{DIGEST - 8},}}\b")


def linked(markdown: str, console: str) -> str:
    """Make every address in S3 that stands in a code span a link.

    Args:
        markdown: A page.
        console: Address of a browser page with ``{bucket}`` and ``{key}``, and perhaps ``{kind}``,
            which is ``object``, or ``buckets`` for a prefix.
    """
    return _ADDRESS.sub(lambda match: _link(match[1], console), markdown)


def browsable(address: str, console: str) -> str:
    """Where a browser shows an address ``s3://<bucket>/<key>``."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    kind = "object" if key and not key.endswith("/") else "buckets"
    return console.format(bucket=quote(bucket), key=quote(key), kind=kind)


def label(address: str) -> str:
    """An address in at most ``SHOWN`` signs: digests first, then the middle give way.

    >>> label("s3://sluice-work/snapshots/sales/" + "0123456789abcdef" * 4 + ".json")
    's3://sluice-work/snapshots/sales/01234567….json'
    """
    return shortened(_DIGEST.sub(r"\1…", address), SHOWN)


def shortened(text: str, width: int) -> str:
    """A text in at most so many signs: the middle gives way, because names differ at both ends.

    >>> shortened("abcdefghij", 7), shortened("abc", 7)
    ('abc…hij', 'abc')
    """
    if len(text) <= width:
        return text
    tail = width // 2
    return f"{text[: width - tail - 1]}…{text[-tail:]}"


def _link(address: str, console: str) -> str:
    """The UI shows a link's words as they stand, so what would end them is written as in a URL."""
    words = label(address).replace("[", "%5B").replace("]", "%5D").replace("|", "%7C")
    whole = address.replace('"', "%22").replace("|", "%7C")
    return f'[{words}]({browsable(address, console)} "{whole}")'
