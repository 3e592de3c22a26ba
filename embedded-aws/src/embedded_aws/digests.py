"""KMS signs a digest as a digest.

moto ignores ``MessageType=DIGEST`` and hashes what it is given once more: such a signature verifies
nowhere outside of it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

_digest: ContextVar[bool] = ContextVar("message_is_digest", default=False)


def teach_digests() -> None:
    """Let moto's KMS honour ``MessageType``. Safe to repeat."""
    from moto.kms import responses, utils

    if hasattr(responses.KmsResponse.sign, "__wrapped__"):
        return
    for name in ("sign", "verify"):
        plain = getattr(responses.KmsResponse, name)
        setattr(responses.KmsResponse, name, _told_the_type(plain))
    # Name-mangled: where moto chooses the hash of an algorithm.
    for kind, chooses in (
        (utils.RSAPrivateKey, "_RSAPrivateKey__padding_and_hash_algorithm"),
        (utils.ECDSAPrivateKey, "_ECDSAPrivateKey__hash_algorithm"),
    ):
        setattr(kind, chooses, _already_hashed(getattr(kind, chooses)))


def _told_the_type(plain: Callable[[Any], str]) -> Callable[[Any], str]:
    @functools.wraps(plain)
    def answer(self: Any) -> str:
        token = _digest.set(self._get_param("MessageType") == "DIGEST")
        try:
            return plain(self)
        except ValueError as error:  # of the cryptography package: not as long as the hash is
            from moto.kms.exceptions import ValidationException

            raise ValidationException(
                f"Digest is invalid length for algorithm "
                f"{self._get_param('SigningAlgorithm')}: {error}"
            ) from error
        finally:
            _digest.reset(token)

    return answer


def _already_hashed(plain: Callable[..., Any]) -> Callable[..., Any]:
    from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

    @functools.wraps(plain)
    def choose(*given: Any) -> Any:
        chosen = plain(*given)
        if not _digest.get():
            return chosen
        if isinstance(chosen, tuple):
            padding, hashes = chosen
            return padding, Prehashed(hashes)
        return Prehashed(chosen)

    return choose
