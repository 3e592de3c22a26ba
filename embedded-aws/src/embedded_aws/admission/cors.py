"""Which answers of S3 a page of another origin may read: a bucket's CORS rules, evaluated as S3's.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html: the first rule counts that has the
origin, the method and each header that a preflight asks for.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class CorsRule:
    """One rule of a bucket; names of origins and headers may hold a ``*``."""

    origins: tuple[str, ...]
    methods: tuple[str, ...]
    headers: tuple[str, ...] = ()
    exposed: tuple[str, ...] = ()
    max_age: str = ""

    def grants(self, origin: str, method: str, headers: Sequence[str]) -> bool:
        """Whether it has all of them."""
        return (
            method in self.methods
            and any(matches(pattern, origin) for pattern in self.origins)
            and all(
                any(matches(pattern.lower(), name.lower()) for pattern in self.headers)
                for name in headers
            )
        )


def granted(
    rules: Sequence[CorsRule], origin: str, method: str, headers: Sequence[str] = ()
) -> dict[str, str]:
    """The headers by which a browser lets a page read the answer; empty where it must not.

    Args:
        rules: Of the bucket.
        origin: Of the page.
        method: Of the request, or that a preflight asks for.
        headers: Names that a preflight asks for.
    """
    rule = next((rule for rule in rules if rule.grants(origin, method, headers)), None)
    if rule is None:
        return {}
    anybody = "*" in rule.origins
    told = {
        "access-control-allow-origin": "*" if anybody else origin,
        "access-control-allow-methods": ", ".join(rule.methods),
        "access-control-allow-headers": ", ".join(headers),
        "access-control-expose-headers": ", ".join(rule.exposed),
        "access-control-max-age": rule.max_age,
        "access-control-allow-credentials": "" if anybody else "true",
        "vary": "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
    }
    return {name: value for name, value in told.items() if value}


def matches(pattern: str, text: str) -> bool:
    """Whether a text is what a pattern with ``*`` stands for."""
    parts = map(re.escape, pattern.split("*"))
    return re.fullmatch(".*".join(parts), text, re.DOTALL) is not None
