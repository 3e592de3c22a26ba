"""A private key that never leaves AWS KMS."""

from __future__ import annotations

import hashlib
from typing import Any

from cryptography.hazmat.primitives.serialization import load_der_public_key
from securesystemslib.signer import AWSSigner, Key, SecretsHandler, Signature, Signer, SSlibKey

from tasks.aws import asking
from tasks.errors import InvalidSetting


class KmsSigner(Signer):
    """Signs with a KMS key through the house's own client, whose region and retries are known.

    Args:
        key_id: Key id, ARN, alias or alias ARN.
        kms: The client.

    Raises:
        InvalidSetting: the key cannot sign so that the signature can be verified elsewhere.
        AwsError: KMS does not show its public key.
    """

    def __init__(self, key_id: str, kms: Any) -> None:
        with asking(f"GetPublicKey {key_id}"):
            shown = kms.get_public_key(KeyId=key_id)
        public: Any = load_der_public_key(shown["PublicKey"])
        offered = [
            scheme
            for scheme, algorithm in AWSSigner.aws_algos.items()
            if algorithm in shown.get("SigningAlgorithms", ())
        ]
        if not offered:
            raise InvalidSetting(
                f"SLUICE_SIGNING_KEY: the KMS key {key_id} is a {shown.get('KeySpec')} for "
                f"{shown.get('KeyUsage')}.",
                "Make one with KeyUsage SIGN_VERIFY and KeySpec ECC_NIST_P256.",
            )
        self._key_id, self._kms = key_id, kms
        self._public = SSlibKey.from_crypto(public, scheme=offered[0])
        self._algorithm = AWSSigner.aws_algos[offered[0]]

    @property
    def public_key(self) -> Key:
        """What verifies its signatures."""
        return self._public

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None
    ) -> Signer:
        """Not offered: the settings name the key."""
        raise NotImplementedError

    def sign(self, payload: bytes) -> Signature:
        """Signature of bytes of any length: KMS is told their digest only."""
        hashed = hashlib.new(f"sha{self._algorithm[-3:]}", payload).digest()
        with asking(f"Sign with {self._key_id}"):
            answer = self._kms.sign(
                KeyId=self._key_id,
                Message=hashed,
                MessageType="DIGEST",
                SigningAlgorithm=self._algorithm,
            )
        return Signature(self._public.keyid, answer["Signature"].hex())
