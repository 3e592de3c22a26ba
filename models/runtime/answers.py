"""answers.npz: what a model said of each held-out row, so that two models can be compared in pairs.

A training job writes it for its candidate and the baseline, the job that measures a champion for
the champion, each by its own bundle's code. The same row bears the same name in both, so that the
gate can put the two side by side (``tasks/gates``). Arrays of NumPy in a zip, none of them objects:

=============  ==========================================================================
``format``     1
``task``       name of the task
``output``     the ``output`` of preprocess.json, as JSON: what the predictions mean
``rows``       names of the rows [n], each once
``labels``     numbers [n], names [n], or JSON texts [n], as the label's column says them
``predicted``  numbers [n], or chances [n, k], in the client's terms
``plain``      the same of the baseline; left out where none was measured
=============  ==========================================================================
"""

from __future__ import annotations

import json
import math
import zipfile
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FILE = "answers.npz"
FORMAT = 1
LARGEST = 1 << 30
"""Bytes, unpacked, that are read at most; half of them are written."""
DIMENSIONS = (1, 2)
"""Of predictions: values [n], or chances [n, k]."""


class InvalidAnswers(ValueError):
    """A file of answers that cannot be believed; the message says why."""


@dataclass(frozen=True)
class HeldOutAnswers:
    """What was said of held-out rows.

    Args:
        task: Name of the task.
        output: The ``output`` of preprocess.json.
        rows: Names of the rows [n], each once.
        labels: As the label's column says them [n]: numbers, names, or JSON texts.
        predicted: The model's predictions, [n] or [n, k].
        plain: The baseline's, of the same shape; None where none was measured.
    """

    task: str
    output: Mapping[str, Any]
    rows: NDArray[np.str_]
    labels: NDArray[Any]
    predicted: NDArray[np.float64]
    plain: NDArray[np.float64] | None = None


def write(path: Path, said: HeldOutAnswers, largest: int = LARGEST // 2) -> bool:
    """Write a file of answers; False, with a line in the log, where it would be too large.

    Args:
        path: Where to.
        said: Labels may be as the task has them, rows may bear one name twice.
        largest: Bytes, unpacked, that are written at most.
    """
    arrays: dict[str, NDArray[Any]] = {
        "format": np.asarray(FORMAT),
        "task": np.asarray(said.task),
        "output": np.asarray(json.dumps(said.output, sort_keys=True)),
        "rows": distinct(said.rows),
        "labels": _stored(said.labels),
        "predicted": np.ascontiguousarray(said.predicted, dtype=np.float64),
    }
    if said.plain is not None:
        arrays["plain"] = np.ascontiguousarray(said.plain, dtype=np.float64)
    size = sum(array.nbytes for array in arrays.values())
    if size > largest:
        print(f"no {FILE}: {size:,} bytes of answers are more than is kept", flush=True)
        return False
    np.savez_compressed(path, allow_pickle=False, **arrays)
    return True


def load(path: Path, largest: int = LARGEST) -> HeldOutAnswers:
    """Read a file of answers, whoever wrote it.

    Nothing in it is run, and no more memory is taken than its members say they unpack to.

    Args:
        path: The file.
        largest: Bytes, unpacked, that are read at most.

    Raises:
        InvalidAnswers: it is no such file, of another format, too large, or does not fit together.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
            if size > largest:
                raise InvalidAnswers(f"it unpacks to {size:,} bytes, over {largest:,}")
            arrays = {
                member.filename.removesuffix(".npy"): _array(archive, member)
                for member in archive.infolist()
            }
        return _checked(arrays)
    except InvalidAnswers as error:
        raise InvalidAnswers(f"{path.name}: {error}") from error
    except (
        *(OSError, EOFError, ValueError, KeyError, TypeError, RuntimeError, MemoryError),
        *(zipfile.BadZipFile, zlib.error),
    ) as error:
        raise InvalidAnswers(
            f"{path.name} is no file of answers ({type(error).__name__}: {error})"[:400]
        ) from error


def distinct(names: NDArray[np.str_]) -> NDArray[np.str_]:
    """The same names, those that come again with their number: ``a``, ``a (2)``.

    Rows come in the order of their channel's files, for whoever reads it: so the second row of one
    name is the same row in every job.
    """
    if len(np.unique(names)) == len(names):
        return np.asarray(names, dtype=np.str_)
    seen: Counter[str] = Counter()
    told = []
    for name in map(str, names):
        seen[name] += 1
        told.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return np.asarray(told, dtype=np.str_)


def _stored(labels: NDArray[Any]) -> NDArray[Any]:
    """Labels of a task as arrays without objects; ``Task.labels`` reads each form again."""
    if labels.dtype.kind in "biuf":
        return labels.astype(np.float64)
    if labels.dtype.kind == "U":
        return labels
    return np.asarray([json.dumps(label) for label in labels], dtype=np.str_)


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[Any]:
    """One member, its header believed only as far as its bytes go."""
    with archive.open(member) as file:
        version = np.lib.format.read_magic(file)
        reading = (
            np.lib.format.read_array_header_1_0
            if version == (1, 0)
            else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = reading(file)
        if dtype.hasobject or dtype.kind not in "fiuU" or fortran:
            raise InvalidAnswers(f"{member.filename} holds {dtype}, neither numbers nor texts")
        size = math.prod(shape) * dtype.itemsize
        if not 0 <= size <= member.file_size:
            raise InvalidAnswers(f"{member.filename} says {shape}, of which it holds fewer bytes")
        array: NDArray[Any] = np.frombuffer(file.read(size), dtype=dtype).reshape(shape)
    return array


def _checked(arrays: Mapping[str, NDArray[Any]]) -> HeldOutAnswers:
    version = arrays["format"]
    if version.shape != () or version.dtype.kind not in "iu" or int(version) != FORMAT:
        raise InvalidAnswers(f"it is of format {version!s:.20}; format {FORMAT} is read here")
    rows, labels, predicted = arrays["rows"], arrays["labels"], arrays["predicted"]
    if rows.ndim != 1 or not len(rows) or rows.dtype.kind != "U":
        raise InvalidAnswers("rows are no list of names")
    if len(np.unique(rows)) != len(rows):
        raise InvalidAnswers("two rows bear one name")
    if labels.shape != rows.shape:
        raise InvalidAnswers(f"{len(rows)} rows have labels of shape {labels.shape}")
    plain = arrays.get("plain")
    for name, values in (("predicted", predicted), ("plain", plain)):
        if values is None:
            continue
        if values.dtype != np.float64 or values.ndim not in DIMENSIONS:
            raise InvalidAnswers(f"{name} is {values.dtype} of shape {values.shape}")
        if len(values) != len(rows) or not np.isfinite(values).all():
            raise InvalidAnswers(f"{name} is no finite number for each of the {len(rows)} rows")
    try:
        output = json.loads(str(arrays["output"]))
    except RecursionError as error:
        raise InvalidAnswers("output is nested too deeply") from error
    if not isinstance(output, dict):
        raise InvalidAnswers(f"output is {type(output).__name__}, no object")
    return HeldOutAnswers(str(arrays["task"]), output, rows, labels, predicted, plain)
