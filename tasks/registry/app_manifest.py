"""A second manifest for clients that know nothing of ours.

They read ``latest.json``, put a ``v`` before its version, and expect
``<model>/v<version>/manifest.json`` with ``modelUrl`` and ``sha256Hash``. Our versions bear a ``v``
already, so that such a client asks for ``<model>/vv20260131_020000/manifest.json``: this file. It
is written once, when the version is published, and never changed; the pointer stays the only
object that moves.
"""

from __future__ import annotations

import json

from tasks import objects
from tasks.errors import BundleCorrupt
from tasks.registry import names, publication
from tasks.registry.app_contents import app_manifest, has_app_manifest
from tasks.values import Manifest


def write(bucket: str, known: Manifest, cdn_url: str) -> str | None:
    """Write the file, or find it written; its key, or None where the version has none.

    Raises:
        BundleCorrupt: another content stands in its place.
    """
    content = app_manifest(known, cdn_url) if has_app_manifest(known.version) else None
    if content is None:
        return None
    key = names.app_manifest_key(known.model, known.version)
    objects.create(
        bucket, key, json.dumps(content, indent=1).encode(), cache_control=publication.YEAR_LONG
    )
    stored = objects.read(bucket, key)
    standing = {} if stored is None else json.loads(stored.body)
    if standing.get("sha256Hash") != content["sha256Hash"]:
        raise BundleCorrupt(
            f"s3://{bucket}/{key} tells of another file than {known.model} {known.version} has.",
            "Delete it and run again; it is made from manifest.json.",
        )
    return key
