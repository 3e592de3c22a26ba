"""A .tflite file answers rows, in a process of its own: ``… <job.json> <folder>``.

A file that was made of a stranger's graph may crash the interpreter, or worse; neither may reach
the worker.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.conversion.edge_signature import EdgeSignature, EdgeTensor, matched
from tasks.conversion.signature import SERVED, GraphSignature
from tasks.errors import ConversionError

TOLD = "answered.json"
"""What was found, beside a file of 64-bit numbers for each output (`output_file`)."""
NUMBER = "<f8"


def output_file(folder: Path, position: int) -> Path:
    """Where the answers of an output lie, rows one after another."""
    return folder / f"output{position}.f8"


def main(arguments: list[str]) -> int:
    """Answer the job's rows, and write what came of it, or why nothing did."""
    import numpy as np

    job_file, folder = map(Path, arguments)
    job = json.loads(job_file.read_text(encoding="utf-8"))
    signature = GraphSignature.model_validate(job["signature"])
    with np.load(job["rows"], allow_pickle=False) as stored:
        inputs = {name: stored[name] for name in stored.files}
    try:
        told = answer(Path(job["file"]), signature, inputs, folder)
    except ConversionError as error:
        told = {"refused": {"what": error.what, "next_step": error.next_step}}
    (folder / TOLD).write_text(json.dumps(told), encoding="utf-8")
    return 0


def answer(
    path: Path, signature: GraphSignature, inputs: Mapping[str, Any], folder: Path
) -> dict[str, Any]:
    """Run a file on one thread, row by row; the answers go into the folder.

    Args:
        path: The file.
        signature: What preprocess.json tells.
        inputs: Rows [n, …] of each input.
        folder: See `output_file`.

    Returns:
        ``rows``, ``latency_ms_p50``, ``version`` of LiteRT and ``signature`` of the file.

    Raises:
        ConversionError: the file has other tensors than the signature.
    """
    import ai_edge_litert
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(path), num_threads=1)
    runner = interpreter.get_signature_runner(SERVED)
    tensors = _tensors(signature, runner)
    seconds: list[float] = []
    files = [output_file(folder, n).open("wb") for n in range(len(tensors.outputs))]
    for n in range(min(map(len, inputs.values()))):
        row = {one.key: inputs[one.name][n : n + 1].astype(one.dtype) for one in tensors.inputs}
        began = time.perf_counter()
        answered = runner(**row)
        seconds.append(time.perf_counter() - began)
        for one, file in zip(tensors.outputs, files, strict=True):
            file.write(np.asarray(answered[one.key]).reshape(-1).astype(NUMBER).tobytes())
    for file in files:
        file.close()
    return {
        "rows": len(seconds),
        "latency_ms_p50": statistics.median(seconds) * 1000,
        "version": getattr(ai_edge_litert, "__version__", ""),
        "signature": tensors.model_dump(mode="json"),
    }


def _tensors(signature: GraphSignature, runner: Any) -> EdgeSignature:
    import numpy as np

    return matched(
        signature,
        *(
            [
                EdgeTensor(
                    name=key,
                    key=key,
                    tensor=str(detail["name"]),
                    shape=tuple(int(size) for size in detail["shape"]),
                    dtype=np.dtype(detail["dtype"]).name,
                )
                for key, detail in details.items()
            ]
            for details in (runner.get_input_details(), runner.get_output_details())
        ),
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
