"""Names of versions and keys. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from tasks.errors import VersionUnknown

STAMP = re.compile(r"v(\d{8}_\d{6})")
SEMVER = re.compile(r"v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z]+(?:[.-][0-9A-Za-z]+)*))?")
MANIFEST, SIGNATURE = "manifest.json", ".dsse.json"
APP_ARCHIVES = "_apps/"
"""Folder of the archives that apps bring along."""


def version_of(created: float) -> str:
    """``v<YYYYmmdd_HHMMSS>`` (UTC) of a unix time in seconds."""
    return datetime.fromtimestamp(int(created), tz=UTC).strftime("v%Y%m%d_%H%M%S")


def checked(version: str) -> str:
    """The version, if it is well-formed: a time stamp or a semantic version.

    Raises:
        VersionUnknown: it is neither.
    """
    if STAMP.fullmatch(version) or SEMVER.fullmatch(version):
        return version
    raise VersionUnknown(
        f"{version!r} is not a version.",
        "Write it as v20260131_020000 or as a semantic version such as 1.4.0.",
    )


def order(version: str) -> tuple[int, tuple[int, ...], bool, str]:
    """Sort key: semantic versions before time stamps, each in their own order."""
    semantic = SEMVER.fullmatch(version)
    if semantic:
        numbers = tuple(int(part) for part in semantic.groups()[:3])
        label = semantic.group(4) or ""
        return (0, numbers, not label, label)  # a pre-release comes before its release
    return (1, (), True, version)


def bundle_prefix(model: str, version: str) -> str:
    """Folder of a bundle, with its closing slash."""
    return f"{model}/{version}/"


def manifest_key(model: str, version: str) -> str:
    """Key whose existence makes the version exist."""
    return bundle_prefix(model, version) + MANIFEST


def signature_key(model: str, version: str, sha256: str) -> str:
    """Key of the signature that vouches for a manifest with this SHA-256.

    Two publishers of one version, of which one is overtaken, never touch each other's.
    """
    return f"{bundle_prefix(model, version)}manifest.{sha256[:16]}{SIGNATURE}"


def app_manifest_key(model: str, version: str) -> str:
    """Where clients look that put a ``v`` of their own before what the pointer names."""
    return f"{model}/v{version}/{MANIFEST}"


def pointer_key(model: str) -> str:
    """Key of the pointer."""
    return f"{model}/latest.json"


def claim_key(model: str, version: str) -> str:
    """Key of the claim that a publisher lays on a version before its first file."""
    return f"_claims/{model}/{version}.json"


def package_key(model: str, version: str) -> str:
    """Key of the name that SageMaker's model registry gave a version."""
    return f"_packages/{model}/{version}.json"


def history_key(model: str, identity: str) -> str:
    """Key of what became of a candidate."""
    return f"_ledger/{model}/{identity}.json"
