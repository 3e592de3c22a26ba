"""Drafts of a model's files: from a contract, and a contract from a sample file. Pure.

A draft is for a person to correct: it takes from the sample what is certain (names, types, what is
never empty) and leaves bounds to who knows the data.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from string import Template
from typing import Any

from models.runtime.family import plug_in
from tasks.contracts.model import Column, Contract, LogicalType
from tasks.errors import UnreadableData
from tasks.metrics import task_class
from tasks.yaml_documents import yaml_text

TEMPLATES = Path(__file__).parent / "templates"
ROWS = 10_000
"""Rows of a sample that are looked at."""
FEW = 20
"""Distinct texts up to which a column is taken for a set of names."""
ENCODINGS = ("utf-8-sig", "cp1252")
CONVERSION = """\
# Formats for browsers and phones, each with its limits; a format left out is not made.
# conversion:
#   tflite_float16: {max_bytes: 500000, max_error: 0.005}
#   tfjs_float16: {max_bytes: 500000, max_error: 0.005}

"""


@dataclass(frozen=True)
class Asked:
    """What a person asked for; ``kind`` is the input."""

    name: str
    kind: str
    backend: str
    dataset: str
    label: str
    owner: str
    description: str


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
                    }
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
    return entry


def example_columns(kind: str, label: str) -> tuple[Column, ...]:
    """Columns of a data set of which no sample was given: the input's own, and a label."""
    drafts = plug_in("inputs", kind).draft_columns
    columns = [Column(name=c.name, type=c.type, required=c.required, unique=c.key) for c in drafts]
    # A table tells numbers apart, and what tells no number apart tells names.
    if any(column.type == "number" for column in columns):
        return (*columns, Column(name=label, type="number", required=True))
    names = ("first_class", "second_class")
    return (*columns, Column(name=label, type="string", required=True, enum=names))


def task_of(column: Column) -> str:
    """What a draft does with a label: objects with boxes, several names, one name, or a number."""
    if column.type == "array":
        boxed = task_class("detection").label_fields <= column.item_fields
        return "detection" if boxed else "multi-label"
    number = column.type in {"integer", "number"} and not column.enum
    return "regression" if number else "classification"


def model_files(request: Asked, contract: Contract) -> dict[str, str]:
    """``model.yaml`` of a new model, and the programs of one that brings its own."""
    label = contract.column(request.label)
    files = {"model.yaml": _from_template("model.yaml.txt", _description(request, task_of(label)))}
    if plug_in("backends", request.backend).writes_code:
        numbers = [
            c.name
            for c in contract.columns
            if c.type in {"integer", "number", "boolean"} and c.name != request.label
            and c.name not in contract.primary_key
        ]  # fmt: skip
        values = {"name": request.name, "columns": ", ".join(json.dumps(name) for name in numbers)}
        files |= {
            name: _from_template(f"{name}.txt", values)
            for name in ("train.py", "inference.py", "features.py")
        }
    return files


def _from_template(template: str, values: Mapping[str, Any]) -> str:
    return Template((TEMPLATES / template).read_text("utf-8")).substitute(values)


def _description(request: Asked, task: str) -> dict[str, Any]:
    metric, backend = task_class(task).tracked, plug_in("backends", request.backend)
    definitions = [
        f"    - {{name: \"{name}\", regex: '\\b{key}=([0-9.eE+-]+)'}}"
        for name, key in (
            ("train:loss", "loss"),
            (f"validation:{metric}", f"val_{metric}"),
            (f"holdout:{metric}", f"holdout_{metric}"),
        )
    ]
    first = [f"    {name}: {value}" for name, value in backend.first_hyperparameters.items()]
    return {
        "name": request.name,
        "task": task,
        "input": request.kind,
        "backend": request.backend,
        "owner": yaml_text(request.owner).splitlines()[0],
        "description": yaml_text(request.description, width=10_000).splitlines()[0],
        "dataset": request.dataset,
        "label": yaml_text(request.label).splitlines()[0],
        "holdout_days": 0,
        "hyperparameters": "\n".join(first),
        "logged": "\n".join(definitions),
        "gates": "\n".join(f"  - {{{gate}}}" for gate in task_class(task).first_gates),
        "conversion": CONVERSION if backend.formats else "",
    }
