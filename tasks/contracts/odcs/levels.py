"""Service levels of a contract (``slaProperties``)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.contracts.model import Column, Freshness, Severity
from tasks.contracts.odcs.documents import Fault

DAYS = {
    **dict.fromkeys(("d", "day", "days"), 1.0),
    **dict.fromkeys(("h", "hr", "hour", "hours"), 1 / 24),
    **dict.fromkeys(("w", "week", "weeks"), 7.0),
    **dict.fromkeys(("y", "yr", "year", "years"), 365.0),
    **dict.fromkeys(("min", "minute", "minutes"), 1 / 1440),
    **dict.fromkeys(("s", "sec", "second", "seconds"), 1 / 86_400),
    **dict.fromkeys(("month", "months"), 30.0),
}
MEASURED = frozenset({"freshness", "frequency", "retention"})


def levels_of(
    document: Mapping[str, Any], table: str, columns: Mapping[str, Column]
) -> dict[str, Any]:
    """Freshness, frequency and retention, and the names of levels that nothing measures.

    Raises:
        Fault: a level that is measured says something that cannot be.
    """
    items = document.get("slaProperties") or []
    measured: dict[str, Mapping[str, Any]] = {}
    for item in items:
        name = str(item["property"])
        if name in MEASURED and name in measured:
            raise Fault(f"slaProperties names {name} twice")
        measured[name] = item
    untold = sorted({str(item["property"]) for item in items} - MEASURED)
    default = str(document.get("slaDefaultElement") or "")
    return {
        "freshness": _freshness(measured.get("freshness"), default, table, columns),
        "retention_days": _days(measured.get("retention")),
        "frequency_days": _days(measured.get("frequency")),
        "untold": tuple(untold),
    }


def _days(item: Mapping[str, Any] | None) -> float | None:
    if item is None:
        return None
    value, unit = item["value"], str(item.get("unit", "d"))
    where = f"slaProperties {item['property']}: {value!r} {unit!r}"
    if unit == "m":
        raise Fault(f"{where}: m may be minutes or months: write minutes or months")
    if unit not in DAYS or isinstance(value, bool) or value is None:
        raise Fault(f"{where} is no duration in {', '.join(DAYS)}")
    try:
        days = float(value) * DAYS[unit]
    except ValueError as error:
        raise Fault(f"{where}: {error}") from error
    if not math.isfinite(days) or days <= 0:
        raise Fault(f"{where} is no duration")
    return days


def _freshness(
    item: Mapping[str, Any] | None, default: str, table: str, columns: Mapping[str, Column]
) -> Freshness | None:
    days = _days(item)
    if item is None or days is None:
        return None
    element = str(item.get("element") or default)
    name = element.removeprefix(f"{table}.")
    if name not in columns:
        raise Fault(f"slaProperties freshness: element {element!r} is not a column")
    if columns[name].type not in {"date", "timestamp"}:
        raise Fault(f"slaProperties freshness: {name} is a {columns[name].type}, which has no age")
    return Freshness(column=name, days=days, severity=severity_of(item, "slaProperties freshness"))


def severity_of(item: Mapping[str, Any], where: str) -> Severity:
    """What a broken level or relationship means (custom property ``severity``).

    Raises:
        Fault: it is no severity.
    """
    custom = {part["property"]: part["value"] for part in item.get("customProperties") or []}
    written = custom.get("severity", "error")
    if written not in ("error", "warning", "info"):
        raise Fault(f"{where}: severity {written!r} is not error, warning or info")
    return "error" if written == "error" else "warning"


def untold_levels(names: Sequence[str]) -> str:
    """What a report says of levels that nothing measures."""
    return f"Service levels {', '.join(names)} stand in the contract and are not measured here."
