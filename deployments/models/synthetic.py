"""A few rows that a contract allows, made from a seed: enough to see whether code runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from tasks.contracts.model import NESTED, Column, Contract
from tasks.good_rows import DAY

FIRST = date(2026, 1, 5)
SIDE = 80


def write_channel(contract: Contract, folder: Path, rows: int, seed: int) -> None:
    """A channel of a training job: Parquet, or images with labels.jsonl."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    boxed = {quality.column for quality in contract.quality if quality.kind == "boxCorners"}
    columns = {
        column.name: [
            _boxed(_value(column, number, rng))
            if column.name in boxed
            else _value(column, number, rng)
            for number in range(rows)
        ]
        for column in contract.columns
        if column.type not in NESTED - {"array"}
    }
    if contract.format == "images":
        _write_images(folder, columns, rows, rng)
        return
    import pyarrow as pa
    import pyarrow.parquet as pq

    days = [FIRST + timedelta(days=number % 28) for number in range(rows)]
    pq.write_table(pa.table(columns | {DAY: days}), folder / "part.parquet")


def _value(column: Column, number: int, rng: np.random.Generator) -> Any:
    if column.type == "array":
        return _list(column, rng)
    if column.enum:
        return column.enum[number % len(column.enum)]
    if column.type in {"integer", "number"}:
        low = _bound(column.minimum, column.exclusive_minimum, 0.0)
        high = _bound(column.maximum, column.exclusive_maximum, low + 100.0)
        value = low + (max(high, low) - low) * float(rng.uniform(0.05, 0.5))
        step = column.multiple_of or (1 if column.type == "integer" else 0)
        value = round(value / step) * step if step else value
        return round(value) if column.type == "integer" else value
    if column.type == "boolean":
        return bool(rng.integers(2))
    day = FIRST + timedelta(days=number % 28)
    if column.type == "date":
        return day
    if column.type == "timestamp":
        return datetime(day.year, day.month, day.day, 12)  # noqa: DTZ001 - what contracts cast to
    return f"{column.name}-{number % 3}" if not column.unique else f"{column.name}-{number}"


def _list(column: Column, rng: np.random.Generator) -> list[Any]:
    """Some of the values that the contract lists for the array's items, or made-up ones."""
    items = dict(column.items or {}).get("items", column.items) or {}
    if isinstance(items, dict) and items.get("logicalType") == "object":
        return [_part(items, rng) for _ in range(int(rng.integers(0, 4)))]
    entries = items.get("enum", ()) if isinstance(items, dict) else ()
    names = [str(item["value"] if isinstance(item, dict) else item) for item in entries]
    names = names or [f"{column.name}-{index}" for index in range(3)]
    return [name for name in names if rng.uniform() < 0.4]


def _part(described: Mapping[str, Any], rng: np.random.Generator) -> Any:
    """A value of a part of an object, as the contract describes it."""
    kind, options = described.get("logicalType"), described.get("logicalTypeOptions") or {}
    if described.get("enum"):
        entry = described["enum"][int(rng.integers(len(described["enum"])))]
        return entry["value"] if isinstance(entry, Mapping) else entry
    if kind == "object":
        return {str(p["name"]): _part(p, rng) for p in described.get("properties") or ()}
    if kind == "array":
        count = int(options.get("minItems", 1))
        return [_part(described.get("items") or {}, rng) for _ in range(count)]
    if kind in {"number", "integer"}:
        low = _bound(options.get("minimum"), options.get("exclusiveMinimum"), 0.0)
        high = _bound(options.get("maximum"), options.get("exclusiveMaximum"), low + 100.0)
        value = float(rng.uniform(low, high))
        return round(value) if kind == "integer" else value
    return bool(rng.integers(2)) if kind == "boolean" else f"part-{int(rng.integers(3))}"


def _boxed(objects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same objects, the corners of their boxes in order."""
    for entry in objects:
        x0, y0, x1, y1 = entry["box"]
        entry["box"] = [min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)]
    return objects


def _bound(inclusive: Any, exclusive: Any, default: float) -> float:
    limit = inclusive if inclusive is not None else exclusive
    return float(limit) if isinstance(limit, int | float) else default


def _write_images(
    folder: Path, columns: dict[str, list[Any]], rows: int, rng: np.random.Generator
) -> None:
    from PIL import Image

    lines = []
    for number in range(rows):
        name = f"{number:04d}.jpg"
        pixels = rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name, quality=80)
        entry = {key: values[number] for key, values in columns.items()}
        lines.append(json.dumps(entry | {"file": name, "day": str(FIRST)}, default=str))
    (folder / "labels.jsonl").write_text("\n".join(lines) + "\n", "utf-8")
