"""One recorder per kind of column: takes Arrow arrays, batch by batch, and ends as counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np

from tasks.drift.profiles.categories import CategoryRecorder
from tasks.drift.profiles.cells import CellCounter, Floats
from tasks.drift.profiles.counts import Counts, NumericCounts
from tasks.drift.profiles.describe import (
    IMAGE,
    TEXT,
    VECTOR,
    WORDS,
    derived_names,
    describe_image,
    describe_text,
    describe_vectors,
    half_of,
    words_of,
)
from tasks.drift.profiles.distinct import DistinctCounter
from tasks.drift.profiles.grid import (
    VOCABULARY,
    ColumnKind,
    Grid,
    NumericGrid,
    Vocabularies,
    fit_numeric,
)
from tasks.drift.profiles.numbers import numbers_of


class Recorder(Protocol):
    """Counts one column of a file."""

    def add(self, values: Any) -> None:
        """Count an Arrow array."""

    def absent(self, rows: int) -> None:
        """Count rows of a file that has no such column."""

    def counts(self) -> Iterator[tuple[str, Counts]]:
        """Name and counts of each column that it became."""


class NumericRecorder:
    """Numbers, or text that should be numbers.

    ``measured``: the numbers are descriptors, whose last bits depend on how rows came in batches.
    """

    def __init__(
        self, name: str, grid: NumericGrid, version: int, *, measured: bool = False
    ) -> None:
        self._name, self._grid, self._exactly = name, grid, version > 1
        self._cells = CellCounter(grid.centre, grid.scale, grid.origin if self._exactly else None)
        self._distinct = None if measured else DistinctCounter()
        self._rows = self._nulls = self._invalid = 0

    def add(self, values: Any) -> None:
        """Count an Arrow array of any type that can be read as numbers."""
        numbers, nulls, invalid = numbers_of(values)
        self._rows += len(values)
        self._nulls += nulls
        self._invalid += invalid
        self._cells.add(numbers)
        if self._distinct is not None:
            self._distinct.add(numbers)

    def describe(self, numbers: Floats, nulls: int, invalid: int = 0) -> None:
        """Count descriptors, and the rows that could not be described."""
        self._rows += len(numbers) + nulls + invalid
        self._nulls += nulls
        self._invalid += invalid
        self._cells.add(numbers)

    def absent(self, rows: int) -> None:
        """Every row is null."""
        self._rows += rows
        self._nulls += rows

    def counts(self) -> Iterator[tuple[str, Counts]]:
        """The one column."""
        yield (
            self._name,
            NumericCounts(
                grid=self._grid,
                rows=self._rows,
                nulls=self._nulls,
                nan=self._cells.not_a_number,
                infinite=self._cells.infinite,
                invalid=self._invalid,
                cells=self._cells.cells(),
                at_centre=self._cells.at_centre if self._exactly else None,
                values=None if self._distinct is None else self._distinct.values,
            ),
        )


class DerivedRecorder:
    """Columns that are counted through descriptors; each part is a numeric column."""

    def __init__(self, name: str, parts: tuple[str, ...], grid: Grid) -> None:
        self.parts = {
            part: NumericRecorder(
                f"{name}.{part}", grid.numeric[f"{name}.{part}"], grid.version, measured=True
            )
            for part in parts
        }

    def describe(self, described: Mapping[str, Floats], nulls: int, invalid: int = 0) -> None:
        """Count one batch's descriptors."""
        for part, recorder in self.parts.items():
            recorder.describe(described[part], nulls, invalid)

    def absent(self, rows: int) -> None:
        """Every row is null."""
        for recorder in self.parts.values():
            recorder.absent(rows)

    def counts(self) -> Iterator[tuple[str, Counts]]:
        """One column per part."""
        for recorder in self.parts.values():
            yield from recorder.counts()


class TextRecorder(DerivedRecorder):
    """Free text: descriptors, and how many rows hold each word."""

    def __init__(self, name: str, grid: Grid) -> None:
        super().__init__(name, TEXT, grid)
        self._vocabularies = grid.words.get(name, ((), ()))
        self._words = CategoryRecorder(f"{name}.{WORDS}", words=True)

    def add(self, values: Any) -> None:
        """Count an Arrow array of strings."""
        texts = _strings(values).drop_null()
        nulls = len(values) - len(texts)
        rows, words = words_of(texts)
        self.describe(describe_text(texts, rows, words, self._vocabularies), nulls)
        self._words.add_words(rows, words, len(texts), nulls)

    def absent(self, rows: int) -> None:
        """Every row is null."""
        super().absent(rows)
        self._words.absent(rows)

    def counts(self) -> Iterator[tuple[str, Counts]]:
        """The descriptors and the words."""
        yield from super().counts()
        yield from self._words.counts()


class ImageRecorder(DerivedRecorder):
    """Encoded images; one that does not decode is invalid."""

    def __init__(self, name: str, grid: Grid) -> None:
        super().__init__(name, IMAGE, grid)

    def add(self, values: Any) -> None:
        """Count an Arrow array of binary values."""
        described, nulls, invalid = _images(values)
        parts = dict(zip(IMAGE, described.T, strict=True))
        self.describe(parts, nulls, invalid)


class VectorRecorder(DerivedRecorder):
    """Embeddings: lists of numbers of one length; others are invalid."""

    def __init__(self, name: str, grid: Grid) -> None:
        super().__init__(name, VECTOR, grid)
        self._dimension = 0

    def add(self, values: Any) -> None:
        """Count an Arrow array of lists."""
        vectors, nulls, invalid = _vectors(values, self._dimension)
        self._dimension = vectors.shape[1]
        self.describe(describe_vectors(vectors), nulls, invalid)


def recorder(name: str, kind: ColumnKind, grid: Grid) -> Recorder:
    """The recorder of a column."""
    recorders: Mapping[ColumnKind, Callable[[], Recorder]] = {
        "numeric": lambda: NumericRecorder(name, grid.numeric[name], grid.version),
        "categorical": lambda: CategoryRecorder(name),
        "text": lambda: TextRecorder(name, grid),
        "image": lambda: ImageRecorder(name, grid),
        "vector": lambda: VectorRecorder(name, grid),
    }
    return recorders[kind]()


def fit_column(
    name: str,
    kind: ColumnKind,
    sample: Any,
    numeric: dict[str, NumericGrid],
    words: dict[str, Vocabularies],
) -> None:
    """Fit the grids of one column on a sample (None: the column is absent) into both mappings."""
    names = derived_names(kind, name)
    numeric.update(dict.fromkeys(names, NumericGrid()))
    if sample is None or kind == "categorical":
        return
    values = sample.combine_chunks() if hasattr(sample, "combine_chunks") else sample
    if kind == "numeric":
        numeric[name] = fit_numeric(numbers_of(values)[0])
        return
    described: Mapping[str, Floats]
    if kind == "text":
        texts = _strings(values).drop_null()
        rows, text_words = words_of(texts)
        half = half_of(texts)
        words[name] = (_vocabulary(texts, half == 0), _vocabulary(texts, half == 1))
        described = describe_text(texts, rows, text_words, words[name])
    elif kind == "image":
        described = dict(zip(IMAGE, _images(values)[0].T, strict=True))
    else:
        described = describe_vectors(_vectors(values, 0)[0])
    for part, numbers in described.items():
        numeric[f"{name}.{part}"] = fit_numeric(numbers)


def _vocabulary(texts: Any, chosen: Any) -> tuple[str, ...]:
    """Words that stand in at least two of the chosen texts, most frequent first."""
    corpus = texts.filter(chosen)
    rows, words = words_of(corpus)
    recorded = CategoryRecorder("", words=True)
    recorded.add_words(rows, words, len(corpus), 0)
    ordered = sorted(recorded.common().items(), key=lambda item: (-item[1], item[0]))
    return tuple(word for word, count in ordered if count > 1)[:VOCABULARY]


def _strings(values: Any) -> Any:
    import pyarrow as pa

    return values.cast(pa.string())


def _images(values: Any) -> tuple[Floats, int, int]:
    pictures = [item for item in values.to_pylist() if item is not None]
    described = [describe_image(item if isinstance(item, bytes) else b"") for item in pictures]
    good = [item for item in described if item is not None]
    numbers = np.asarray(good, np.float64).reshape(len(good), len(IMAGE))
    return numbers, len(values) - len(pictures), len(pictures) - len(good)


def _vectors(values: Any, dimension: int) -> tuple[Floats, int, int]:
    vectors = [item for item in values.to_pylist() if item is not None]
    dimension = dimension or (len(vectors[0]) if vectors else 0)
    good = [item for item in vectors if len(item) == dimension and None not in item]
    numbers = np.asarray(good, np.float64).reshape(len(good), dimension)
    return numbers, len(values) - len(vectors), len(vectors) - len(good)
