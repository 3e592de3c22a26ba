"""The named, typed tensors between a client's rows and a model: what goes in, what comes out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime import spill

Arrays = Mapping[str, NDArray[Any]]
"""Tensors by name, each [n, …]."""


@dataclass(frozen=True)
class Tensor:
    """One tensor of a single row.

    Args:
        name: Its name in the graph, and in preprocess.json.
        shape: Shape of one row, batch first: ``(1, …)``.
        dtype: NumPy's name: ``float32``, ``int64``, ``str`` …
        vocabulary: Of ids of words or categories: how many there are, 0 for padding included.
            0 where the values are no ids.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"
    vocabulary: int = 0

    @property
    def row_bytes(self) -> int:
        """What a row takes; of texts what an address of one does."""
        kind = object if self.dtype == "str" else self.dtype
        return math.prod(self.shape[1:]) * np.dtype(kind).itemsize

    def to_json(self) -> dict[str, Any]:
        """As preprocess.json writes it."""
        document = {"name": self.name, "shape": list(self.shape), "dtype": self.dtype}
        return {**document, "vocabulary": self.vocabulary} if self.vocabulary else document

    @classmethod
    def of_json(cls, document: Mapping[str, Any]) -> Tensor:
        """From preprocess.json."""
        shape = tuple(int(n) for n in document["shape"])
        vocabulary = int(document.get("vocabulary", 0))
        return cls(str(document["name"]), shape, str(document["dtype"]), vocabulary)


@dataclass(frozen=True)
class Signature:
    """Everything that a model takes and gives."""

    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]

    def to_json(self) -> dict[str, Any]:
        """As preprocess.json writes it."""
        return {
            "inputs": [tensor.to_json() for tensor in self.inputs],
            "outputs": [tensor.to_json() for tensor in self.outputs],
        }

    @classmethod
    def of_json(cls, document: Mapping[str, Any]) -> Signature:
        """From preprocess.json."""
        return cls(
            tuple(Tensor.of_json(tensor) for tensor in document["inputs"]),
            tuple(Tensor.of_json(tensor) for tensor in document["outputs"]),
        )


def rows_of(arrays: Arrays) -> int:
    """How many rows they hold."""
    return len(next(iter(arrays.values())))


def take(arrays: Arrays, rows: Any) -> dict[str, NDArray[Any]]:
    """The chosen rows (indices, a mask, or a slice)."""
    return {name: spill.taken(values, rows) for name, values in arrays.items()}


def first_unfit(arrays: Arrays) -> int | None:
    """Index of the first row that holds a number which is not finite, or None."""
    for values in arrays.values():
        if values.dtype.kind == "f":
            unfit = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(axis=1))
            if unfit.size:
                return int(unfit[0])
    return None
