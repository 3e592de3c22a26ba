"""calibration.npz: rows for int8 and for parity, by the names of the signature."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tasks.conversion.signature import GraphSignature, GraphTensor
from tasks.errors import ConversionError

INPUT, OUTPUT = "input:", "output:"
_WRITE = (
    "Let the training program write one array per tensor, input:<name> and output:<name>, row by "
    "row; of a single one, inputs and outputs."
)


@dataclass(frozen=True)
class Calibration:
    """Rows and what the original answered to them.

    ``inputs`` and ``outputs`` hold an array [n, …] per tensor, in the signature's dtypes;
    ``targets`` the true answers [n] (class indices, or values in the graph's unit), where known.
    """

    inputs: Mapping[str, Any]
    outputs: Mapping[str, Any]
    targets: Any = None

    def __len__(self) -> int:
        return len(next(iter(self.inputs.values())))


def read(path: Path, signature: GraphSignature) -> Calibration:
    """Calibration data, every tensor of the signature with as many rows.

    Raises:
        ConversionError: the file cannot be read, lacks a tensor, has one that the signature does
            not know, or values that its dtype cannot hold.
    """
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, AttributeError) as error:
        raise ConversionError(f"{path} cannot be read as calibration data: {error}.", _WRITE) from (
            error
        )
    inputs = _side(path, arrays, signature.inputs, "inputs", INPUT)
    outputs = _side(path, arrays, signature.outputs, "outputs", OUTPUT)
    counts = {len(array) for array in (*inputs.values(), *outputs.values())}
    if len(counts) > 1 or not min(counts):
        sizes = [
            f"{len(array)} rows of {prefix}{name}"
            for prefix, side in ((INPUT, inputs), (OUTPUT, outputs))
            for name, array in side.items()
        ]
        raise ConversionError(
            f"{path} holds {', '.join(sizes)}.",
            "Let the training program write as many outputs as inputs, and at least one.",
        )
    return Calibration(inputs=inputs, outputs=outputs, targets=arrays.get("targets"))


def fit(calibration: Calibration, signature: GraphSignature) -> None:
    """Refuse rows of another shape than the signature's.

    Raises:
        ConversionError: a tensor's rows have another shape; both are named.
    """
    for prefix, tensors, arrays in (
        (INPUT, signature.inputs, calibration.inputs),
        (OUTPUT, signature.outputs, calibration.outputs),
    ):
        for tensor in tensors:
            row = (1, *arrays[tensor.name].shape[1:])
            if tensor.shape is not None and row != tensor.shape:
                raise ConversionError(
                    f"calibration.npz: a row of {prefix}{tensor.name} has the shape {list(row)}, "
                    f"preprocess.json gives it {list(tensor.shape)}.",
                    "Make the two agree; both are written by the training program.",
                )


def fit_int32(calibration: Calibration, signature: GraphSignature) -> None:
    """Refuse int64 numbers that TensorFlow.js, which knows int32 only, would change.

    Raises:
        ConversionError: a tensor's values do not fit; it and the value are named.
    """
    import numpy as np

    limits = np.iinfo(np.int32)
    for side, tensors, arrays in (
        ("input", signature.inputs, calibration.inputs),
        ("output", signature.outputs, calibration.outputs),
    ):
        for tensor in tensors:
            if tensor.dtype != "int64" or not arrays[tensor.name].size:
                continue
            least, most = int(arrays[tensor.name].min()), int(arrays[tensor.name].max())
            if least < limits.min or most > limits.max:
                value = most if most > limits.max else least
                raise ConversionError(
                    f"The {side} {tensor.name!r} holds {value}; TensorFlow.js knows int32 only.",
                    "Map these values to small ids in preprocess.json, or take tfjs_float16 out "
                    "of model.yaml: TFLite carries int64.",
                )


def _side(
    path: Path,
    arrays: Mapping[str, Any],
    tensors: tuple[GraphTensor, ...],
    single: str,
    prefix: str,
) -> dict[str, Any]:
    """Arrays of the inputs, or of the outputs, by name."""
    named = {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }
    if single in arrays:
        if named or len(tensors) > 1:
            raise ConversionError(
                f"{path} holds {single}, which is one tensor; preprocess.json names "
                f"{', '.join(tensor.name for tensor in tensors)}.",
                _WRITE,
            )
        named = {tensors[0].name: arrays[single]}
    wanted = {tensor.name for tensor in tensors}
    if set(named) != wanted:
        missing = [f"no {prefix}{name}" for name in sorted(wanted - set(named))]
        unknown = [
            f"{prefix}{name}, which preprocess.json does not name"
            for name in sorted(set(named) - wanted)
        ]
        raise ConversionError(f"{path} holds {', '.join(missing + unknown)}.", _WRITE)
    return {tensor.name: _typed(named[tensor.name], tensor, prefix) for tensor in tensors}


def _typed(array: Any, tensor: GraphTensor, prefix: str) -> Any:
    """The array in the tensor's dtype. Rounding a float is no change; any other change is one."""
    import numpy as np

    where = f"calibration.npz: {prefix}{tensor.name}"
    if array.dtype.kind not in "fiub" or not array.ndim:
        raise ConversionError(
            f"{where} is {array.dtype} of shape {list(array.shape)}; preprocess.json says "
            f"{tensor.dtype}.",
            _WRITE,
        )
    with np.errstate(invalid="ignore", over="ignore"):
        typed = array.astype(tensor.dtype)
        same = tensor.dtype == "float32" or bool((typed == array).all())
    if not same:
        raise ConversionError(
            f"{where} holds {array.dtype} values that are no {tensor.dtype}, which preprocess.json "
            "says.",
            "Write the array in the dtype of the signature, or correct the signature.",
        )
    return typed
