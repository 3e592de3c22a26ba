"""Bundles: immutable version folders, each what its manifest says.

Only a manifest makes a version exist (`publication`); where keys are trusted (`signing`), nobody
believes one without its signature.
"""

from __future__ import annotations

import hashlib

from tasks import objects
from tasks.errors import BundleCorrupt, VersionUnknown
from tasks.registry import names, signing
from tasks.stored import parsed
from tasks.values import BundleFile, Check, Manifest, Seal, Verdict


def find_manifest(bucket: str, model: str, version: str) -> Manifest | None:
    """The manifest of a committed version, or None.

    Raises:
        BundleCorrupt: there is one, and it does not parse, or is of another version.
        BundleUnsigned: there is one, and nobody who is trusted vouches for it.
    """
    found = _sealed(bucket, model, version)
    return None if found is None else found[0]


def require_sound(bucket: str, model: str, version: str) -> bytes:
    """A manifest's bytes, once every file was found as it says; its signature is not asked for.

    Raises:
        VersionUnknown, BundleCorrupt: see `verify`.
    """
    stored = objects.read(bucket, names.manifest_key(model, names.checked(version)))
    if stored is None:
        raise _unknown(bucket, model, version)
    _require_pass(_inspected(bucket, _parsed(model, version, stored.body)))
    return stored.body


def _sealed(bucket: str, model: str, version: str) -> tuple[Manifest, Seal] | None:
    """A committed version's manifest, and what tells it from another of the same version."""
    stored = objects.read(bucket, names.manifest_key(model, version))
    if stored is None:
        return None
    sha256 = hashlib.sha256(stored.body).hexdigest()
    if signing.asked_for():
        envelope = objects.read(bucket, names.signature_key(model, version, sha256))
        signing.require_signed(
            model, version, stored.body, None if envelope is None else envelope.body
        )
    known = _parsed(model, version, stored.body)
    return known, Seal(sha256=sha256, version_id=stored.version_id)


def _parsed(model: str, version: str, body: bytes) -> Manifest:
    known = parsed(Manifest, body, f"{model} {version}: manifest.json", BundleCorrupt)
    if (known.model, known.version) != (model, version):
        raise BundleCorrupt(
            f"{model} {version}: manifest.json is that of {known.model} {known.version}.",
            "Restore the object's earlier version from the bucket's history.",
        )
    return known


def manifest(bucket: str, model: str, version: str) -> Manifest:
    """The manifest of a version that must exist.

    Raises:
        VersionUnknown: no such version; the newest ones are named.
    """
    return _existing(bucket, model, version)[0]


def require_sealed(bucket: str, model: str, version: str, sealed: Seal | None) -> Seal:
    """The seal of a version, if it is still the one that was noted; any, where none was.

    Raises:
        BundleCorrupt: the manifest was replaced since.
        VersionUnknown: no such version.
    """
    stands = _existing(bucket, model, version)[1]
    if sealed is not None and stands.sha256 != sealed.sha256:
        raise BundleCorrupt(
            f"{model} {version}: its manifest was replaced: SHA-256 {stands.sha256[:12]}, and "
            f"{sealed.sha256[:12]} when it was last found sound.",
            f"Restore manifest.json{f' (version {sealed.version_id})' if sealed.version_id else ''}"
            " from the bucket's history, and find out who wrote to the registry.",
        )
    return stands


def _existing(bucket: str, model: str, version: str) -> tuple[Manifest, Seal]:
    committed = _sealed(bucket, model, names.checked(version))
    if committed is None:
        raise _unknown(bucket, model, version)
    return committed


def _unknown(bucket: str, model: str, version: str) -> VersionUnknown:
    known = ", ".join(versions(bucket, model)[-5:]) or "(none yet)"
    return VersionUnknown(
        f"{model} has no version {version!r}.", f"Name one of the newest: {known}."
    )


def versions(bucket: str, model: str) -> tuple[str, ...]:
    """Committed versions, oldest first. A folder without a manifest is no version."""
    listed = [
        folder
        for folder in objects.folders(bucket, f"{model}/")
        if names.STAMP.fullmatch(folder) or names.SEMVER.fullmatch(folder)
    ]
    ready = [v for v in listed if objects.exists(bucket, names.manifest_key(model, v))]
    return tuple(sorted(ready, key=names.order))


def inspect(bucket: str, model: str, version: str) -> Verdict:
    """Read every file of a version in full and compare it with the manifest.

    Raises:
        VersionUnknown: no such version.
    """
    try:
        known = manifest(bucket, model, version)
    except BundleCorrupt as error:
        wrong = Check(name=names.MANIFEST, outcome="fail", detail=error.what)
        return Verdict.of(f"{model} {version}", (wrong,))
    return _inspected(bucket, known)


def verify(bucket: str, model: str, version: str) -> Manifest:
    """The manifest, once every file has been read and found as it says.

    Raises:
        VersionUnknown, BundleCorrupt: the files that differ are named.
    """
    return _sound(bucket, model, version)[0]


def sealed(bucket: str, model: str, version: str) -> Seal:
    """The manifest to which every file of a version was just held, one by one.

    Raises:
        VersionUnknown, BundleCorrupt: see `verify`.
    """
    return _sound(bucket, model, version)[1]


def _sound(bucket: str, model: str, version: str) -> tuple[Manifest, Seal]:
    known, seal = _existing(bucket, model, version)
    _require_pass(_inspected(bucket, known))
    return known, seal


def _require_pass(verdict: Verdict) -> None:
    if verdict.outcome != "pass":
        raise BundleCorrupt(
            f"{verdict.subject} is not what its manifest says: {verdict.reason}.",
            "Restore the files' earlier versions from the bucket's history, or publish anew.",
        )


def _inspected(bucket: str, known: Manifest) -> Verdict:
    checks = tuple(_check_file(bucket, known, file) for file in known.files)
    return Verdict.of(f"{known.model} {known.version}", checks)


def file_url(bucket: str, model: str, version: str, path: str) -> str:
    """``s3://`` address of a bundle's file."""
    return f"s3://{bucket}/{names.bundle_prefix(model, version)}{path}"


def read_file(bucket: str, model: str, version: str, path: str) -> bytes:
    """A small file of a bundle, checked against the manifest.

    Raises:
        VersionUnknown, BundleCorrupt: no such version, no such file, or other bytes.
    """
    return read_listed(bucket, manifest(bucket, model, version), path)


def read_listed(bucket: str, known: Manifest, path: str) -> bytes:
    """A small file of a bundle whose manifest is at hand, checked against it.

    Raises:
        BundleCorrupt: no such file, or other bytes.
    """
    listed = {file.path: file for file in known.files}
    stored = objects.read(bucket, names.bundle_prefix(known.model, known.version) + path)
    if stored is None or path not in listed:
        raise BundleCorrupt(
            f"{known.model} {known.version} has no file {path!r}.",
            f"It has: {', '.join(sorted(listed))}.",
        )
    if hashlib.sha256(stored.body).hexdigest() != listed[path].sha256:
        raise BundleCorrupt(
            f"{known.model} {known.version}: {path} is not what the manifest says.",
            "Restore the object's earlier version from the bucket's history.",
        )
    return stored.body


def _check_file(bucket: str, known: Manifest, file: BundleFile) -> Check:
    key = names.bundle_prefix(known.model, known.version) + file.path
    standing = objects.head(bucket, key)
    if standing is None:
        return Check(name=file.path, outcome="fail", observed="missing", bound=file.sha256[:12])
    sha256, size = objects.digest(bucket, key)
    return Check(
        name=file.path,
        outcome="pass" if (sha256, size) == (file.sha256, file.size) else "fail",
        observed=f"{sha256[:12]}, {size} bytes",
        bound=f"{file.sha256[:12]}, {file.size} bytes",
    )
