"""How a version comes to be: claim → files → signature → manifest.

The claim is created with ``If-None-Match`` and says which identity owns the version; each file is
put with a checksum and read back (a store may take a wrong checksum without a word); the manifest
comes last, and only it makes the version exist. A publisher that dies anywhere is continued by the
next call with the same identity, which first replaces the claim's token, so that a publisher that
was only slow stops before its commit.
"""

from __future__ import annotations

import hashlib
import mimetypes
import tempfile
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from models.runtime.archives.bounds import ArchiveRefused
from models.runtime.archives.gunzip import CHUNK
from models.runtime.archives.reading import ArchiveMember, members
from models.runtime.model_files import LISTING, listing_of
from tasks import objects
from tasks.aws import asking, client
from tasks.disk import writing
from tasks.errors import BundleCorrupt, InvalidSetting, RegistryError, VersionExists
from tasks.registry import names, signing
from tasks.registry.bundle import find_manifest, require_sound, verify
from tasks.stored import parsed
from tasks.values import BundleFile, Frozen, Manifest

ARCHIVE = "model.tar.gz"
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
        files: Path inside the bundle → local file, or ``s3://bucket/key``. What a model.tar.gz
            unpacks to is listed beside it here, so that containers can compare.

    Raises:
        VersionExists: the version belongs to another identity.
        BundleCorrupt: what was read back is not what was sent, the version is committed with other
            bytes, or its model.tar.gz is no archive that is let in.
        RegistryError: another process took the publication over; it will finish it.
        DiskFull: its files do not fit into the temporary folder.
    """
    names.checked(draft.version)
    committed = find_manifest(bucket, draft.model, draft.version)
    if committed is not None:
        return _finished(bucket, draft, committed)
    token = _take(bucket, draft)
    with tempfile.TemporaryDirectory(prefix="sluice-bundle-") as folder:
        with writing(f"{draft.model} {draft.version}", Path(folder)):
            local = {path: _local(source, Path(folder)) for path, source in files.items()}
            if ARCHIVE in local:
                local[LISTING] = Path(folder) / LISTING
                local[LISTING].write_bytes(_listing(draft, local[ARCHIVE]))
        written = tuple(_put_file(bucket, draft, path, local[path]) for path in sorted(local))
        manifest = draft.model_copy(update={"files": written})
        _still_mine(bucket, draft, token)
        _commit(bucket, manifest)
    return verify(bucket, draft.model, draft.version)


def vouch(bucket: str, model: str, version: str) -> str:
    """Sign a version that has no signature that is believed here; the signature's address.

    Raises:
        InvalidSetting: the installation signs nothing, or its key cannot be read.
        VersionUnknown, BundleCorrupt: it is not what its manifest says.
    """
    body = require_sound(bucket, model, version)
    key = _sign(bucket, model, version, body)
    if not key:
        raise InvalidSetting(
            "SLUICE_SIGNING_KEY is empty: nothing is signed here.",
            "Set it; `python -m deployments.signing key signing.pem` makes a key.",
        )
    return f"s3://{bucket}/{key}"


def _sign(bucket: str, model: str, version: str, body: bytes) -> str:
    """Put a signature beside a manifest; its key, or "" where the installation signs nothing.

    Raises:
        InvalidSetting, AwsError: see `signing.signed`.
    """
    envelope = signing.signed(model, version, body)
    if envelope is None:
        return ""
    key = names.signature_key(model, version, hashlib.sha256(body).hexdigest())
    if objects.create(bucket, key, envelope, cache_control=YEAR_LONG) is None:
        standing = objects.head(
            bucket, key
        )  # made before, perhaps by a key that is trusted no more
        if standing is not None:
            objects.swap(bucket, key, envelope, etag=standing, cache_control=YEAR_LONG)
    return key


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
    return parsed(Claim, stored.body, key, BundleCorrupt).identity if stored else ""


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
    if stored is None or parsed(Claim, stored.body, key, BundleCorrupt).token != token:
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


def _listing(draft: Manifest, archive: Path) -> bytes:
    try:
        with archive.open("rb") as file:
            files = {member.path: _sha256(member) for member in members(file) if not member.folder}
    except ArchiveRefused as error:
        raise BundleCorrupt(
            f"{draft.model} {draft.version}: {ARCHIVE} cannot be published: {error.what}.",
            error.next_step,
        ) from error
    return listing_of(files)


def _sha256(member: ArchiveMember) -> str:
    digest = hashlib.sha256()
    while chunk := member.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


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
    _sign(bucket, ready.model, ready.version, body)
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


def created_text(created: float) -> str:
    """ISO 8601 (UTC, seconds) of a unix time, as manifests carry it."""
    return datetime.fromtimestamp(int(created), tz=UTC).isoformat()
