"""A LiteRT graph on one thread."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


class Graph:
    """A LiteRT graph with one float32 input of batch 1 and one float32 output.

    Args:
        content: A .tflite file, as path or bytes.
    """

    def __init__(self, content: Path | bytes) -> None:
        from ai_edge_litert.interpreter import Interpreter

        model: dict[str, Any] = (
            {"model_content": content}
            if isinstance(content, bytes)
            else {"model_path": str(content)}
        )
        self._interpreter = Interpreter(num_threads=1, **model)
        self._interpreter.allocate_tensors()
        self._input = self._interpreter.get_input_details()[0]
        self._output = self._interpreter.get_output_details()[0]

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input, batch included."""
        return tuple(int(size) for size in self._input["shape"])

    def run(self, inputs: Floats) -> Floats:
        """float32 [n, …] → float32 [n, outputs], row by row (the graph's batch is 1)."""
        rows = []
        for row in inputs:
            self._interpreter.set_tensor(self._input["index"], row[None])
            self._interpreter.invoke()
            rows.append(self._interpreter.get_tensor(self._output["index"])[0])
        return np.asarray(rows, dtype=np.float32).reshape(len(inputs), -1)
