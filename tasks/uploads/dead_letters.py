"""What cannot be read is kept with the reason, where people find it: ``_dead_letters/uploads/``."""

from __future__ import annotations

import hashlib
import json

from tasks import objects
from tasks.clock import utc, wall

PREFIX = "_dead_letters/uploads/"
LONGEST = 65_536
"""Bytes of a letter that are kept."""


def keep(bucket: str, body: bytes, why: str, now: float) -> str:
    """Keep a letter under the hash of its bytes: one that comes again is the same. Its address.

    Args:
        bucket: The registry.
        body: As it came.
        why: What is wrong with it.
        now: Our clock, unix seconds.
    """
    key = f"{PREFIX}{hashlib.sha256(body).hexdigest()[:16]}.json"
    letter = {
        "why": why,
        "at": utc(wall(now)).isoformat(timespec="seconds"),
        "bytes": len(body),
        "body": body[:LONGEST].decode("utf-8", "backslashreplace"),
    }
    objects.create(bucket, key, json.dumps(letter, indent=1).encode())
    return f"s3://{bucket}/{key}"
