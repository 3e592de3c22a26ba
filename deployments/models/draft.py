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

import yaml

from models.runtime.family import plug_in
from tasks.contracts.model import Column, Contract, LogicalType
from tasks.errors import UnreadableData
from tasks.metrics import task_class

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
    return tuple(_column(name, seen) for name, seen in values.items())


def _column(name: str, seen: Sequence[str]) -> Column:
    given = [text for text in seen if text]
    fitting = (kind for kind, fits in _KINDS if given and all(map(fits, given)))
    kind: LogicalType = next(fitting, "string")
    distinct = sorted(set(given))
    key = re.search(r"(^|_)(id|uuid|key)$", name.lower()) is not None
    unique = key and len(distinct) == len(seen) and kind in {"integer", "string"}
    few = kind == "string" and not unique and len(distinct) <= min(FEW, len(given) / 2)
    whole = len(given) == len(seen)
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


def contract_text(asked: Asked, columns: Sequence[Column], lake: str) -> str:
    """An ODCS contract of a new data set."""
    document: dict[str, Any] = {
        "version": "1.0.0",
        "kind": "DataContract",
        "apiVersion": "v3.2.0",
        "id": asked.dataset.replace("_", "-"),
        "name": asked.dataset.replace("_", " ").capitalize(),
        "status": "draft",
        "description": {"purpose": f"What {asked.name} learns from."},
        "team": {"name": asked.owner, "members": [{"username": asked.owner, "role": "owner"}]},
        "servers": [
            {
                "server": "lake",
                "type": "s3",
                "location": f"s3://{lake}/raw/{asked.dataset}/",
                "format": min(plug_in("inputs", asked.kind).formats),
                "description": "year=YYYY/month=MM/day=DD/ with one file or more a day",
                "customProperties": [{"property": "partitioning", "value": "day"}],
            }
        ],
        "schema": [
            {
                "name": asked.dataset,
                "physicalType": "file",
                "logicalType": "object",
                "properties": [_property(column, asked.label) for column in columns],
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
    return head + yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100)


def _property(column: Column, label: str) -> dict[str, Any]:
    told: dict[str, Any] = {"name": column.name, "logicalType": column.type}
    if column.required:
        told["required"] = True
    if column.name == label:
        told["criticalDataElement"] = True
        told["description"] = "What the model predicts"
    if column.unique:
        told |= {"primaryKey": True, "primaryKeyPosition": 1}
    if column.enum:
        told["enum"] = [{"value": value} for value in column.enum]
    return told


def example_columns(kind: str, label: str) -> tuple[Column, ...]:
    """Columns of a data set of which no sample was given: the input's own, and a label."""
    known = plug_in("inputs", kind).draft_columns
    columns = [Column(name=c.name, type=c.type, required=c.required, unique=c.key) for c in known]
    # A table tells numbers apart, and what tells no number apart tells names.
    if any(column.type == "number" for column in columns):
        return (*columns, Column(name=label, type="number", required=True))
    names = ("first_class", "second_class")
    return (*columns, Column(name=label, type="string", required=True, enum=names))


def task_of(column: Column) -> str:
    """What a draft does with a label: several names, one name, or a number."""
    if column.type == "array":
        return "multi-label"
    number = column.type in {"integer", "number"} and not column.enum
    return "regression" if number else "classification"


def model_files(asked: Asked, contract: Contract) -> dict[str, str]:
    """``model.yaml`` of a new model, and the programs of one that brings its own."""
    label = contract.column(asked.label)
    files = {"model.yaml": _filled("model.yaml.txt", _description(asked, task_of(label)))}
    if plug_in("backends", asked.backend).writes_code:
        numbers = [
            c.name
            for c in contract.columns
            if c.type in {"integer", "number", "boolean"} and c.name != asked.label
            and c.name not in contract.primary_key
        ]  # fmt: skip
        values = {"name": asked.name, "columns": ", ".join(json.dumps(name) for name in numbers)}
        files |= {
            name: _filled(f"{name}.txt", values)
            for name in ("train.py", "inference.py", "features.py")
        }
    return files


def _filled(template: str, values: Mapping[str, Any]) -> str:
    return Template((TEMPLATES / template).read_text("utf-8")).substitute(values)


def _description(asked: Asked, task: str) -> dict[str, Any]:
    tracked, backend = task_class(task).tracked, plug_in("backends", asked.backend)
    logged = [
        f"    - {{name: \"{name}\", regex: '\\b{printed}=([0-9.eE+-]+)'}}"
        for name, printed in (
            ("train:loss", "loss"),
            (f"validation:{tracked}", f"val_{tracked}"),
            (f"holdout:{tracked}", f"holdout_{tracked}"),
        )
    ]
    first = [f"    {name}: {value}" for name, value in backend.first_hyperparameters.items()]
    return {
        "name": asked.name,
        "task": task,
        "input": asked.kind,
        "backend": asked.backend,
        "owner": yaml.safe_dump(asked.owner).splitlines()[0],
        "description": yaml.safe_dump(asked.description, width=10_000).splitlines()[0],
        "dataset": asked.dataset,
        "label": yaml.safe_dump(asked.label).splitlines()[0],
        "holdout_days": 0,
        "hyperparameters": "\n".join(first),
        "logged": "\n".join(logged),
        "gates": "\n".join(f"  - {{{gate}}}" for gate in task_class(task).first_gates),
        "conversion": CONVERSION if backend.formats else "",
    }
