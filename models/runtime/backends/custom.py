"""A model's own programs in SageMaker's script-mode form, of whatever framework.

``train.py`` (or ``training.program``) reads ``SM_CHANNEL_TRAINING`` and writes into
``SM_MODEL_DIR``. ``inference.py`` has ``model_fn(model_dir)`` and ``predict_fn(data, model)``, and
may have ``input_fn(body, content_type)`` and ``output_fn(prediction, accept)``, as SageMaker's
framework containers call them. Everything else (the gate's metrics, the error monitor, the server
and what the canary reads) is made from what they answer.
"""

from __future__ import annotations

import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Literal

from models.runtime.backend import Backend, Fitted, Fitting, Stopped, Unservable
from models.runtime.own import CODE_DIR, import_file
from models.runtime.script_mode import Job
from models.runtime.signature import Signature
from models.runtime.task import UnreadableAnswer

INFERENCE = "inference.py"
REQUIRED = ("model_fn", "predict_fn")
JSON = "application/json"
CHUNK = 1_000
"""Rows of one request to an own program."""
SECONDS = 60.0
"""How long an own program may take to end after SIGTERM."""


class Custom(Backend):
    """Runs an own training program, and asks an own inference program."""

    speaks: ClassVar[Literal["tensors", "instances"]] = "instances"
    hosts: ClassVar[int | None] = None
    first_hyperparameters: ClassVar[Mapping[str, str]] = {"alpha": "1.0"}
    writes_code: ClassVar[bool] = True

    def fit(self, fitting: Fitting) -> Fitted:
        """Run the training program to its end."""
        path = CODE_DIR / INFERENCE
        script = Script(_program_of(path), None)
        fitting.lap(INFERENCE, "")
        run_program(fitting.job)
        if fitting.job.stopping:
            raise Stopped
        fitting.lap("fit", "")
        return Fitted(script.opened(fitting.job.model_dir))

    def assist(self, job: Job, _prepared: Callable[[], Fitting]) -> None:
        """The training program runs on every host, as SageMaker would run it."""
        run_program(job)

    def save(self, _fitted: Fitted, _signature: Signature, _folder: Path) -> None:
        """The training program has written what it wants to load."""

    def load(self, folder: Path, _signature: Signature) -> Any:
        """What ``model_fn`` makes of the model folder."""
        return Script(_program_of(folder / "code" / INFERENCE), None).opened(folder)


class Script:
    """The functions of an ``inference.py``, and the model that they loaded.

    Args:
        module: The imported file.
        model: What ``model_fn`` returned.
    """

    def __init__(self, module: ModuleType, model: Any) -> None:
        self._module = module
        self._model = model

    def opened(self, folder: Path) -> Script:
        """The same with a model folder's model loaded."""
        return Script(self._module, _call(self._module.model_fn, str(folder), None))

    def answer(self, instances: list[Any]) -> list[Any]:
        """JSON instances → one JSON value a row, however many the program takes at once.

        Raises:
            UnreadableAnswer: it answered something else than one value a row.
        """
        answers: list[Any] = []
        for first in range(0, len(instances), CHUNK):
            chunk = instances[first : first + CHUNK]
            values = self._request(json.dumps({"instances": chunk}))
            if len(values) != len(chunk):
                raise UnreadableAnswer(
                    f"{INFERENCE} answered {len(values)} values for {len(chunk)} instances"
                )
            answers += values
        return answers

    def _request(self, body: str) -> list[Any]:
        module = self._module
        read: Callable[..., Any] = getattr(module, "input_fn", _instances)
        write: Callable[..., Any] = getattr(module, "output_fn", _plain)
        data = read(body, JSON)
        answer = write(_call(module.predict_fn, data, self._model), JSON)
        # Flask-based containers let output_fn return (body, content type).
        answer = answer[0] if isinstance(answer, tuple) else answer
        if isinstance(answer, bytes | bytearray | str):
            answer = json.loads(answer)
        answer = answer.get("predictions", answer) if isinstance(answer, Mapping) else answer
        answer = answer.tolist() if hasattr(answer, "tolist") else answer
        if not isinstance(answer, list):
            raise UnreadableAnswer(f"{INFERENCE} answered {answer!r:.80}, no list of predictions")
        return answer


def run_program(job: Job) -> None:
    """Run the own training program as SageMaker would, and stop it when the job must stop.

    Raises:
        Unservable: it failed.
    """
    from models.runtime.family import load_family

    program = load_family(CODE_DIR).program
    arguments = [
        word
        for name, value in sorted(job.hyperparameters.given.items())
        for word in (f"--{name}", str(value))
    ]
    environment = {
        **os.environ,
        "SM_MODEL_DIR": str(job.model_dir),
        "SM_OUTPUT_DATA_DIR": str(job.output_dir),
        **{f"SM_CHANNEL_{name.upper()}": str(path) for name, path in job.channels.items()},
    }
    for folder in (job.model_dir, job.output_dir):
        folder.mkdir(parents=True, exist_ok=True)
    with subprocess.Popen(
        [sys.executable, program, *arguments], cwd=CODE_DIR, env=environment
    ) as process:
        status = _exit_status(process, job)
    if status and not job.stopping:
        raise Unservable(f"{program} ended with status {status}; its last lines are in the log")


def _exit_status(process: subprocess.Popen[bytes], job: Job) -> int:
    """Wait for a program; pass SIGTERM on, and end it when it does not obey."""
    while True:
        try:
            return process.wait(timeout=0.2)
        except subprocess.TimeoutExpired:
            if not job.stopping:
                continue
        process.terminate()
        try:
            return process.wait(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


def _program_of(path: Path) -> ModuleType:
    """An ``inference.py`` with what must be in it.

    Raises:
        Unservable: it is missing, or lacks a function.
    """
    try:
        module = import_file(path)
    except FileNotFoundError as error:
        raise Unservable(f"{INFERENCE} is missing: it answers for the model") from error
    lacking = [name for name in REQUIRED if not callable(getattr(module, name, None))]
    if lacking:
        raise Unservable(f"{INFERENCE} lacks {', '.join(f'{name}()' for name in lacking)}")
    return module


def _call(function: Callable[..., Any], first: Any, second: Any) -> Any:
    """Call a function of the program; newer toolkits hand a context over too."""
    parameters = inspect.signature(function).parameters
    return function(*(first, second)[: max(1, min(2, len(parameters)))])


def _instances(body: str, _content_type: str) -> Any:
    return json.loads(body)["instances"]


def _plain(prediction: Any, _accept: str) -> Any:
    return prediction
