"""Tokens of apps: a product's own backend says which of its users posts.

A token is a JWT (RFC 7519) with the claims ``aud`` (AUDIENCE), ``exp`` and ``sub``, an opaque name
of the user that the backend chooses; signed with HS256 and the key that both find in Secrets
Manager. It travels in the batch, since a page that is being left can send no header.
"""

from __future__ import annotations

from collections.abc import Sequence

AUDIENCE = "sluice-collector"
SHORTEST_KEY = 32
"""Bytes of a key: as many as the hash has (RFC 7518, 3.2)."""


def subject_of(token: str, keys: Sequence[bytes]) -> str | None:
    """Who posts; None when no key signed the token, or it has run out.

    Args:
        token: As the client sent it.
        keys: The key of today, and the one before it while clients still hold such tokens.
    """
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import OctKey

    wanted = jwt.JWTClaimsRegistry(
        aud={"essential": True, "value": AUDIENCE},
        exp={"essential": True},
        sub={"essential": True},
    )
    for key in keys:
        try:
            claims = jwt.decode(token, OctKey.import_key(key), algorithms=["HS256"]).claims
            wanted.validate(claims)
        except (JoseError, ValueError, TypeError, RecursionError):
            continue
        return str(claims["sub"])[:200]
    return None
