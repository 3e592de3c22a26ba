"""The recorder of categorical columns and of words: exact while there are few values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from tasks.drift.profiles.cells import Ints
from tasks.drift.profiles.counts import EXACT_VALUES, EXACT_WORDS, CategoryCounts, Counts, sketched
from tasks.drift.profiles.sketch import Sketch, sketch_of


class CategoryRecorder:
    """Counts the values of one column.

    Batches of a file mostly share one dictionary: their counts are added as arrays, and names are
    looked at only when the dictionary changes.
    """

    def __init__(self, name: str, *, words: bool = False) -> None:
        self._name, self._words = name, words
        self._limit = EXACT_WORDS if words else EXACT_VALUES
        self._rows = self._nulls = 0
        self._exact: dict[str, int] = {}
        self._sketch: Sketch | None = None
        self._dictionary: Any = None
        self._pending: Ints = np.zeros(0, np.int64)

    def add(self, values: Any) -> None:
        """Count an Arrow array of any type that can be read as names."""
        coded = _coded(values)
        indices = coded.indices
        nulls = indices.null_count
        self._rows += len(values)
        self._nulls += nulls
        if nulls:
            indices = indices.drop_null()
        counts = np.bincount(indices.to_numpy(), minlength=len(coded.dictionary))
        self._collect(coded.dictionary, counts)

    def add_words(self, rows: Any, words: Any, texts: int, nulls: int) -> None:
        """Count in how many rows each word stands.

        Args:
            rows: Row of each word, Arrow integers.
            words: The words, an Arrow dictionary array.
            texts: Rows with a text.
            nulls: Rows without one.
        """
        self._rows += texts + nulls
        self._nulls += nulls
        size = max(len(words.dictionary), 1)
        pairs = np.unique(rows.to_numpy().astype(np.int64) * size + words.indices.to_numpy())
        self._collect(words.dictionary, np.bincount(pairs % size, minlength=len(words.dictionary)))

    def absent(self, rows: int) -> None:
        """Every row is null."""
        self._rows += rows
        self._nulls += rows

    def common(self) -> Mapping[str, int]:
        """Counts so far; only the most frequent values once there are too many."""
        self._flush()
        return self._exact if self._sketch is None else self._sketch.frequent

    def counts(self) -> Iterator[tuple[str, Counts]]:
        """The one column."""
        self._flush()
        values = None if self._sketch is not None else dict(self._exact)
        yield (
            self._name,
            CategoryCounts(self._rows, self._nulls, values, self._sketch, self._words),
        )

    def _collect(self, dictionary: Any, counts: Ints) -> None:
        if self._dictionary is not None and dictionary.equals(self._dictionary):
            self._pending = self._pending + counts
            return
        self._flush()
        self._dictionary, self._pending = dictionary, counts

    def _flush(self) -> None:
        if self._dictionary is None:
            return
        codes = np.flatnonzero(self._pending)
        names, counts = self._dictionary.take(codes), self._pending[codes]
        self._dictionary = None
        if not len(codes):
            return
        if self._sketch is None and len(codes) <= self._limit:
            for name, count in zip(names.to_pylist(), counts.tolist(), strict=True):
                self._exact[name] = self._exact.get(name, 0) + count
            if len(self._exact) > self._limit:
                self._sketch, self._exact = sketched(self._exact), {}
            return
        sketch = sketch_of(names, counts)
        if self._exact:
            sketch = sketched(self._exact).merge(sketch)
            self._exact = {}
        self._sketch = sketch if self._sketch is None else self._sketch.merge(sketch)


def _coded(values: Any) -> Any:
    """Any Arrow array as a dictionary of strings."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(values.type) and values.dictionary.null_count:
        values = values.cast(values.type.value_type)
    if pa.types.is_nested(values.type):
        texts = [None if item is None else str(item) for item in values.to_pylist()]
        values = pa.array(texts, pa.string())
    if not pa.types.is_dictionary(values.type):
        values = values.dictionary_encode()
    names = values.dictionary
    if pa.types.is_floating(names.type):
        whole = pc.equal(pc.floor(names), names)
        small = pc.less(pc.abs(names), 2.0**53)
        as_integer = names.cast(pa.int64(), safe=False).cast(pa.string())
        names = pc.if_else(pc.and_(whole, small), as_integer, names.cast(pa.string()))
    elif pa.types.is_binary(names.type) or pa.types.is_large_binary(names.type):
        names = pa.array([str(item) for item in names.to_pylist()], pa.string())
    elif not pa.types.is_string(names.type):
        names = names.cast(pa.string())
    if names is values.dictionary:
        return values
    return pa.DictionaryArray.from_arrays(values.indices, names)
