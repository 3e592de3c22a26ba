"""Some rows of one object as they stand there, and rows that could not be taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

TEXT_SHOWN = 1_000


@dataclass(frozen=True)
class RowFault:
    """A row that could not be taken apart. ``text`` is as written, at most ``TEXT_SHOWN`` signs."""

    row: int
    text: str
    why: str


@dataclass(frozen=True)
class Chunk:
    """Some rows of one object, as they stand there.

    Attributes:
        kind: ``text`` (every value is text, "" is no value), ``typed`` (Arrow arrays as the file
            types them) or ``objects`` (Python values as JSON has them).
        columns: name → pyarrow array (``text``, ``typed``) or list (``objects``, nested types).
        rows: number of each row in its object, int64; a CSV header is row 1.
        faults: rows that could not be taken apart.
    """

    kind: str
    columns: Mapping[str, Any]
    rows: np.ndarray
    faults: tuple[RowFault, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)
