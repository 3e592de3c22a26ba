"""The scikit-learn baseline of a job, in a process of its own while TensorFlow starts.

Run as ``python -m models.programs.baseline <job.json> <answers.npy>`` in the folder of the code.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.programs.contract import CODE_DIR, load_code
from models.programs.script_mode import Hyperparameters


class Baseline:
    """A baseline being computed.

    Args:
        folder: Scratch folder.
        channels: Folders ``training`` and ``holdout``.
        spec: preprocess.json.
        hyperparameters: The job's.
    """

    def __init__(
        self,
        folder: Path,
        channels: Mapping[str, Path],
        spec: Mapping[str, Any],
        hyperparameters: Mapping[str, Any],
    ) -> None:
        asked = folder / "baseline.json"
        self._answers = folder / "baseline.npy"
        asked.write_text(
            json.dumps(
                {
                    "training": str(channels["training"]),
                    "holdout": str(channels["holdout"]),
                    "spec": spec,
                    "hyperparameters": hyperparameters,
                }
            ),
            encoding="utf-8",
        )
        command = [sys.executable, "-m", __name__, str(asked), str(self._answers)]
        self._process = subprocess.Popen(
            command,
            cwd=CODE_DIR,
            # TensorFlow starts beside it: more threads than cores spin instead of working.
            env={**os.environ, "OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def answers(self) -> NDArray[np.float64]:
        """Wait, and return the baseline's predictions of the holdout.

        Raises:
            RuntimeError: the process failed; its last lines are in the message.
        """
        said, _ = self._process.communicate()
        if self._process.returncode:
            raise RuntimeError(f"the scikit-learn baseline failed: {said[-600:]}")
        return np.asarray(np.load(self._answers, allow_pickle=False), dtype=np.float64)

    def stop(self) -> None:
        """End it, when nobody will read its answer."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def main(arguments: list[str]) -> int:
    """Compute the baseline that the job file asks for."""
    asked = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
    code = load_code(CODE_DIR / "model.py")
    hyperparameters = Hyperparameters(asked["hyperparameters"])
    training, holdout = (
        code.load(Path(asked[name]), hyperparameters) for name in ("training", "holdout")
    )
    np.save(arguments[1], code.baseline(training, holdout, asked["spec"]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
