"""Compressions and archives by the ending of a file's name. Pure."""

from __future__ import annotations

ENDINGS: dict[str, str] = {
    ".gz": "gzip",
    ".gzip": "gzip",
    ".bz2": "bzip2",
    ".deflate": "deflate",
    ".zst": "Zstandard",
    ".zstd": "Zstandard",
    ".xz": "xz",
    ".lz4": "lz4 frames",
}
"""Compressions that are read, by the ending of a name."""
UNREAD: tuple[str, ...] = (".snappy", ".sz", ".lzo", ".br", ".z", ".zip", ".7z", ".tar")
"""Endings of compressions and archives that are not read."""


def ending_of(key: str) -> str:
    """The ending that tells of a compression, read or not, or ""."""
    name = key.lower()
    return next((ending for ending in (*ENDINGS, *UNREAD) if name.endswith(ending)), "")
