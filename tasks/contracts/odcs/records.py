"""How records that change are curated: what a contract's ``customProperties`` say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tasks.contracts.model import Column, Embedded
from tasks.contracts.odcs.documents import Fault

VERSIONS = ("replace", "merge")
TIMES = 2
"""Columns that eventTime may name: when a version was written, and what breaks ties."""


def records_of(
    custom: Mapping[str, Any], dataset: str, columns: Sequence[Column]
) -> dict[str, Any]:
    """The fields of a contract that say how its records are curated.

    Raises:
        Fault: they name no columns, or do not go together.
    """
    names = {column.name for column in columns}
    key = _names(custom, "recordKey", names)
    times = _names(custom, "eventTime", names)
    day = "".join(_names(custom, "recordDay", names)[:1])
    if len(times) > TIMES:
        raise Fault(f"eventTime names {len(times)} columns; a second one breaks ties, no third")
    if day and not next(column for column in columns if column.name == day).required:
        raise Fault(f"recordDay names {day!r}, which may be missing")
    versions = custom.get("recordVersions", "replace")
    if versions not in VERSIONS:
        raise Fault(f"recordVersions is {versions!r}, not one of {', '.join(VERSIONS)}")
    merges = versions == "merge"
    if merges and (day or not key):
        raise Fault("recordVersions merge needs a recordKey, and no recordDay: it may come later")
    requires = _names(custom, "recordRequires", names)
    same = _names(custom, "recordSame", names)
    embedded = _embedded(custom.get("embeddedIn"))
    if not merges and (requires or same or embedded or len(times) > 1):
        raise Fault(
            "recordRequires, recordSame, embeddedIn and a second eventTime need recordVersions: "
            "merge"
        )
    return {
        "key": key,
        "event_time": "".join(times[:1]),
        "then_by": "".join(times[1:]),
        "merges": merges,
        "record_requires": requires,
        "record_same": same,
        "record_day": day,
        "embedded_in": embedded,
        "labels": _names(custom, "labels", names),
        "processed_prefix": str(custom.get("processedPrefix") or f"processed/{dataset}/"),
        "labelled_by": str(custom.get("labelledBy") or ""),
        "training_prefix": str(custom.get("trainingPrefix") or f"training-data/{dataset}/"),
    }


def _names(custom: Mapping[str, Any], name: str, known: set[str]) -> tuple[str, ...]:
    value = custom.get(name) or []
    listed = [value] if isinstance(value, str) else value
    if not isinstance(listed, list):
        raise Fault(f"{name} is {value!r}, not names of columns")
    for column in listed:
        if column not in known:
            raise Fault(f"{name} names {column!r}, which is not a column")
    return tuple(listed)


def _embedded(value: Any) -> Embedded | None:
    if value is None:
        return None
    if not isinstance(value, dict) or set(value) != {"dataset", "field"}:
        raise Fault(f"embeddedIn is {value!r}, not a dataset and the field that holds the record")
    return Embedded(dataset=str(value["dataset"]), field=str(value["field"]))
