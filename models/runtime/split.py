"""Rows of one channel, and the columns that a channel's rows have."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.signature import Arrays, take

COLUMNS = "_columns.json"
"""File in a channel's folder that names the contract's columns."""


class NoData(Exception):
    """A channel holds nothing to learn from."""


@dataclass(frozen=True)
class Split:
    """Rows of one channel: ids [n], what a client would send of each, labels [n]."""

    ids: NDArray[np.str_]
    inputs: Arrays
    labels: NDArray[Any]

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.labels)

    def take(self, rows: Any) -> Split:
        """The chosen rows (indices or a mask)."""
        return Split(self.ids[rows], take(self.inputs, rows), self.labels[rows])


@dataclass(frozen=True)
class ChannelColumn:
    """A column as its contract describes it.

    Args:
        name: Its name.
        type: Logical type: ``number``, ``integer``, ``string``, ``date`` …
        required: Whether every row has a value.
        key: Whether it only tells rows apart.
        kind: How the contract looks at it: ``numeric``, ``categorical``, ``text`` or "".
        values: The allowed values, where the contract lists them.
    """

    name: str
    type: str
    required: bool = False
    key: bool = False
    kind: str = ""
    values: Sequence[Any] = field(default=())


def columns_of(channel: Path) -> tuple[ChannelColumn, ...]:
    """The contract's columns, from ``_columns.json``.

    Raises:
        NoData: the file is missing or no such list.
    """
    path = channel / COLUMNS
    try:
        entries = json.loads(path.read_text("utf-8"))["columns"]
        return tuple(ChannelColumn(**column) for column in entries)
    except FileNotFoundError as error:
        raise NoData(
            f"{channel} holds no {COLUMNS}, which names the columns and their types."
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise NoData(f"{path} lists no columns: {type(error).__name__}: {error}") from error


def columns_document(columns: Sequence[Mapping[str, Any]]) -> str:
    """The text of ``_columns.json``."""
    entries = [ChannelColumn(**column) for column in columns]
    return (
        json.dumps({"columns": [vars(column) for column in entries]}, indent=1, default=str) + "\n"
    )
