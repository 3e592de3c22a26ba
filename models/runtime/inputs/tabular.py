"""Rows of named columns: numbers, categories, texts, dates, true and false, any of them missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.runtime.input import Features, Floats, Input, InvalidFeature, Treated
from models.runtime.script_mode import Hyperparameters
from models.runtime.signature import Arrays, Tensor
from models.runtime.split import ChannelColumn
from models.runtime.tables.cells import cell
from models.runtime.tables.columns import CLIENT_TYPES, array, read_table, row_ids
from models.runtime.tables.features import (
    FITTING,
    TREATMENTS,
    WIDEST,
    features_of,
    iso_day,
    pieces_of,
    treatment_of,
)
from models.runtime.tables.operations import (
    UnknownOperation,
    columns_of,
    is_missing,
    operations,
)
from models.runtime.tables.treatments import as_fitted, as_told

FEATURES = "features"
"""Name of the tensor."""
PLAIN_BUCKETS = 64


class Tabular(Input):
    """``columns`` of the spec lists what a client sends; ``features`` the operations on them."""

    formats: ClassVar[frozenset[str]] = frozenset({"csv", "jsonl", "parquet"})
    draft_columns: ClassVar[tuple[ChannelColumn, ...]] = (
        ChannelColumn("id", "string", required=True, key=True),
        ChannelColumn("date", "date", required=True),
        ChannelColumn("first_number", "number", required=True),
        ChannelColumn("second_number", "number"),
    )

    def __init__(self, spec: Mapping[str, Any]) -> None:
        super().__init__(spec)
        self._columns: list[Mapping[str, Any]] = spec["columns"]
        self._operations = operations(spec.get("features", ()))

    @classmethod
    def schema(
        cls,
        columns: Sequence[ChannelColumn],
        label: str,
        features: Mapping[str, str],
        _hyperparameters: Hyperparameters,
    ) -> dict[str, Any]:
        """Every column but the label and those that only tell rows apart.

        A date may always be missing in a request: it then means the newest day of the training.
        """
        features = by_column(columns, label, features)
        require_treatments(columns, label, features)
        predictors = [c for c in columns if c.name != label and _is_used(c, features)]
        if not predictors:
            raise InvalidFeature(f"no column is left that {label} could be told from")
        return {
            "kind": "tabular",
            "row_id": [c.name for c in columns if c.key and c.type in CLIENT_TYPES],
            "columns": [
                {
                    "name": c.name,
                    "type": CLIENT_TYPES[c.type],
                    "required": c.required and CLIENT_TYPES[c.type] != "date",
                    "treatment": features.get(c.name, ""),
                    "look": c.kind,
                }
                for c in predictors
            ],
        }

    @classmethod
    def treated(
        cls,
        columns: Sequence[ChannelColumn],
        label: str,
        features: Mapping[str, str],
        _hyperparameters: Hyperparameters,
    ) -> Iterator[Treated]:
        """Each column by its treatment; where rows will decide it, by what they decide."""
        features = by_column(columns, label, features)
        for column in columns:
            if column.name != label:
                yield as_told(column, features.get(column.name, ""))

    def fit(
        self,
        inputs: Arrays,
        features: Features | None,
        hyperparameters: Hyperparameters,
    ) -> dict[str, Any]:
        """Fitted features, the columns that they need, and a typical value of each."""
        fitted_features = (
            _own(features(inputs, hyperparameters))
            if features is not None
            else self._features(inputs, hyperparameters.integer("pieces", self.pieces, least=0))
        )
        names = columns_of(fitted_features)
        unknown = sorted(names - {column["name"] for column in self._columns})
        if unknown:
            raise InvalidFeature(f"features() of model.py reads {unknown}, which nobody sends")
        width = sum(operation(_first(inputs)).shape[1] for operation in operations(fitted_features))
        return {
            "kind": self.spec["kind"],
            "row_id": self.spec["row_id"],
            "columns": [
                {
                    "name": column["name"],
                    "type": column["type"],
                    "required": column["required"],
                    "example": _typical(inputs[column["name"]], column["type"]),
                }
                for column in self._columns
                if column["name"] in names
            ],
            "features": fitted_features,
            "width": width,
        }

    def _features(self, inputs: Arrays, pieces: int) -> list[dict[str, Any]]:
        """Features of every column by its treatment; the pieces of all numbers come last."""
        treatments = {
            column["name"]: column["treatment"]
            or treatment_of(column["type"], column["look"], inputs[column["name"]])
            for column in self._columns
            if column["treatment"] or not is_missing(inputs[column["name"]]).all()
        }
        for name, treatment in treatments.items():
            # Rows decide what a contract leaves open; whoever reads the log sees what they did.
            print(f"column {name}: {as_fitted(treatment, inputs[name])}", flush=True)
        made = [
            feature
            for name, treatment in treatments.items()
            for feature in features_of(name, inputs[name], treatment)
        ]
        numbers = [name for name, kind in treatments.items() if kind in {"number", "log"}]
        most = min(pieces, WIDEST // max(len(numbers), 1))
        return [*made, *(f for name in numbers for f in pieces_of(name, inputs[name], most))]

    def without_demands(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """No column is required."""
        return {**spec, "columns": [{**c, "required": False} for c in spec["columns"]]}

    def read(
        self, channel: Path, label: str
    ) -> tuple[NDArray[np.str_], dict[str, NDArray[Any]], list[Any]]:
        """Columns of all Parquet files of a channel."""
        ids = list(self.spec["row_id"])
        names = [column["name"] for column in self._columns if column["required"]]
        others = [column["name"] for column in self._columns if not column["required"]]
        names = list(dict.fromkeys([*ids, label, *names]))
        table = read_table(channel, names, [name for name in others if name not in names])
        inputs = {
            column["name"]: array(table[column["name"]], column["type"]) for column in self._columns
        }
        return row_ids(table, ids), inputs, table[label].to_pylist()

    def decode(self, instances: Sequence[Any]) -> dict[str, NDArray[Any]]:
        """JSON instances (one object per row) → columns."""
        types: dict[str, Any] = {"date": "datetime64[D]", "text": object}
        return {
            column["name"]: np.array(
                [cell(row, column, number) for number, row in enumerate(instances)],
                dtype=types.get(column["type"], np.float64),
            )
            for column in self._columns
        }

    def instances(self, inputs: Arrays) -> list[Any]:
        """One object per row; what is missing is left out."""
        names = [(column["name"], column["type"]) for column in self._columns]
        rows = len(inputs[names[0][0]])
        return [
            {
                name: _json_value(inputs[name][row], kind)
                for name, kind in names
                if not is_missing(inputs[name][row : row + 1])[0]
            }
            for row in range(rows)
        ]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """All features, in one vector."""
        return (Tensor(FEATURES, (1, int(self.spec["width"]))),)

    def transform(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Columns (n rows) → ``features`` float32 [n, width]."""
        parts = [operation(inputs) for operation in self._operations]
        return {FEATURES: np.concatenate(parts, axis=1, dtype=np.float32)}

    def plain(self, inputs: Arrays) -> Floats:
        """Numbers as they are, days since 1970, and hashed words of texts."""
        names = [column["name"] for column in self._columns]
        return np.concatenate([_plain(name, inputs[name]) for name in names], axis=1)

    def example(self) -> dict[str, Any]:
        """A typical row."""
        return {column["name"]: column["example"] for column in self._columns}


def by_column(
    columns: Sequence[ChannelColumn], label: str, features: Mapping[str, str]
) -> dict[str, str]:
    """Treatment by column: the name of an object stands for all its fields but the label.

    So what nobody knows when a model is asked (``outcomes: drop``) stays out of it when a later
    version of the contract adds a field. A field that is named itself is treated as that says.
    """
    made: dict[str, str] = {}
    for name in sorted(features, key=lambda name: name.count(".")):
        fields = [c.name for c in columns if c.name.startswith(f"{name}.") and c.name != label]
        made |= dict.fromkeys(fields or [name], features[name])
    return made


def require_treatments(
    columns: Sequence[ChannelColumn], label: str, features: Mapping[str, str]
) -> None:
    """Hold ``data.features`` to the columns.

    Raises:
        InvalidFeature: every fault is named.
    """
    by_name = {column.name: column for column in columns}
    faults = []
    for name, treatment in features.items():
        column = by_name.get(name)
        if column is None or name == label:
            faults.append(f"{name} is {'the label' if column else 'no column of the contract'}")
        elif treatment not in TREATMENTS:
            faults.append(f"{name}: {treatment} is none of {', '.join(TREATMENTS)}")
        elif treatment != "drop" and column.type not in CLIENT_TYPES:
            faults.append(f"{name} is of type {column.type}, which only `drop` fits")
        elif treatment != "drop" and treatment not in FITTING[CLIENT_TYPES[column.type]]:
            fitting = ", ".join(sorted(FITTING[CLIENT_TYPES[column.type]]))
            faults.append(f"{name} ({column.type}) can be {fitting}, not {treatment}")
    if faults:
        raise InvalidFeature(f"data.features: {'; '.join(faults)}")


def _own(features: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What ``features()`` of a model.py lists, held to the operations that there are.

    Raises:
        InvalidFeature: one of them is none; it is named by its place.
    """
    for place, feature in enumerate(features):
        where = f"features() of model.py: feature {place}, {feature!r:.120}"
        try:
            columns_of([feature])
            operations([feature])
        except UnknownOperation as error:
            raise InvalidFeature(f"{where}: {error}") from error
        except KeyError as error:
            raise InvalidFeature(f"{where}: it lacks {error}") from error
        except (TypeError, IndexError) as error:
            raise InvalidFeature(f"{where} is no operation on columns: {error}") from error
    return [dict(feature) for feature in features]


def _is_used(column: ChannelColumn, features: Mapping[str, str]) -> bool:
    if column.name in features:
        return features[column.name] != "drop"
    if column.type not in CLIENT_TYPES:
        return False
    # A date may be part of what tells rows apart, and still say when.
    return not column.key or CLIENT_TYPES[column.type] == "date"


def _first(inputs: Arrays) -> dict[str, NDArray[Any]]:
    return {name: values[:1] for name, values in inputs.items()}


def _typical(values: NDArray[Any], kind: str) -> Any:
    sample = values[~is_missing(values)]
    if not sample.size:
        return None
    if kind == "date":
        return iso_day(sample.max())
    if kind == "text":
        texts, counts = np.unique(sample.astype(np.str_), return_counts=True)
        return str(texts[counts.argmax()])
    middle = float(np.quantile(sample, 0.5, method="nearest"))
    return bool(middle) if kind == "boolean" else middle


def _json_value(value: Any, kind: str) -> Any:
    if kind == "date":
        return iso_day(value)
    if kind == "text":
        return str(value)
    return bool(value) if kind == "boolean" else float(value)


def _plain(name: str, values: NDArray[Any]) -> Floats:
    if values.dtype.kind == "M":
        days = values.astype("datetime64[D]").astype(np.float64)
        days[np.isnat(values)] = np.nan
        return days[:, None]
    if values.dtype.kind == "O":
        feature = {"op": "hashed_words", "column": name, "buckets": PLAIN_BUCKETS}
        return operations([feature])[0]({name: values})
    return values[:, None]
