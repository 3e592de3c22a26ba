"""The unpacked bytes of a gzip file, in bounded memory and to the checksum at its end."""

from __future__ import annotations

import zlib
from typing import IO

from models.runtime.archives.bounds import ArchiveBounds, ArchiveRefused, broken

CHUNK = 1 << 18
GZIP = 16 + zlib.MAX_WBITS
MOST_PADDING = 1 << 20
"""Zeros after the last member, and after the gzip stream: what tapes were filled up with."""


class GunzippedStream:
    """Reads forward only; never holds more than some chunks.

    Args:
        file: At the beginning of the gzip file.
        bounds: Of the ratio.
    """

    def __init__(self, file: IO[bytes], bounds: ArchiveBounds) -> None:
        self._file = file
        self._bounds = bounds
        self._inflate = zlib.decompressobj(GZIP)
        self._packed = 0
        self._unpacked = 0
        self._ahead, self._at = b"", 0

    def read(self, count: int) -> bytes:
        """As many bytes.

        Raises:
            ArchiveRefused: there are no more, they are damaged, or too many for what is packed.
        """
        pieces = []
        while True:
            piece = self._ahead[self._at : self._at + count]
            self._at += len(piece)
            count -= len(piece)
            pieces.append(piece)
            if not count:
                return piece if len(pieces) == 1 else b"".join(pieces)
            self._ahead, self._at = self._more(), 0
            if not self._ahead:
                raise broken(f"it ends too early, after {self._unpacked:,} unpacked bytes")

    def skip(self, count: int) -> None:
        """Pass over as many bytes."""
        while count:
            count -= len(self.read(min(count, CHUNK)))

    def finish(self) -> None:
        """Read on to the end of the file, where only zeros may be.

        Raises:
            ArchiveRefused: something follows, the checksum is wrong, or the end is missing.
        """
        piece = self._ahead[self._at :]
        self._only_zeros(piece, "the last member")
        padding = len(piece)
        while piece := self._more():
            padding += len(piece)
            self._only_zeros(piece, "the last member", padding)
        rest = self._inflate.unused_data
        padding = 0
        while rest:
            padding += len(rest)
            self._only_zeros(rest, "its gzip stream (one is all that is read)", padding)
            rest = self._file.read(CHUNK)

    def _more(self) -> bytes:
        while not self._inflate.eof:
            packed = self._inflate.unconsumed_tail
            if not packed:
                packed = self._file.read(CHUNK)
                self._packed += len(packed)
            if not packed:
                raise broken(f"it is cut off after {self._packed:,} bytes")
            try:
                piece = self._inflate.decompress(packed, CHUNK)
            except zlib.error as error:
                raise broken(f"its bytes are damaged, or no gzip ({error})") from error
            if piece:
                self._unpacked += len(piece)
                self._hold_ratio()
                return piece
        return b""

    def _hold_ratio(self) -> None:
        most = max(self._bounds.free, self._bounds.ratio * self._packed)
        if self._unpacked > most:
            raise ArchiveRefused(
                f"its first {self._packed:,} bytes unpack to more than {most:,}, over "
                f"{self._bounds.ratio} for each",
                "Leave out files of zeros; keep large sparse arrays compressed (npz).",
                "size",
            )

    @staticmethod
    def _only_zeros(piece: bytes, after: str, length: int = 0) -> None:
        if piece.count(0) != len(piece):
            raise broken(f"something follows after {after}")
        if length > MOST_PADDING:
            raise broken(f"over {MOST_PADDING:,} zeros follow after {after}")
