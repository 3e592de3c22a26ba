"""A metric's cells as plain tuples, to be written down and read back."""

from __future__ import annotations

from typing import Any

from embedded_aws.cloudwatch.cells import Cell
from embedded_aws.cloudwatch.store import Series

_SPANS = ("seconds", "minutes", "fives", "hours")
_PLAIN = ("limit", "count", "total", "low", "high", "opaque", "coarse")


def frozen(series: Series) -> dict[str, Any]:
    """All that a series holds."""
    with series.lock:
        spans = {
            span: [(at, _record(cell)) for at, cell in getattr(series, span).items()]
            for span in _SPANS
        }
        return {**spans, "newest": series.newest}


def thawed(state: dict[str, Any]) -> Series:
    """The series that was frozen."""
    series = Series()
    for span in _SPANS:
        getattr(series, span).update({at: _cell(record) for at, record in state[span]})
    series.newest = state["newest"]
    series.recount()
    return series


def _record(cell: Cell) -> tuple[Any, ...]:
    return (*(getattr(cell, name) for name in _PLAIN), list(cell.values.items()))


def _cell(record: tuple[Any, ...]) -> Cell:
    cell = Cell()
    for name, value in zip(_PLAIN, record, strict=False):
        setattr(cell, name, value)
    cell.values = dict(record[-1])
    return cell
