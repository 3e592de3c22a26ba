"""What an app brings along: one archive with the models that it starts with.

The other form of delivery, from the CDN, needs none of it. Both are cut from the same manifests, so
that an app verifies what it brought as it verifies what it loads later.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from tasks import objects
from tasks.errors import BundleCorrupt, NothingToPack
from tasks.registry import bundle, names, pointer, publication
from tasks.registry.app_contents import FORMATS, INDEX, AppArchive, AppModel, choose, zipped
from tasks.values import Manifest

ROOT = Path(__file__).resolve().parents[2]
VECTORS = ROOT / "clients" / "vectors"
RUNTIMES = """These models run in LiteRT (ai-edge-litert) and TensorFlow.js.
Both are under the Apache License 2.0; an app that brings one of them carries its licence text.
"""
LARGEST = 512 * 1024 * 1024
NEXT_FORMATS = "Ask for formats that model.yaml makes, or release a version that has them."


def serving(bucket: str, models: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """The versions that serve, and the models that have none with the reason."""
    pointers = {model: pointer.read(bucket, model) for model in models}
    return (
        {model: found.version for model, found in pointers.items() if found is not None},
        {model: "no version serves yet" for model, found in pointers.items() if found is None},
    )


def pack(
    bucket: str,
    versions: Mapping[str, str],
    formats: Sequence[str] = tuple(FORMATS),
    shared: Mapping[str, bytes] | None = None,
    left_out: Mapping[str, str] | None = None,
) -> tuple[AppArchive, bytes]:
    """Make the archive: every file is compared with its manifest on the way in.

    Args:
        bucket: The registry.
        versions: Version by model.
        formats: Which formats go in.
        shared: Further files, by path: licences, test vectors of all models.
        left_out: Models that were left out before, and why.

    Returns:
        What it is, and its bytes (a ZIP file; the same of the same models).

    Raises:
        VersionUnknown: a version does not exist.
        NothingToPack: no version has one of the formats, or all are too large for an app.
        BundleCorrupt: a file is not what its manifest says.
    """
    skipped = dict(left_out or {})
    manifests = {model: bundle.manifest(bucket, model, v) for model, v in sorted(versions.items())}
    chosen: list[AppModel] = []
    for model, known in manifests.items():
        part = choose(known, formats)
        if part is None:
            skipped[model] = f"{known.version} has none of the formats {', '.join(formats)}"
        else:
            chosen.append(part)
    if not chosen:
        why = "; ".join(f"{model}: {reason}" for model, reason in sorted(skipped.items()))
        raise NothingToPack(f"There is nothing to pack ({why or 'no model'}).", NEXT_FORMATS)
    size = sum(part.size for part in chosen)
    if size > LARGEST:
        raise NothingToPack(
            f"The models have {size:,} bytes; an app's archive takes {LARGEST:,}.",
            "Pack fewer models, or fewer formats.",
        )
    body = zipped(_contents(bucket, chosen, manifests, shared or {}))
    made = AppArchive(
        models=tuple(chosen),
        left_out=skipped,
        sha256=hashlib.sha256(body).hexdigest(),
        size=len(body),
    )
    return made, body


def keep(bucket: str, made: AppArchive, body: bytes) -> str:
    """Put an archive into the registry, read it back, and say where it is.

    Raises:
        BundleCorrupt: what was read back is not what was sent.
    """
    key = f"{names.APP_ARCHIVES}{made.name}"
    objects.create(
        bucket, key, body, content_type="application/zip", cache_control=publication.YEAR_LONG
    )
    if objects.digest(bucket, key) != (made.sha256, made.size):
        raise BundleCorrupt(
            f"s3://{bucket}/{key} is not the archive that was sent.",
            "Delete the object and run again; if it stays, the store damages what it is given.",
        )
    return f"s3://{bucket}/{key}"


def shared_files() -> dict[str, bytes]:
    """What is in every archive: licences, and the test vectors that are the same for all models."""
    return {
        "LICENSES/models.txt": (ROOT / "LICENSE").read_bytes(),
        "LICENSES/runtimes.txt": RUNTIMES.encode(),
        **{f"vectors/{path.name}": path.read_bytes() for path in sorted(VECTORS.glob("*.json"))},
    }


def _contents(
    bucket: str,
    chosen: Sequence[AppModel],
    manifests: Mapping[str, Manifest],
    shared: Mapping[str, bytes],
) -> dict[str, bytes]:
    contents = dict(shared)
    for part in chosen:
        folder = names.bundle_prefix(part.model, part.version)
        for path in part.files:
            contents[folder + path] = bundle.read_listed(bucket, manifests[part.model], path)
        key = names.manifest_key(part.model, part.version)
        stored = objects.read(bucket, key)
        contents[key] = b"" if stored is None else stored.body
        signature = names.signature_key(
            part.model, part.version, hashlib.sha256(contents[key]).hexdigest()
        )
        if (stored := objects.read(bucket, signature)) is not None:
            contents[signature] = stored.body
    index = {
        "schema_version": 1,
        "models": [part.model_dump(mode="json") for part in chosen],
        "sha256": {path: hashlib.sha256(body).hexdigest() for path, body in contents.items()},
    }
    return {INDEX: json.dumps(index, indent=1, sort_keys=True).encode(), **contents}
