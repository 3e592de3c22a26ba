"""Signatures of bundles: who vouches for a manifest, in an envelope beside it.

The manifest holds the SHA-256 of every file, so that one signature covers the bundle. What is
signed is an in-toto statement (https://in-toto.io/Statement/v1) that names model, version and the
manifest's SHA-256, in a DSSE envelope (https://github.com/secure-systems-lab/dsse): tools that know
the two can verify a bundle without Sluice.

Whoever can write the registry can write a manifest that fits other files; without the private key
he cannot sign it. Where no public key is trusted, signatures are not asked for.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasks.aws import asking, client
from tasks.errors import BundleUnsigned, InvalidSetting

if TYPE_CHECKING:
    from securesystemslib.signer import Key, Signer

PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:sluice:bundle:v1"
FILE, KMS = "file:", "awskms:"
"""How the address of a private key begins."""


def signed(model: str, version: str, manifest: bytes) -> bytes | None:
    """The envelope for a manifest; None where the installation signs nothing.

    Raises:
        InvalidSetting: the private key cannot be read.
        AwsError: KMS did not sign.
    """
    from tasks.settings import settings

    address = settings().signing_key
    if not address:
        return None
    from securesystemslib.dsse import Envelope

    payload = json.dumps(statement(model, version, manifest), sort_keys=True).encode()
    envelope = Envelope(payload, PAYLOAD_TYPE, {})
    with asking(f"Sign {model} {version} with {address}"):
        envelope.sign(_signer(address))
    return json.dumps(envelope.to_dict(), indent=2).encode()


def asked_for() -> bool:
    """Whether bundles must be signed here: a public key is trusted."""
    return bool(_trusted())


def require_signed(model: str, version: str, manifest: bytes, envelope: bytes | None) -> None:
    """Believe a manifest only with the signature of somebody who is trusted.

    Args:
        model: Whose manifest it must be.
        version: Of which version.
        manifest: Its bytes, as they were read.
        envelope: What lies beside it; None where nothing does.

    Raises:
        BundleUnsigned: no trusted key signed these very bytes for this version.
        InvalidSetting: a public key cannot be read.
    """
    believed = _trusted()
    if not believed:
        return
    if envelope is None:
        raise _unsigned(model, version, "nobody has signed it")
    from securesystemslib.dsse import Envelope
    from securesystemslib.exceptions import Error

    try:
        made = Envelope.from_dict(json.loads(envelope))
        made.verify(list(believed), 1)
        told = json.loads(made.payload)
    except Error as error:
        raise _unsigned(model, version, "no trusted key has signed it") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _unsigned(model, version, f"its signature does not parse ({error})") from error
    if made.payload_type != PAYLOAD_TYPE or told != statement(model, version, manifest):
        raise _unsigned(model, version, "its signature is of another manifest")


def statement(model: str, version: str, manifest: bytes) -> Mapping[str, Any]:
    """What is signed: an in-toto statement on a manifest."""
    digest = {"sha256": hashlib.sha256(manifest).hexdigest()}
    return {
        "_type": STATEMENT,
        "subject": [{"name": f"{model}/{version}/manifest.json", "digest": digest}],
        "predicateType": PREDICATE,
        "predicate": {"model": model, "version": version},
    }


def _unsigned(model: str, version: str, why: str) -> BundleUnsigned:
    return BundleUnsigned(
        f"{model} {version} is not vouched for: {why}.",
        "Do not release it. If its files are what you published, sign it: "
        f"`python -m deployments.signing sign {model} {version}`.",
    )


def _trusted() -> tuple[Key, ...]:
    from tasks.settings import settings

    chosen = settings()
    return _believed(chosen.signing_key, chosen.trusted_keys)


@lru_cache(maxsize=8)
def _believed(signing_key: str, trusted_keys: str) -> tuple[Key, ...]:
    """Public keys by the settings; whoever signs here is believed here."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key
    from securesystemslib.signer import SSlibKey

    keys: list[Key] = [_signer(signing_key).public_key] if signing_key else []
    for name in filter(None, (part.strip() for part in trusted_keys.split(","))):
        try:
            public: Any = load_pem_public_key(Path(name).read_bytes())
            keys.append(SSlibKey.from_crypto(public))
        except (OSError, ValueError) as error:
            raise _unreadable("SLUICE_TRUSTED_KEYS", name, "a public key", error) from error
    return tuple(keys)


@lru_cache(maxsize=8)
def _signer(address: str) -> Signer:
    if address.startswith(KMS):
        from tasks.registry.kms import KmsSigner

        return KmsSigner(address.removeprefix(KMS), client("kms"))
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from securesystemslib.signer import CryptoSigner

    path = address.removeprefix(FILE)
    try:
        private: Any = load_pem_private_key(Path(path).read_bytes(), None)
        return CryptoSigner(private)
    except (OSError, ValueError, TypeError) as error:
        raise _unreadable("SLUICE_SIGNING_KEY", path, "a private key", error) from error


def _unreadable(setting: str, path: str, kind: str, error: Exception) -> InvalidSetting:
    return InvalidSetting(
        f"{setting}: {path} is not {kind} in PEM ({type(error).__name__}: {error}).",
        "Name the file of an ECDSA, Ed25519 or RSA key; docs/registry.md says how one is made.",
    )
