"""Features fitted on the training rows: each column by its type, or as model.yaml says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from models.runtime.input import InvalidFeature
from models.runtime.signature import Arrays
from models.runtime.tables.columns import ClientType
from models.runtime.tables.operations import DAY, is_missing, raw

Treatment = Literal["number", "log", "category", "text", "date", "flag", "drop"]
TREATMENTS: tuple[str, ...] = get_args(Treatment)
FITTING: Mapping[ClientType, frozenset[str]] = {
    "number": frozenset({"number", "log", "category", "flag", "drop"}),
    "boolean": frozenset({"category", "flag", "number", "drop"}),
    "date": frozenset({"date", "drop"}),
    "text": frozenset({"category", "text", "drop"}),
}
"""Treatments that a column of each type can have."""
MOST_CATEGORIES = 64
"""Values of a category with a feature of their own; rarer ones share the bucket of unknown ones."""
ROWS_OF_A_VALUE = 20
"""From more values on than one in so many rows, and than these, a text is read as words."""
BUCKETS = 256
FEWEST_PIECES, ROWS_OF_A_PIECE = 3, 100
"""With fewer rows a piece is learned by heart (of 350 rows, 25 a piece cost 7 % of the error)."""
WIDEST = 2_048
"""Pieces of all columns together."""
CLIP = 5.0
HEAVY = 2.0
"""Skewness of a positive column from which its logarithm is taken, if that is less skewed."""
DAYS_BEYOND = 60
"""How far a trend may be carried past the newest training day."""
YEAR = 365


def features_of(name: str, values: NDArray[Any], treatment: str) -> Iterator[dict[str, Any]]:
    """The features of one column.

    Args:
        name: The column.
        values: Its training rows.
        treatment: One of :data:`TREATMENTS`.
    """
    absent = bool(is_missing(values).any())
    if treatment in {"number", "log"}:
        yield standard({name: values}, [name], log=treatment == "log", add=_shift(values))
    elif treatment == "category":
        yield one_hot(name, values)
    elif treatment == "flag":
        yield {"op": "flag", "column": name, "above": 0}
    elif treatment == "text":
        yield {"op": "hashed_words", "column": name, "buckets": BUCKETS}
    elif treatment == "date":
        yield days(name, values)
    if absent and treatment != "date":
        yield {"op": "missing", "column": name}


def pieces_of(name: str, values: NDArray[Any], most: int) -> Iterator[dict[str, Any]]:
    """The pieces of a column of numbers, each with equally many of its training rows.

    A network sees steps and bends of a column in them that one scaled number does not show it
    (Gorishniy, Rubachev & Babenko 2022). Nothing for a column of few values, or of few rows.

    Args:
        name: The column.
        values: Its training rows.
        most: Most pieces.
    """
    numbers = values[np.isfinite(values)]
    count = min(most, numbers.size // ROWS_OF_A_PIECE)
    if count < FEWEST_PIECES:
        return
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, count + 1)))
    if len(edges) > FEWEST_PIECES:
        yield {"op": "pieces", "column": name, "edges": [float(edge) for edge in edges]}


def treatment_of(kind: ClientType, look: str, values: NDArray[Any]) -> Treatment:
    """How a column is treated of which model.yaml says nothing.

    Args:
        kind: What a client sends.
        look: How the contract looks at it: ``numeric``, ``categorical``, ``text`` or "".
        values: Its training rows.
    """
    if kind == "date":
        return "date"
    if kind == "boolean":
        return "flag"
    if kind == "number":
        if look == "categorical":
            return "category"
        return "log" if _heavy_tailed(values) else "number"
    if look == "text":
        return "text"
    distinct = len(np.unique(values[values != ""].astype(np.str_)))
    few = distinct <= max(MOST_CATEGORIES, len(values) // ROWS_OF_A_VALUE)
    return "category" if few else "text"


def standard(
    columns: Arrays, names: Sequence[str], *, log: bool = False, add: float = 0.0, of: str = "one"
) -> dict[str, Any]:
    """A fitted ``number`` feature: mean and standard deviation of the training rows.

    Args:
        columns: Training rows.
        names: One column, or several that ``of`` joins.
        log: Whether its logarithm is taken.
        add: Added before the logarithm.
        of: ``one``, the ``greatest`` of several, or the ``ratio`` of two.
    """
    feature: dict[str, Any] = {
        "op": "number",
        "columns": list(names),
        "of": of,
        "log": log,
        "add": add,
    }
    with np.errstate(all="ignore"):
        values = raw(columns, feature)
        values = np.log(values + add) if log else values
    numbers = values[np.isfinite(values)]
    return feature | {
        "mean": float(numbers.mean()) if numbers.size else 0.0,
        "std": max(float(numbers.std()), 1e-6) if numbers.size else 1.0,
        "clip": CLIP,
    }


def one_hot(
    name: str, values: NDArray[Any], *, most: int = MOST_CATEGORIES, other: bool = True
) -> dict[str, Any]:
    """A fitted ``one_hot`` feature: the most frequent values, and (``other``) one for the rest."""
    cells = values[~is_missing(values)]
    categories, counts = np.unique(
        cells.astype(np.str_) if cells.dtype.kind == "O" else cells, return_counts=True
    )
    order = np.lexsort((categories, -counts))[:most]
    return {
        "op": "one_hot",
        "column": name,
        "values": sorted(categories[order].tolist()),
        "other": other,
    }


def days(name: str, values: NDArray[Any]) -> dict[str, Any]:
    """A fitted ``days`` feature: time since the first training day, in years.

    Raises:
        InvalidFeature: no row has a date.
    """
    dates = values[~is_missing(values)]
    if not dates.size:
        raise InvalidFeature(f"data.features: no training row has a {name}; let it be `drop`")
    first, newest = dates.min(), dates.max()
    return {
        "op": "days",
        "column": name,
        "origin": iso_day(first),
        "newest": float((newest - first) / DAY),
        "beyond": DAYS_BEYOND,
        "unit": YEAR,
    }


def iso_day(value: Any) -> str:
    """A numpy day as ``YYYY-MM-DD``."""
    day: date = np.datetime64(value, "D").astype(object)
    return day.isoformat()


def _shift(values: NDArray[Any]) -> float:
    """What makes a column's logarithm finite: 1 where it has zeros, more where it goes below."""
    numbers = values[np.isfinite(values)]
    lowest = float(numbers.min()) if numbers.size else 0.0
    return 1.0 - min(lowest, 0.0)


def _heavy_tailed(values: NDArray[Any]) -> bool:
    numbers = values[np.isfinite(values)]
    if numbers.size < 3 or numbers.min() < 0:
        return False
    skewness = _skewness(numbers)
    return skewness > HEAVY and abs(_skewness(np.log1p(numbers))) < skewness


def _skewness(values: NDArray[Any]) -> float:
    spread = float(values.std())
    return float((((values - values.mean()) / spread) ** 3).mean()) if spread > 0 else 0.0
