"""Bundles: immutable version folders, committed by their manifest.

Order of writes: claim → files → manifest. The claim is created with ``If-None-Match`` and says
which identity owns the version; each file is put with a checksum and read back (a store may take a
wrong checksum without a word); the manifest comes last, and only it makes the version exist. A
publisher that dies anywhere is continued by the next call with the same identity, which first
replaces the claim's token, so that a publisher that was only slow stops before its commit.
"""

from __future__ import annotations

import hashlib
import mimetypes
import tempfile
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from tasks import objects
from tasks.aws import asking, client
from tasks.errors import BundleCorrupt, RegistryError, VersionExists, VersionUnknown
from tasks.registry import names
from tasks.registry.stored import parsed
from tasks.values import BundleFile, Check, Frozen, Manifest, Verdict

YEAR_LONG = "public, max-age=31536000, immutable"
TRIES = 600


class Claim(Frozen):
    """Which candidate owns a version, and which process is writing it."""

    identity: str
    token: str


def claim_version(bucket: str, model: str, created: float, identity: str) -> str:
    """The version of a candidate: its job's creation time, moved on by seconds while taken.

    The same identity and creation time always lead to the same version.

    Raises:
        VersionExists: ten minutes' worth of versions are taken by other candidates.
    """
    for second in range(TRIES):
        version = names.version_of(created + second)
        if _owner(bucket, model, version, identity) == identity:
            return version
    raise VersionExists(
        f"{model}: the {TRIES} versions from {names.version_of(created)} on are all taken.",
        "Look into the registry: something publishes in a loop.",
    )


def publish(bucket: str, draft: Manifest, files: Mapping[str, Path | str]) -> Manifest:
    """Write a bundle, or finish one that was begun, and commit it.

    Args:
        bucket: The registry.
        draft: The manifest; its ``files`` are ignored and measured here.
        files: Path inside the bundle → local file, or ``s3://bucket/key``.

    Raises:
        VersionExists: the version belongs to another identity.
        BundleCorrupt: what was read back is not what was sent, or the version is committed with
            other bytes.
        RegistryError: another process took the publication over; it will finish it.
    """
    names.checked(draft.version)
    committed = find_manifest(bucket, draft.model, draft.version)
    if committed is not None:
        return _finished(bucket, draft, committed)
    token = _take(bucket, draft)
    with tempfile.TemporaryDirectory(prefix="sluice-bundle-") as folder:
        local = {path: _local(source, Path(folder)) for path, source in files.items()}
        written = tuple(_put_file(bucket, draft, path, local[path]) for path in sorted(local))
        manifest = draft.model_copy(update={"files": written})
        _still_mine(bucket, draft, token)
        _commit(bucket, manifest)
    verify(bucket, draft.model, draft.version)
    return manifest


def find_manifest(bucket: str, model: str, version: str) -> Manifest | None:
    """The manifest of a committed version, or None.

    Raises:
        BundleCorrupt: there is one, and it does not parse.
    """
    stored = objects.read(bucket, names.manifest_key(model, version))
    if stored is None:
        return None
    return parsed(Manifest, stored.body, f"{model} {version}: manifest.json")


def manifest(bucket: str, model: str, version: str) -> Manifest:
    """The manifest of a version that must exist.

    Raises:
        VersionUnknown: no such version; the newest ones are named.
    """
    committed = find_manifest(bucket, model, names.checked(version))
    if committed is None:
        known = ", ".join(versions(bucket, model)[-5:]) or "(none yet)"
        raise VersionUnknown(
            f"{model} has no version {version!r}.", f"Name one of the newest: {known}."
        )
    return committed


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
    known = manifest(bucket, model, version)
    checks = tuple(_check_file(bucket, known, file) for file in known.files)
    return Verdict.of(f"{model} {version}", checks)


def verify(bucket: str, model: str, version: str) -> Manifest:
    """The manifest, once every file has been read and found as it says.

    Raises:
        VersionUnknown, BundleCorrupt: the files that differ are named.
    """
    verdict = inspect(bucket, model, version)
    if verdict.outcome != "pass":
        raise BundleCorrupt(
            f"{model} {version} is not what its manifest says: {verdict.reason}.",
            "Restore the files' earlier versions from the bucket's history, or publish anew.",
        )
    return manifest(bucket, model, version)


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


def _owner(bucket: str, model: str, version: str, identity: str) -> str:
    """Identity that owns a version, after claiming it for ours if it is free."""
    key = names.claim_key(model, version)
    claim = Claim(identity=identity, token=uuid.uuid4().hex)
    stored = objects.read(bucket, key)
    if stored is None:
        committed = find_manifest(bucket, model, version)  # published elsewhere, copied here
        if committed is not None:
            return committed.identity
        if objects.create(bucket, key, claim.model_dump_json().encode()) is not None:
            return identity
        stored = objects.read(bucket, key)
    return parsed(Claim, stored.body, key).identity if stored else ""


def _take(bucket: str, draft: Manifest) -> str:
    owner = _owner(bucket, draft.model, draft.version, draft.identity)
    if owner != draft.identity:
        raise VersionExists(
            f"{draft.model} {draft.version} belongs to the candidate {owner!r}, "
            f"not to {draft.identity!r}.",
            "Publish under another version; claim_version finds the next free one.",
        )
    key = names.claim_key(draft.model, draft.version)
    stored = objects.read(bucket, key)
    claim = Claim(identity=draft.identity, token=uuid.uuid4().hex)
    body = claim.model_dump_json().encode()
    if stored is not None and objects.swap(bucket, key, body, etag=stored.etag) is None:
        raise _overtaken(draft)
    return claim.token


def _still_mine(bucket: str, draft: Manifest, token: str) -> None:
    key = names.claim_key(draft.model, draft.version)
    stored = objects.read(bucket, key)
    if stored is None or parsed(Claim, stored.body, key).token != token:
        raise _overtaken(draft)


def _overtaken(draft: Manifest) -> RegistryError:
    return RegistryError(
        f"{draft.model} {draft.version}: another process took this publication over.",
        "Let it finish, then run again: the finished version will be found.",
    )


def _local(source: Path | str, folder: Path) -> Path:
    if isinstance(source, Path):
        return source
    bucket, _, key = source.removeprefix("s3://").partition("/")
    target = folder / uuid.uuid4().hex
    with asking(f"GetObject {source}"):
        client("s3").download_file(bucket, key, str(target))
    return target


def _put_file(bucket: str, draft: Manifest, path: str, local: Path) -> BundleFile:
    sha256, size = objects.file_digest(local)
    key = names.bundle_prefix(draft.model, draft.version) + path
    kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
    headers = {"cache_control": YEAR_LONG, "content_type": kind}
    file = BundleFile(path=path, sha256=sha256, size=size)
    if objects.create(bucket, key, local, metadata={"sha256": sha256}, **headers) is None:
        standing = objects.head(bucket, key)
        if standing is not None and objects.digest(bucket, key) != (sha256, size):
            # Left by a publisher that died before its commit, from another run of the conversion.
            objects.swap(bucket, key, local, etag=standing, metadata={"sha256": sha256}, **headers)
    digest = objects.digest(bucket, key)
    if digest != (sha256, size):
        raise BundleCorrupt(
            f"{draft.model} {draft.version}: {path} was sent as {sha256[:12]} ({size} bytes) and "
            f"read back as {digest[0][:12]} ({digest[1]} bytes).",
            "Run again; if it stays, the store damages what it is given.",
        )
    return file


def _commit(bucket: str, ready: Manifest) -> None:
    key = names.manifest_key(ready.model, ready.version)
    body = ready.model_dump_json(indent=2).encode()
    if objects.create(bucket, key, body, cache_control=YEAR_LONG) is None:
        standing = find_manifest(bucket, ready.model, ready.version)
        if standing is None or standing.files != ready.files:
            raise _overtaken(ready)


def _finished(bucket: str, draft: Manifest, committed: Manifest) -> Manifest:
    if committed.identity != draft.identity:
        raise VersionExists(
            f"{draft.model} {draft.version} is already published, of the candidate "
            f"{committed.identity!r}, not {draft.identity!r}.",
            "Publish under another version; claim_version finds the next free one.",
        )
    return verify(bucket, draft.model, draft.version)


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


def created_text(created: float) -> str:
    """ISO 8601 (UTC, seconds) of a unix time, as manifests carry it."""
    return datetime.fromtimestamp(int(created), tz=UTC).isoformat()
