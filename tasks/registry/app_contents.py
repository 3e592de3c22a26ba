"""What goes into an app's archive, and what clients are told that know nothing of ours. Pure."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Any

from tasks.registry import names
from tasks.values import Frozen, Manifest

FORMATS: Mapping[str, str] = {
    "tflite_float16": "tflite/model_float16.tflite",
    "tflite_int8": "tflite/model_int8.tflite",
    "tfjs_float16": "tfjs/",
}
"""Format → its file in a bundle, or the folder of its files."""
DOCUMENTS = (
    *("signatures.json", "preprocess.json", "reference.json", "vectors.json"),
    *("model_card.json", "sample_request.json"),
)
"""What goes with every model, where its bundle has it."""
INDEX = "index.json"
MAIN_FILES = {**FORMATS, "tfjs_float16": "tfjs/model.json"}
ORDER = ("tfjs_float16", "tflite_float16", "tflite_int8")
"""What a client is given that does not say what it runs: a browser is the likeliest."""


ALWAYS_1980 = (1980, 1, 1, 0, 0, 0)
"""The same models make the same bytes."""


class AppModel(Frozen):
    """One model in the archive; ``files`` are paths below ``<model>/<version>/``."""

    model: str
    version: str
    formats: tuple[str, ...]
    files: tuple[str, ...]
    size: int


class AppArchive(Frozen):
    """An archive that was made; ``left_out`` says of which model nothing is in it, and why."""

    models: tuple[AppModel, ...]
    left_out: Mapping[str, str]
    sha256: str
    size: int

    @property
    def name(self) -> str:
        """Its file's name: of the same models always the same."""
        return f"models-{self.sha256[:16]}.zip"


def choose(known: Manifest, formats: Iterable[str]) -> AppModel | None:
    """What of a version goes into the archive; None when it has none of the formats."""
    sizes = {file.path: file.size for file in known.files}
    found = {
        name: [path for path in sizes if path.startswith(FORMATS[name])]
        for name in FORMATS
        if name in set(formats)
    }
    made = {name: paths for name, paths in found.items() if paths}
    if not made:
        return None
    chosen = {path for paths in made.values() for path in paths} | (sizes.keys() & set(DOCUMENTS))
    return AppModel(
        model=known.model,
        version=known.version,
        formats=tuple(made),
        files=tuple(sorted(chosen)),
        size=sum(sizes[path] for path in chosen),
    )


def zipped(contents: Mapping[str, bytes]) -> bytes:
    """A ZIP file of these, the index first; the same contents make the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(contents, key=lambda path: (path != INDEX, PurePosixPath(path))):
            entry = zipfile.ZipInfo(path, date_time=ALWAYS_1980)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, contents[path])
    return out.getvalue()


def has_app_manifest(version: str) -> bool:
    """Whether a version has such a file.

    ``1.4.0`` has none: its place is that of the version ``v1.4.0``.
    """
    return version.startswith("v")


def app_manifest(known: Manifest, cdn_url: str) -> dict[str, Any] | None:
    """The file's content, or None for a version that has nothing for phones and browsers.

    Args:
        known: The version's manifest.
        cdn_url: Address before the registry; without one, addresses begin at the host's root.
    """
    base = f"{cdn_url.rstrip('/')}/{names.bundle_prefix(known.model, known.version)}"
    hashes = {file.path: file.sha256 for file in known.files}
    formats = {
        name: {"modelUrl": base + MAIN_FILES[name], "sha256Hash": hashes[MAIN_FILES[name]]}
        for name in ORDER
        if MAIN_FILES[name] in hashes
    }
    if not formats:
        return None
    return {
        "model": known.model,
        "version": known.version,
        "timestamp": known.created,
        **next(iter(formats.values())),
        "formats": formats,
        "files": [file.model_dump(mode="json") for file in known.files if _edge(file.path)],
    }


def _edge(path: str) -> bool:
    return path.startswith(("tfjs/", "tflite/"))
