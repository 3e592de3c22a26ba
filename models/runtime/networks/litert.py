"""A LiteRT graph on one thread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.signature import Arrays, Signature, rows_of


class Graph:
    """A LiteRT graph of batch 1.

    Args:
        content: A .tflite file, as path or bytes.
        signature: Its tensors by name. A graph of one input or one output may call them otherwise.

    Raises:
        ValueError: a tensor of the signature is not there.
    """

    def __init__(self, content: Path | bytes, signature: Signature) -> None:
        from ai_edge_litert.interpreter import Interpreter

        model: dict[str, Any] = (
            {"model_content": content}
            if isinstance(content, bytes)
            else {"model_path": str(content)}
        )
        self._interpreter = Interpreter(num_threads=1, **model)
        self._interpreter.allocate_tensors()
        default = self._interpreter.get_signature_list().get("serving_default")
        runner = self._interpreter.get_signature_runner("serving_default") if default else None
        self._inputs = _indices(
            [tensor.name for tensor in signature.inputs],
            self._interpreter.get_input_details(),
            runner.get_input_details() if runner else {},
        )
        self._outputs = _indices(
            [tensor.name for tensor in signature.outputs],
            self._interpreter.get_output_details(),
            runner.get_output_details() if runner else {},
        )

    def predict(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Inputs [n, …] → outputs [n, …] by name, row by row (the graph's batch is 1)."""
        interpreter, count = self._interpreter, rows_of(inputs)
        rows: dict[str, list[NDArray[Any]]] = {name: [] for name, _ in self._outputs}
        tensors = [(index, inputs[name]) for name, index in self._inputs]
        for row in range(count):
            for index, values in tensors:
                interpreter.set_tensor(index, values[row : row + 1])
            interpreter.invoke()
            for name, index in self._outputs:
                rows[name].append(interpreter.get_tensor(index)[0])
        return {name: np.asarray(values) for name, values in rows.items()}


def _indices(
    names: list[str], details: list[dict[str, Any]], by_name: dict[str, dict[str, Any]]
) -> list[tuple[str, int]]:
    if len(names) == 1 and len(details) == 1:
        return [(names[0], int(details[0]["index"]))]
    missing = sorted(set(names) - set(by_name))
    if missing or len(names) != len(details):
        raise ValueError(f"the graph has the tensors {sorted(by_name)}; {names} are wanted")
    return [(name, int(by_name[name]["index"])) for name in names]
