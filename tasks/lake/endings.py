"""Formats of lake objects, told by the endings of their names."""

from __future__ import annotations

from tasks.compressed_names import ending_of

ENDINGS: dict[str, str] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".parq": "parquet",
    ".pq": "parquet",
    ".jpg": "image",
    ".jpeg": "image",
    ".png": "image",
    ".webp": "image",
}
"""Formats by the ending of a name; text formats may have a compression's ending behind it."""


def format_of(key: str) -> str:
    """Format by the key's ending: csv, json, jsonl, parquet, image, or "" when it tells nothing."""
    name = key.lower().removesuffix(ending_of(key))
    return next((kind for ending, kind in ENDINGS.items() if name.endswith(ending)), "")


def stem_of(key: str) -> str:
    """A key, in small letters, without the endings that tell its compression and its format."""
    name = key.lower().removesuffix(ending_of(key))
    ending = next((ending for ending in ENDINGS if name.endswith(ending)), "")
    return name.removesuffix(ending)
