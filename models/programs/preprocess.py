"""From what a client sends to what the graph eats, and from its answer back: ``preprocess.json``.

The file is language-neutral: a closed set of small operations with all numbers inside, so that a
phone or a browser applies the same steps without this code. Normalisation stays outside the
graph because an int8 graph needs inputs of one scale.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from itertools import groupby
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.programs.cells import BadInput, cell
from models.programs.pictures import decoded, pixels

__all__ = ["BadInput", "Images", "Tabular", "answers", "numbers", "preprocessor", "scores"]

Floats = NDArray[np.float32]
Columns = Mapping[str, NDArray[Any]]
Spec = Mapping[str, Any]
Operation = Callable[[Columns], NDArray[np.float64]]

FARTHEST = 1e6
"""How far from the centre a place still moves: beyond, sines of it are noise."""
_DAY = np.timedelta64(1, "D")


class Preprocessor(Protocol):
    """What every kind of input knows."""

    def decode(self, instances: Sequence[Any]) -> Any:
        """JSON instances → inputs; raises BadInput."""
        ...

    def transform(self, inputs: Any) -> Floats:
        """Inputs → what the graph eats, float32 [n, …]."""
        ...

    def example(self) -> Any:
        """An instance that the server tests itself with."""
        ...


class Tabular:
    """Rows of named columns.

    ``columns`` of the spec lists what a client sends: name, type (``number`` or ``date``), whether
    it may be missing, and an example. ``features`` lists the operations; see docs/models.md.
    """

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self._operations: list[Operation] = []
        for op, run in groupby(spec["features"], key=lambda feature: feature["op"]):
            if op == "number":
                self._operations.append(_together(list(run)))
            else:
                self._operations += [partial(_FEATURES[op], feature) for feature in run]

    def decode(self, instances: Sequence[Any]) -> Columns:
        """JSON instances (one object per row) → columns.

        Raises:
            BadInput: a row is no object, or a column is missing or of the wrong type.
        """
        return {
            column["name"]: np.array(
                [cell(row, column, number) for number, row in enumerate(instances)],
                dtype="datetime64[D]" if column["type"] == "date" else np.float64,
            )
            for column in self.spec["columns"]
        }

    def transform(self, inputs: Columns) -> Floats:
        """Columns (n rows) → float32 [n, width]."""
        parts = [operation(inputs) for operation in self._operations]
        return np.concatenate(parts, axis=1, dtype=np.float32)

    def example(self) -> dict[str, Any]:
        """A typical row: what the server tests itself with."""
        return {column["name"]: column["example"] for column in self.spec["columns"]}


class Images:
    """JPEG or PNG images, resized to the graph's input and scaled to -1 … 1."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self._height, self._width = spec["input"]["shape"][1:3]

    def decode(self, instances: Sequence[Any]) -> NDArray[np.uint8]:
        """JSON instances → uint8 [n, height, width, 3].

        An instance is ``{"b64": "<base64 of a JPEG, PNG or WebP>"}`` or nested lists of 0 … 255.

        Raises:
            BadInput: an instance is neither.
        """
        return decoded(instances, (self._height, self._width))

    def decode_files(self, files: Sequence[bytes]) -> NDArray[np.uint8]:
        """Encoded images → uint8 [n, height, width, 3]."""
        return np.stack([pixels(data, (self._height, self._width))[0] for data in files])

    def transform(self, inputs: NDArray[np.uint8]) -> Floats:
        """uint8 [n, height, width, 3] → float32 of the same shape, -1 … 1."""
        pixels = self.spec["pixels"]
        return inputs.astype(np.float32) * np.float32(pixels["scale"]) + np.float32(
            pixels["offset"]
        )

    def example(self) -> list[list[list[int]]]:
        """A plain grey image: what the server tests itself with."""
        return [[[128] * 3] * self._width] * self._height


def preprocessor(spec: Spec) -> Preprocessor:
    """The preprocessor that a spec asks for.

    Raises:
        ValueError: the kind is unknown.
    """
    kinds: dict[str, type[Tabular | Images]] = {"tabular": Tabular, "image": Images}
    try:
        return kinds[spec["kind"]](spec)
    except KeyError:
        raise ValueError(
            f"preprocess.json has kind {spec.get('kind')!r}, not {list(kinds)}"
        ) from None


def answers(spec: Spec, raw: Floats) -> list[Any]:
    """What the graph said (float32 [n, outputs]) → what the client gets, one item per row."""
    output = spec["output"]
    if output["kind"] == "number":
        return [float(value) for value in numbers(spec, raw)]
    best = raw.argmax(axis=1)
    classes = output["classes"]
    return [
        {
            "label": classes[index],
            "confidence": float(row[index]),
            "confident": bool(row[index] >= output["confidence_threshold"]),
            "scores": [float(value) for value in row],
        }
        for index, row in zip(best, raw, strict=True)
    ]


def numbers(spec: Spec, raw: Floats) -> NDArray[np.float64]:
    """Regression: float32 [n, 1] → float64 [n] in the label's unit."""
    output = spec["output"]
    value = raw[:, 0].astype(np.float64) * output["scale"] + output["offset"]
    return np.asarray(np.exp(value) if output["transform"] == "exp" else value)


def scores(spec: Spec, raw: Floats) -> NDArray[np.float64]:
    """One number per prediction, whose distribution is watched.

    The predicted value itself; for classes the class index plus the confidence, so that a shift
    between classes and a shift of confidence inside one both move it.
    """
    if spec["output"]["kind"] == "number":
        return numbers(spec, raw)
    best = raw.argmax(axis=1)
    return np.asarray(best + np.minimum(raw.max(axis=1), 1 - 1e-6), dtype=np.float64)


def _raw(columns: Columns, feature: Mapping[str, Any]) -> NDArray[np.float64]:
    """One column, the greatest of several, or the ratio of two."""
    values = np.asarray(columns[feature["columns"][0]], dtype=np.float64)
    for name in feature["columns"][1:]:
        other = np.asarray(columns[name], dtype=np.float64)
        values = np.fmax(values, other) if feature["of"] == "greatest" else values / other
    return values


def _together(features: list[Mapping[str, Any]]) -> Operation:
    """Neighbouring ``number`` features as one operation.

    A request has one row, and thirty NumPy calls on one number each cost more than the graph.
    """
    logged = np.asarray([feature["log"] for feature in features], dtype=bool)
    add, mean, std, clip = (
        np.asarray([feature[key] for feature in features], dtype=np.float64)
        for key in ("add", "mean", "std", "clip")
    )

    def operation(columns: Columns) -> NDArray[np.float64]:
        with np.errstate(all="ignore"):
            values = np.stack([_raw(columns, feature) for feature in features], axis=1)
            values = np.where(logged, np.log(values + add), values)
            scaled = (values - mean) / std
        clipped = np.minimum(np.maximum(scaled, -clip), clip)
        return np.where(np.isnan(clipped), 0.0, clipped)

    return operation


def _flag(feature: Mapping[str, Any], columns: Columns) -> NDArray[np.float64]:
    values = np.asarray(columns[feature["column"]], dtype=np.float64)
    return np.asarray(values > feature["above"], dtype=np.float64)[:, None]


def _one_hot(feature: Mapping[str, Any], columns: Columns) -> NDArray[np.float64]:
    values = np.asarray(columns[feature["column"]], dtype=np.float64)
    return np.asarray(values[:, None] == np.asarray(feature["values"]), dtype=np.float64)


def _waves(feature: Mapping[str, Any], columns: Columns) -> NDArray[np.float64]:
    """Fourier features of a place (Tancik et al. 2020): sines along several directions."""
    place = np.stack([np.asarray(columns[name], np.float64) for name in feature["columns"]], axis=1)
    with np.errstate(over="ignore"):
        place = (place - feature["center"]) / feature["scale"]
    place = np.clip(np.where(np.isnan(place), 0.0, place), -FARTHEST, FARTHEST)
    angles = np.asarray(feature["angles"])
    along = place[:, :1] * np.cos(angles) + place[:, 1:] * np.sin(angles)
    phase = (along[:, :, None] * np.asarray(feature["frequencies"])).reshape(len(place), -1)
    return np.concatenate([np.sin(phase), np.cos(phase)], axis=1)


def _days(feature: Mapping[str, Any], columns: Columns) -> NDArray[np.float64]:
    """Time since the first training day; no date means the newest one known."""
    days = np.asarray(columns[feature["column"]]).astype("datetime64[D]")
    since = (days - np.datetime64(feature["origin"], "D")) / _DAY
    since = np.where(np.isnan(since), feature["newest"], since)
    known = np.clip(since, 0, feature["newest"] + feature["beyond"])
    return np.asarray(known / feature["unit"], dtype=np.float64)[:, None]


_FEATURES: dict[str, Callable[[Mapping[str, Any], Columns], NDArray[np.float64]]] = {
    "flag": _flag,
    "one_hot": _one_hot,
    "waves": _waves,
    "days": _days,
}


def standard(
    columns: Columns, names: Sequence[str], *, log: bool = False, add: float = 0.0, of: str = "one"
) -> dict[str, Any]:
    """A fitted ``number`` feature: mean and standard deviation of the training rows."""
    feature: dict[str, Any] = {
        "op": "number",
        "columns": list(names),
        "of": of,
        "log": log,
        "add": add,
    }
    with np.errstate(all="ignore"):
        values = _raw(columns, feature)
        values = np.log(values + add) if log else values
    known = values[np.isfinite(values)]
    return feature | {
        "mean": float(known.mean()) if known.size else 0.0,
        "std": max(float(known.std()), 1e-6) if known.size else 1.0,
        "clip": 5.0,
    }


def iso_day(value: Any) -> str:
    """A numpy day as ``YYYY-MM-DD``."""
    day: date = np.datetime64(value, "D").astype(object)
    return day.isoformat()
