"""Read lake objects: CSV and JSON (plain or compressed, in any encoding), Parquet and images.

Reading is all or nothing per object: an object longer than one chunk is read through once before
its first row is given, so that no row of a broken object ever goes on. What is wrong with a single
row (too many fields, a line that is not JSON) is a :class:`RowFault` and costs that row only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tasks.errors import UnreadableData
from tasks.lake.bounds import READ_FAULTS, Limits, reason, unreadable
from tasks.lake.chunks import Chunk
from tasks.lake.csv_text import csv_chunks
from tasks.lake.endings import format_of
from tasks.lake.foreign import foreign_ending
from tasks.lake.json_text import json_chunks
from tasks.lake.parquet import parquet_chunks
from tasks.lake.pictures import DecodedImage, decode_image, strip_exif


@dataclass(frozen=True)
class LocalReader:
    """Reads objects that were pulled into local files."""

    limits: Limits = field(default_factory=Limits)

    def rows(
        self,
        path: Path,
        key: str,
        declared: str = "",
        encoding: str = "utf-8",
        delimiter: str = "",
    ) -> Iterator[Chunk]:
        """Rows of one object in bounded chunks; at least one chunk, perhaps without rows.

        Args:
            path: The local copy.
            key: The object's key; errors name it, its ending tells the format.
            declared: Format of the contract, for keys whose ending tells nothing.
            encoding: Encoding of text formats; a byte-order mark counts before it.
            delimiter: What stands between the fields of CSV ("" is a comma, a tab in ``.tsv``), or
                between the records of JSON (``new_line``, ``array``, "" for what is found).

        Raises:
            UnreadableData: the object cannot be decoded; nothing of it has been given.
        """
        if foreign := foreign_ending(key):
            raise unreadable(key, foreign)
        kind = format_of(key) or declared
        reader = self._reader(kind, key)
        chunks = self._guarded(reader, path, key, encoding, delimiter)
        first = next(chunks, None)
        if first is None:
            raise unreadable(key, "it holds nothing")
        second = next(chunks, None)
        if second is None:
            yield first
            return
        for _ in chunks:
            pass
        yield from self._guarded(reader, path, key, encoding, delimiter)

    def image(self, path: Path, key: str) -> DecodedImage:
        """Decode one image as a whole.

        Raises:
            UnreadableData: it is no image of a known format, is cut off, or is too large.
        """
        return decode_image(path.read_bytes(), key, self.limits)

    def picture(self, path: Path, key: str) -> bytes:
        """The image's file without metadata.

        Raises:
            UnreadableData: as :meth:`image`.
        """
        return strip_exif(path.read_bytes(), key)

    def _reader(self, kind: str, key: str) -> Callable[..., Iterator[Chunk]]:
        if kind == "csv":
            return csv_chunks
        if kind in {"jsonl", "json"}:
            return json_chunks
        if kind == "parquet":
            return parquet_chunks
        raise unreadable(key, f"its format {kind or '(none)'!r} is not one of csv, jsonl, parquet")

    def _guarded(
        self,
        reader: Callable[..., Iterator[Chunk]],
        path: Path,
        key: str,
        encoding: str,
        delimiter: str,
    ) -> Iterator[Chunk]:
        chunks = reader(path, key, self.limits, encoding, delimiter)
        while True:
            try:
                chunk = next(chunks, None)
            except UnreadableData:
                raise
            except READ_FAULTS as error:
                raise unreadable(key, reason(error)) from error
            if chunk is None:
                return
            yield chunk
