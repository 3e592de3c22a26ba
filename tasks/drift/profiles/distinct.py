"""The exact values of a numeric column that holds few: years, grades, hours, counts, constants.

A cell is 1/16 to 1/32 of its distance from the median wide, so 2,024 and 2,025 may share one. Where
a column holds at most ``EXACT_NUMBERS`` values they are counted one by one as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

EXACT_NUMBERS = 256
"""Values of a numeric column that are counted one by one; beyond them only cells are."""
_PROBED = 1_024

Values = Mapping[int | float, int]
"""Number → rows that hold it."""


class DistinctCounter:
    """Counts the values of one column until there are too many; then it costs next to nothing."""

    def __init__(self) -> None:
        self.values: dict[int | float, int] | None = {}

    def add(self, numbers: NDArray[Any]) -> None:
        """Count a batch of numbers, shape (n,); what is not finite is no value."""
        if self.values is None or not len(numbers):
            return
        if len(np.unique(numbers[:_PROBED])) > EXACT_NUMBERS + 3:  # NaN, and both infinities
            self.values = None
            return
        import pyarrow as pa
        import pyarrow.compute as pc

        finite = numbers
        if numbers.dtype.kind == "f":
            finite = numbers[np.isfinite(numbers)] + numbers.dtype.type(0)  # -0.0 is 0.0
        counted = pc.value_counts(pa.array(finite))
        if len(counted) > EXACT_NUMBERS:
            self.values = None
            return
        fresh = zip(
            counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True
        )
        self.values = both(self.values, dict(fresh))


def both(a: Values | None, b: Values | None) -> dict[int | float, int] | None:
    """The counts of both; None as soon as their values together are too many."""
    if a is None or b is None:
        return None
    values = dict(a)
    for value, count in b.items():
        values[value] = values.get(value, 0) + count
    return values if len(values) <= EXACT_NUMBERS else None


def pairs_of(values: Values) -> list[list[int | float]]:
    """JSON's form of them: [number, rows], ascending."""
    return [[value, values[value]] for value in sorted(values)]


def values_from(pairs: Any) -> dict[int | float, int] | None:
    """The inverse of :func:`pairs_of`; None of a profile that did not count them.

    Raises:
        ValueError: a pair is none.
    """
    return None if pairs is None else {value: int(count) for value, count in pairs}
