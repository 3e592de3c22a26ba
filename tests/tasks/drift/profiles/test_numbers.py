"""Every type that a column may have becomes numbers, and what is none is counted."""

import datetime as dt
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tasks.drift.profiles.numbers import numbers_of

NOON = dt.datetime(1970, 1, 2, 12, 0)  # noqa: DTZ001  columns without a zone are read, too


@pytest.mark.parametrize(
    ("values", "numbers", "nulls", "invalid"),
    [
        (pa.array([1, None, 3], pa.int16()), [1, 3], 1, 0),
        (pa.array([0.5, float("inf")], pa.float32()), [0.5, np.inf], 0, 0),
        (pa.array([True, None, False]), [1, 0], 1, 0),
        (pa.array([Decimal("1.25"), None], pa.decimal128(9, 2)), [1.25], 1, 0),
        (pa.array([NOON, None], pa.timestamp("us")), [129_600], 1, 0),
        (pa.array([NOON.date()], pa.date32()), [86_400], 0, 0),
        (pa.array([dt.timedelta(milliseconds=1500)], pa.duration("ns")), [1.5], 0, 0),
        (pa.nulls(4), [], 4, 0),
        (pa.array([b"1"], pa.binary()), [], 0, 1),
        (pa.array(["1", " +2.5e1 ", "", None, "one", "inf"]), [1, 25, np.inf], 2, 1),
        (pa.array(["7", "7", None]).dictionary_encode(), [7, 7], 1, 0),
        (pa.array([2, 2, None]).dictionary_encode(), [2, 2], 1, 0),
    ],
)
def test_numbers_nulls_and_what_is_neither(
    values: Any, numbers: list[float], nulls: int, invalid: int
) -> None:
    found, empty, wrong = numbers_of(values)
    assert found.tolist() == numbers
    assert (empty, wrong) == (nulls, invalid)
