"""A Keras network as the graphs that are kept: SavedModel of any batch, LiteRT of one row."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.backend import Unservable
from models.runtime.networks.litert import Graph
from models.runtime.signature import Arrays, Signature, Tensor, rows_of, take

GRAPH = "litert/model.tflite"
BATCH = 1024
"""Rows that a network answers at once."""


class Network:
    """A Keras model as a predictor.

    Args:
        model: The Keras model.
        signature: Its tensors.
    """

    def __init__(self, model: Any, signature: Signature) -> None:
        self.model = model
        self._signature = signature

    def predict(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Inputs [n, …] → outputs [n, …] by name."""
        parts: dict[str, list[NDArray[Any]]] = {t.name: [] for t in self._signature.outputs}
        for first in range(0, rows_of(inputs), BATCH):
            batch = take(inputs, slice(first, first + BATCH))
            for name, values in called(self.model, batch, self._signature).items():
                parts[name].append(np.asarray(values))
        return {name: np.concatenate(values) for name, values in parts.items()}


def called(
    model: Any, inputs: Mapping[str, Any], signature: Signature, *, training: bool = False
) -> dict[str, Any]:
    """Call a Keras model with tensors by name; its outputs by the signature's names."""
    tensors = next(iter(inputs.values())) if len(inputs) == 1 else dict(inputs)
    answer = model(tensors, training=training)
    names = [tensor.name for tensor in signature.outputs]
    if isinstance(answer, Mapping):
        return dict(answer)
    return dict(zip(names, answer if isinstance(answer, list | tuple) else [answer], strict=True))


def rehearse(model: Any, signature: Signature) -> None:
    """Make the graph to be served of the untrained network: seconds, before hours are paid for.

    Raises:
        Unservable: its inputs or outputs are not those of the signature, or it holds what LiteRT
            does not know; the message names it.
    """
    for kind, tensors in (("input", signature.inputs), ("output", signature.outputs)):
        names = [str(tensor.name) for tensor in getattr(model, f"{kind}s", None) or []]
        if len(names) != len(tensors):
            raise Unservable(
                f"the model has {len(names)} {kind}s ({', '.join(names)}); this family has "
                f"{len(tensors)} ({', '.join(tensor.name for tensor in tensors)}): correct build() "
                "of model.py"
            )
    zeros = {t.name: np.zeros(t.shape, dtype=t.dtype) for t in signature.inputs}
    try:
        answers = Graph(litert_graph(model, signature), signature).predict(zeros)
    except Exception as error:
        raise Unservable(
            f"LiteRT, which serves the model, cannot run it: {_operations(str(error))}: use other "
            "layers in build() of model.py (recurrent ones with unroll=True)"
        ) from error
    for tensor in signature.outputs:
        shape = answers[tensor.name].shape
        if shape != tensor.shape:
            raise Unservable(
                f"the model answers a row with {tensor.name} of shape {list(shape)}; its task "
                f"needs {list(tensor.shape)}: correct build() of model.py"
            )


def litert_graph(model: Any, signature: Signature) -> bytes:
    """The LiteRT graph (batch 1) of a Keras model."""
    import tensorflow as tf

    with tempfile.TemporaryDirectory() as scratch:
        _archive(model, signature, 1, Path(scratch) / "batch1")
        graph: bytes = tf.lite.TFLiteConverter.from_saved_model(f"{scratch}/batch1").convert()
    return graph


def export(model: Any, signature: Signature, folder: Path) -> None:
    """Write the model as Keras file, SavedModel (any batch) and LiteRT graph (batch 1)."""
    (folder / "keras").mkdir(parents=True, exist_ok=True)
    model.save(folder / "keras" / "model.keras")
    _archive(model, signature, None, folder / "saved_model" / "1")
    graph = folder / GRAPH
    graph.parent.mkdir(parents=True, exist_ok=True)
    graph.write_bytes(litert_graph(model, signature))


def _archive(model: Any, signature: Signature, batch: int | None, path: Path) -> None:
    """A SavedModel of a batch, or of any (None)."""
    import keras
    import tensorflow as tf

    def spec(tensor: Tensor) -> Any:
        return tf.TensorSpec([batch, *tensor.shape[1:]], tensor.dtype, name=tensor.name)

    # ExportArchive and not a tf.Module around the model: that one converts silently to NaN.
    archive = keras.export.ExportArchive()
    archive.track(model)
    names = [tensor.name for tensor in signature.inputs]

    def served(*tensors: Any) -> Any:
        return called(model, dict(zip(names, tensors, strict=True)), signature)

    archive.add_endpoint("serve", served, [spec(tensor) for tensor in signature.inputs])
    archive.write_out(str(path), verbose=False)


def _operations(message: str) -> str:
    """The operations that the converter named, else its last words."""
    operations = [
        name.strip()
        for names in re.findall(r"(?:TF Select|Custom) ops: (.+)|'tf\.(\w+)' op ", message)
        for name in "".join(names).split(",")
    ]
    return (
        f"no operation for {', '.join(dict.fromkeys(operations))}"
        if operations
        else message.strip()[-300:]
    )
