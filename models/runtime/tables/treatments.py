"""How columns become features, in words: as far as a contract tells it, and as rows decided it."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from models.runtime.input import Treated
from models.runtime.split import ChannelColumn
from models.runtime.tables.columns import CLIENT_TYPES
from models.runtime.tables.features import MOST_CATEGORIES, ROWS_OF_A_VALUE
from models.runtime.tables.operations import is_missing

WORDS = {"text": "words", "log": "logarithm", "flag": "true or false"}
"""Treatments that are not called what they make of a column."""
ALWAYS = {"date": "date", "boolean": WORDS["flag"]}


def as_told(column: ChannelColumn, chosen: str) -> Treated:
    """The treatment of a column before any row is there.

    Args:
        column: As its contract describes it.
        chosen: What ``data.features`` says of it, or "".
    """
    kind = CLIENT_TYPES.get(column.type)
    if chosen == "drop":
        return Treated(column.name, "dropped (data.features)", used=False)
    if chosen:
        return Treated(column.name, f"{WORDS.get(chosen, chosen)} (data.features)")
    if kind is None:
        return Treated(column.name, f"dropped ({column.type}: nobody can send it)", used=False)
    # A date may be part of what tells rows apart, and still say when.
    if column.key and kind != "date":
        return Treated(column.name, "dropped (key)", used=False)
    if kind in ALWAYS:
        return Treated(column.name, ALWAYS[kind])
    return Treated(column.name, _of_text(column) if kind == "text" else _of_number(column))


def as_fitted(treatment: str, values: NDArray[Any]) -> str:
    """The treatment that training rows got.

    Args:
        treatment: One of :data:`models.runtime.tables.features.TREATMENTS`.
        values: The column's training rows.
    """
    said = WORDS.get(treatment, treatment)
    if treatment not in {"category", "text"}:
        return said
    return f"{said} ({_counted(len(set(values[~is_missing(values)].tolist())))})"


def _of_number(column: ChannelColumn) -> str:
    if column.kind == "categorical":
        return f"category ({_counted(len(column.values))})" if column.values else "category"
    return "number, or its logarithm where rows have a heavy tail; the job's log tells"


def _of_text(column: ChannelColumn) -> str:
    if column.kind == "text":
        return "words (text, as its contract profiles it)"
    count = len(column.values)
    if not count:
        return (
            f"category up to {MOST_CATEGORIES} values or one in {ROWS_OF_A_VALUE} rows, else "
            "words; the job's log tells"
        )
    if count <= MOST_CATEGORIES:
        return f"category ({_counted(count)})"
    rows = count * ROWS_OF_A_VALUE
    return f"words ({_counted(count)}); a category from {rows:,} rows on"


def _counted(values: int) -> str:
    return f"{values:,} value{'s' * (values != 1)}"
