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

from tasks.contracts.model import NESTED, Column, Contract, LogicalType
from tasks.errors import UnreadableData
from tasks.metrics import Task
from tasks.model_check import labels_of

TEMPLATES = Path(__file__).parent / "templates"
ROWS = 10_000
"""Rows of a sample that are looked at."""
FEW = 20
"""Distinct texts up to which a column is taken for a set of names."""
ENCODINGS = ("utf-8-sig", "cp1252")


@dataclass(frozen=True)
class Asked:
    """What a person asked for."""

    name: str
    kind: str
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
    pictures = asked.kind == "image"
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
                "format": "images" if pictures else "csv",
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
    """Columns of a data set of which no sample was given."""
    if kind == "image":
        return (
            Column(name="file", type="string", required=True),
            Column(name=label, type="string", required=True, enum=("first_class", "second_class")),
        )
    return (
        Column(name="id", type="string", required=True, unique=True),
        Column(name="date", type="date", required=True),
        Column(name="first_number", type="number", required=True),
        Column(name="second_number", type="number"),
        Column(name=label, type="number", required=True),
    )


def task_of(column: Column) -> Task:
    """What a draft does with a label: numbers without names are regression."""
    return (
        "regression" if "regression" in labels_of(column) and not column.enum else "classification"
    )


def model_files(asked: Asked, contract: Contract) -> dict[str, str]:
    """``model.yaml`` and ``model.py`` of a new model."""
    label = contract.column(asked.label)
    task: Task = "classification" if asked.kind == "image" else task_of(label)
    return {
        "model.yaml": _filled("model.yaml.txt", _description(asked, task)),
        "model.py": _filled(f"{asked.kind}.py.txt", _code(asked, contract, task)),
    }


def _filled(template: str, values: Mapping[str, Any]) -> str:
    return Template((TEMPLATES / template).read_text("utf-8")).substitute(values)


def _description(asked: Asked, task: Task) -> dict[str, Any]:
    number = task == "regression"
    gates = (
        "  - {metric: r2, at_least: 0.3}\n"
        "  - {metric: mae, no_worse_than_champion: 0.05, no_worse_than_baseline: 0.25}"
        if number
        else "  - {metric: accuracy, at_least: 0.6, no_worse_than_champion: 0.02}\n"
        "  - {metric: lowest_recall, at_least: 0.3}"
    )
    return {
        "name": asked.name,
        "family": asked.kind,
        "owner": yaml.safe_dump(asked.owner).splitlines()[0],
        "description": yaml.safe_dump(asked.description, width=10_000).splitlines()[0],
        "dataset": asked.dataset,
        "label": yaml.safe_dump(asked.label).splitlines()[0],
        "holdout_days": 0,
        "epochs": 30,
        "compiled": "\n    compiled: 0            # XLA is slow on convolutions of a CPU"
        if asked.kind == "image"
        else "",
        "tracked": "mae" if number else "accuracy",
        "gates": gates,
    }


def _code(asked: Asked, contract: Contract, task: Task) -> dict[str, Any]:
    label = contract.column(asked.label)
    usable = [c for c in contract.columns if c.name not in {asked.label, *contract.primary_key}]
    numbers = [c for c in usable if c.type in {"integer", "number", "boolean"}]
    dates = [c for c in usable if c.type in {"date", "timestamp"}]
    plain = [c for c in contract.columns if c.name in contract.primary_key and c.type not in NESTED]
    left = [c.name for c in usable if c not in numbers and c not in dates]
    values = {
        "name": asked.name,
        "description_line": asked.description.replace('"""', "'''").replace("\\", "/"),
        "label": asked.label,
        "ids": _names(plain),
        "numbers": _names(numbers),
        "dates": _names(dates),
        "optional": _names([c for c in numbers if not c.required]),
        "left_out": f"# Left out, because only numbers and dates are read: {', '.join(left)}.\n"
        if left
        else "",
    }
    return values | (_regression() if task == "regression" else _classification(label))


def _names(columns: Sequence[Column]) -> str:
    if not columns:
        return "()"
    return "(\n" + "".join(f"    {json.dumps(column.name)},\n" for column in columns) + ")"


def _regression() -> dict[str, str]:
    return {
        "labels": "np.asarray(columns[label], dtype=np.float64)",
        "known": "np.isfinite(labels)",
        "output": """{
            "kind": "number",
            "name": hyperparameters.text("label", LABEL),
            "unit": "",
            "transform": "none",
            "scale": max(float(training.labels.std()), 1e-6),
            "offset": float(training.labels.mean()),
        }""",
        "answer": "the standardised label [n, 1]",
        "head": "keras.layers.Dense(1",
        "spec": "_spec",
        "booster": "HistGradientBoostingRegressor",
        "baseline": "    return np.asarray(model.predict(table(holdout)), dtype=np.float64)",
    }


def _classification(label: Column) -> dict[str, str]:
    whole = label.type in {"integer", "number"}
    return {
        "labels": 'np.asarray([str(int(x)) if np.isfinite(x) else "" for x in columns[label]])'
        if whole
        else 'np.asarray(["" if x is None else str(x) for x in columns[label]])',
        "known": 'labels != ""',
        "output": """{
            "kind": "classes",
            "name": hyperparameters.text("label", LABEL),
            "classes": np.unique(training.labels).tolist(),
            "confidence_threshold": hyperparameters.number("confidence_threshold", 0.8),
        }""",
        "answer": "probabilities [n, classes]",
        "head": 'keras.layers.Dense(len(spec["output"]["classes"]), activation="softmax"',
        "spec": "spec",
        "booster": "HistGradientBoostingClassifier",
        "baseline": """    probabilities = np.zeros((len(holdout), len(spec["output"]["classes"])))
    columns = [spec["output"]["classes"].index(name) for name in model.classes_]
    probabilities[:, columns] = model.predict_proba(table(holdout))
    return probabilities""",
    }
