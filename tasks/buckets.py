"""Which of a hundred buckets a user falls into: the same in Python and in every client.

The bucket of a user under a salt is::

    uint32_big_endian(SHA-256(UTF-8(salt + ":" + user_id))[0:4]) mod 100

A user whose bucket is below the percentage gets the new version. The bucket depends on nothing
else, so raising a percentage never moves a user back, and another salt deals the users anew.
Texts are taken as they stand, without Unicode normalisation; what is no character (half of a
surrogate pair, which JavaScript allows in its strings) counts as U+FFFD, as browsers encode it.
Four bytes of a hash over 100 buckets favour none by more than one part in forty million.

``clients/vectors/buckets.json`` holds what every implementation must answer.
"""

from __future__ import annotations

import hashlib

BUCKETS = 100


def bucket(user_id: str, salt: str) -> int:
    """The bucket of a user, 0 to 99."""
    digest = hashlib.sha256(_utf8(f"{salt}:{user_id}")).digest()
    return int.from_bytes(digest[:4], "big") % BUCKETS


def _utf8(text: str) -> bytes:
    # Through UTF-16, which is what a JavaScript string is made of: two halves become one
    # character, and a half that is alone becomes U+FFFD.
    units = text.encode("utf-16-le", "surrogatepass")
    return units.decode("utf-16-le", "replace").encode()
