"""Drafts of a model's files: from a contract, and a contract from a sample file. Pure.

A draft is for a person to correct: it takes from the sample what is certain (names, types, what is
never empty) and leaves bounds to who knows the data.
"""

from __future__ import annotations

import copy
import csv
import gzip
import io
import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from deployments.models.asked import Asked
from deployments.models.programs import TEMPLATES, filled
from models.runtime.family import plug_in
from tasks.contracts.model import Column, LogicalType
from tasks.errors import UnreadableData
from tasks.metrics import task_class
from tasks.yaml_documents import yaml_text

ROWS = 10_000
"""Rows of a sample that are looked at."""
FEW = 20
"""Distinct texts up to which a column is taken for a set of names."""
ENCODINGS = ("utf-8-sig", "cp1252")
LABELS: tuple[LogicalType, ...] = ("string", "array", "boolean", "number", "integer")
"""Types of a label, the one that a draft takes first."""
NAMES = ("first_class", "second_class")
CLASSES: Mapping[str, Any] = {
    "logicalType": "string",
    "enum": [{"value": name} for name in NAMES],
}
FIELDS: Mapping[str, Mapping[str, Any]] = {
    "box": {
        "logicalType": "array",
        "description": "x0, y0, x1, y1: shares of the upright photo's width and height",
        "logicalTypeOptions": {"minItems": 4, "maxItems": 4},
        "items": {
            "logicalType": "number",
            "required": True,
            "logicalTypeOptions": {"minimum": 0, "maximum": 1},
        },
    },
}
"""Fields of a label's objects that are no names."""
UNTREATED = """\
  # features:              # a column's treatment, where its type should not decide
  #   zipcode: category    # number, log, category, text, date, flag, or drop"""
CONVERSION = """\
# Formats for browsers and phones, each with its limits; a format left out is not made.
# conversion:
#   tflite_float16: {max_bytes: 500000, max_error: 0.005}
#   tfjs_float16: {max_bytes: 500000, max_error: 0.005}

"""


def columns_of(sample: Path) -> tuple[Column, ...]:
    """Columns of a CSV (plain or gzip), with the narrowest type that all its values have.

    Raises:
        UnreadableData: it is no table with a header and a row.
    """
    raw = sample.read_bytes()
    raw = gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw
    text = ""
    for encoding in ENCODINGS:
        try:
            text = raw.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t|", key=first.count)
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    names = [name.strip() for name in reader.fieldnames or ()]
    rows = [row for row, _ in zip(reader, range(ROWS), strict=False)]
    if not names or not rows or len(set(names)) < len(names) or not all(names):
        raise UnreadableData(
            f"{sample} has the header {names} and {len(rows)} rows.",
            "Give a CSV with a header of different names and at least one row.",
        )
    values = {
        name: [(row.get(raw_name) or "").strip() for row in rows]
        for name, raw_name in zip(names, reader.fieldnames or (), strict=True)
    }
    return tuple(_column(name, cells) for name, cells in values.items())


def _column(name: str, cells: Sequence[str]) -> Column:
    texts = [text for text in cells if text]
    fitting = (kind for kind, fits in _KINDS if texts and all(map(fits, texts)))
    kind: LogicalType = next(fitting, "string")
    distinct = sorted(set(texts))
    key = re.search(r"(^|_)(id|uuid|key)$", name.lower()) is not None
    unique = key and len(distinct) == len(cells) and kind in {"integer", "string"}
    few = kind == "string" and not unique and len(distinct) <= min(FEW, len(texts) / 2)
    whole = len(texts) == len(cells)
    names = tuple(distinct) if few else ()
    return Column(name=name, type=kind, required=whole, unique=unique, enum=names)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _is(parse: Callable[[str], Any]) -> Callable[[str], bool]:
    def fits(text: str) -> bool:
        try:
            parse(text)
        except ValueError:
            return False
        return True

    return fits


_KINDS: tuple[tuple[LogicalType, Callable[[str], bool]], ...] = (
    ("integer", lambda text: re.fullmatch(r"[+-]?\d{1,18}", text) is not None),
    ("number", _is_number),
    ("date", _is(date.fromisoformat)),
    ("timestamp", _is(datetime.fromisoformat)),
    ("boolean", lambda text: text.lower() in {"true", "false"}),
)


def contract_text(request: Asked, columns: Sequence[Column], lake: str) -> str:
    """An ODCS contract of a new data set."""
    document: dict[str, Any] = {
        "version": "1.0.0",
        "kind": "DataContract",
        "apiVersion": "v3.2.0",
        "id": request.dataset.replace("_", "-"),
        "name": request.dataset.replace("_", " ").capitalize(),
        "status": "draft",
        "description": {"purpose": f"What {request.name} learns from."},
        "team": {"name": request.owner, "members": [{"username": request.owner, "role": "owner"}]},
        "servers": [
            {
                "server": "lake",
                "type": "s3",
                "location": f"s3://{lake}/raw/{request.dataset}/",
                "format": min(plug_in("inputs", request.kind).formats),
                "description": "year=YYYY/month=MM/day=DD/ with one file or more a day",
                "customProperties": [{"property": "partitioning", "value": "day"}],
            }
        ],
        "schema": [
            {
                "name": request.dataset,
                "physicalType": "file",
                "logicalType": "object",
                "properties": [_property(column, request.label) for column in columns],
                "quality": [
                    {
                        "name": "volume",
                        "metric": "rowCount",
                        "mustBeGreaterOrEqualTo": 20,
                        "description": "a snapshot has at least 20 rows",
                        "dimension": "coverage",
                    },
                    *(_corners(column) for column in columns if "box" in column.item_fields),
                ],
            }
        ],
        "customProperties": [
            {
                "property": "quarantineLimit",
                "value": 0.05,
                "description": "Share of rows that may be set aside before the run stops",
            }
        ],
    }
    head = (
        "# A draft. Say what a sound row is: bounds (logicalTypeOptions), units, who may see it.\n"
        "# docs/contracts.md explains each part.\n"
    )
    return head + yaml_text(document)


def _property(column: Column, label: str) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": column.name, "logicalType": column.type}
    if column.required:
        entry["required"] = True
    if column.name == label:
        entry["criticalDataElement"] = True
        entry["description"] = "What the model predicts"
    if column.unique:
        entry |= {"primaryKey": True, "primaryKeyPosition": 1}
    if column.enum:
        entry["enum"] = [{"value": value} for value in column.enum]
    if column.items:
        # Copies: YAML would write the same list twice as an anchor and a reference to it.
        entry |= copy.deepcopy(dict(column.items))
    return entry


def _corners(column: Column) -> dict[str, Any]:
    return {
        "name": "boxes_have_corners",
        "type": "custom",
        "engine": "sluice",
        "description": "each box has its left edge left of its right one, and its upper above its "
        "lower",
        "dimension": "conformity",
        "implementation": {"check": "boxCorners", "column": column.name},
    }


def example_columns(kind: str, task: str, label: str) -> tuple[Column, ...]:
    """Columns of a data set of which no sample was given: the input's own, and a label."""
    drafts = plug_in("inputs", kind).draft_columns
    columns = [Column(name=c.name, type=c.type, required=c.required, unique=c.key) for c in drafts]
    return (*columns, _example_label(task, label))


def _example_label(task: str, name: str) -> Column:
    """A column that a task predicts, of the type that says most of it."""
    known = task_class(task)
    kind = next(kind for kind in LABELS if kind in known.label_types)
    # Of items that people take up there are more than a draft can list.
    classes = kind == "string" and known.objective == "cross_entropy"
    items: dict[str, Any] | None = None
    if kind == "array":
        fields = [{"name": field, "required": True, **FIELDS.get(field, CLASSES)}
                  for field in sorted(known.label_fields, reverse=True)]  # fmt: skip
        items = {"items": {"logicalType": "object", "properties": fields} if fields else CLASSES}
    return Column(name=name, type=kind, required=True, enum=NAMES if classes else (), items=items)


def model_yaml(request: Asked) -> str:
    """The ``model.yaml`` of a new model."""
    return filled(TEMPLATES / "model.yaml.txt", _description(request))


def _description(request: Asked) -> dict[str, Any]:
    task, backend = task_class(request.task), plug_in("backends", request.backend)
    logged = {**backend.logged, "holdout:{metric}": "holdout_{metric}"}
    definitions = [
        f"    - {{name: \"{name}\", regex: '\\b{key}=([0-9.eE+-]+)'}}".replace(
            "{metric}", task.tracked
        )
        for name, key in logged.items()
    ]
    # A task that proposes no bound knows of none: no worse than what serves is always one.
    gates = task.first_gates or (f"metric: {task.tracked}, no_worse_than_champion: 0.05",)
    first = [f"    {name}: {value}" for name, value in backend.first_hyperparameters.items()]
    roles = yaml_text(dict(request.features)).splitlines()
    features = "  features:\n" + "\n".join(f"    {role}" for role in roles)
    return {
        "name": request.name,
        "task": request.task,
        "input": request.kind,
        "backend": request.backend,
        "owner": yaml_text(request.owner).splitlines()[0],
        "description": yaml_text(request.description, width=10_000).splitlines()[0],
        "dataset": request.dataset,
        "label": yaml_text(request.label).splitlines()[0],
        # What a person did stands in several rows: only days part what is learned from the rest.
        "holdout_days": 7 if plug_in("inputs", request.kind).gathers else 0,
        "features": features if request.features else UNTREATED,
        "hyperparameters": "\n".join(first),
        "logged": "\n".join(definitions),
        "gates": "\n".join(f"  - {{{gate}}}" for gate in gates),
        "conversion": CONVERSION if backend.formats else "",
    }
