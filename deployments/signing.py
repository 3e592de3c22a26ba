"""Keys and signatures of bundles: ``python -m deployments.signing key signing.pem``.

``key`` makes a private key in a file that only its owner may read, and its public key beside it;
the private one goes into SLUICE_SIGNING_KEY of whoever publishes, the public one into
SLUICE_TRUSTED_KEYS of whoever releases and serves. In an account, use a KMS key instead: it never
leaves KMS. ``sign`` vouches for a version that was published without a signature, or, where none is
named, for all of them, once every file was read and found to be what its manifest says.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tasks import objects
from tasks.errors import BundleUnsigned, SluiceError
from tasks.registry import bundle, publication
from tasks.settings import settings


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(
        prog="python -m deployments.signing",
        description="Make a key that signs bundles, or sign a version that has no signature.",
    )
    acts = root.add_subparsers(dest="act", required=True)
    key = acts.add_parser("key", help="make a private key, and its public key beside it")
    key.add_argument("path", type=Path, help="the private key's file, like signing.pem")
    sign = acts.add_parser("sign", help="vouch for a version with SLUICE_SIGNING_KEY")
    sign.add_argument("model", nargs="?", help="which model; all without one")
    sign.add_argument(
        "version", nargs="?", help="which version, like v20260131_020000; all without one"
    )
    return root


def new_key(path: Path) -> Path:
    """Make a key (ECDSA on P-256: KMS has it, and browsers verify it); the public key's file.

    Raises:
        FileExistsError: there is a file by this name; a key is never overwritten.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    # Readable by its owner from the first byte on.
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
    public = path.with_suffix(".pub.pem")
    public.write_bytes(
        private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return public


def unsigned(bucket: str, model: str | None, version: str | None) -> list[tuple[str, str]]:
    """Versions of those asked for that nobody who is believed here has signed."""
    models = [model] if model else [m for m in objects.folders(bucket, "") if m[0] != "_"]
    found = []
    for name in models:
        for one in [version] if version else bundle.versions(bucket, name):
            try:
                bundle.manifest(bucket, name, one)
            except BundleUnsigned:
                found.append((name, one))
    return found


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 when it is done."""
    asked = parser().parse_args(arguments)
    try:
        if asked.act == "key":
            public = new_key(asked.path)
            print(f"SLUICE_SIGNING_KEY=file:{asked.path.resolve()}")
            print(f"SLUICE_TRUSTED_KEYS={public.resolve()}")
            return 0
        bucket = settings().registry_bucket
        found = unsigned(bucket, asked.model, asked.version)
        if not found:
            print("Every version that was asked for is signed.")
        for model, version in found:
            print(f"{model} {version} is signed: {publication.vouch(bucket, model, version)}")
    except FileExistsError:
        print(f"{asked.path} exists. Next: name another file.", file=sys.stderr)
        return 1
    except (SluiceError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
