"""The model as the server knows it: instances in, answers and their scores out."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from models.runtime.bundle import Bundle
from models.runtime.serving.limits import ROWS_AT_ONCE
from models.runtime.signature import Arrays, first_unfit, rows_of, take
from models.runtime.tables.cells import BadInput
from models.runtime.task import Floats

TURN_SECONDS = 0.0005
"""A lock is not fair: who holds it again and again lets the others in by sleeping a little."""


class Served(Protocol):
    """What the server asks of a model; every method may be called from any thread."""

    @property
    def address(self) -> str:
        """Key of an instance that says where its bytes lie; "" where none does."""
        ...

    def unpacked(self, instances: list[Any]) -> int:
        """Pixels that reading these instances makes of what they hold, before any is made.

        Raises:
            BadInput: there are more than may be, or an instance cannot be read.
        """
        ...

    def predict(self, instances: list[Any]) -> tuple[list[Any], list[float]]:
        """Answers in the client's terms, and the score of each.

        Raises:
            BadInput: an instance cannot be read.
            Exception: the model failed.
        """
        ...

    def test_itself(self) -> None:
        """Answer an example.

        Raises:
            Exception: the model failed.
        """
        ...


class Model:
    """One loaded model.

    Any thread may ask it: instances are read side by side, the model itself is asked by one thread
    at a time.

    Args:
        folder: The unpacked model.tar.gz.
    """

    def __init__(self, folder: Path) -> None:
        self._bundle = Bundle.load(folder)
        self._turn = threading.Lock()
        reference = json.loads((folder / "reference.json").read_text(encoding="utf-8"))
        self.edges: tuple[float, ...] = tuple(reference["edges"])

    @property
    def address(self) -> str:
        """Key of an instance that says where its bytes lie; "" where none does."""
        return self._bundle.input.address

    @property
    def example(self) -> Any:
        """An instance that the model answers."""
        return self._bundle.input.example()

    def unpacked(self, instances: list[Any]) -> int:
        """Pixels that reading these instances makes of what they hold, before any is made.

        Raises:
            BadInput: there are more than may be, or an instance cannot be read.
        """
        with _reading():
            return self._bundle.input.unpacked(instances)

    def predict(self, instances: list[Any]) -> tuple[list[Any], list[float]]:
        """Answers in the client's terms, and the score of each.

        Raises:
            BadInput: an instance cannot be read.
            ArithmeticError: the model answered something that is not finite.
        """
        task = self._bundle.task
        predictions = self._predictions(instances)
        scores = task.scores(predictions)
        if not np.isfinite(scores).all():
            raise ArithmeticError("the model answered more than a number can hold")
        return task.answers(predictions), [float(score) for score in scores]

    def test_itself(self) -> None:
        """Predict the example of preprocess.json.

        Raises:
            ArithmeticError: the answer is not finite.
        """
        self.predict([self.example])

    def _predictions(self, instances: list[Any]) -> Floats:
        bundle = self._bundle
        with _reading():
            inputs = bundle.input.decode(instances)
            tensors = bundle.tensors(inputs) if bundle.speaks_tensors else {}
        if not bundle.speaks_tensors:
            with self._turn:
                return bundle.predicted(inputs)
        unfit = first_unfit(tensors)
        if unfit is not None:
            raise BadInput(f"instance {unfit}: its values are too large to be prepared")
        raw = self._raw(tensors)
        if first_unfit(raw) is not None:
            raise ArithmeticError("the model answered a number that is not finite")
        return bundle.task.predicted(raw)

    def _raw(self, tensors: Arrays) -> Mapping[str, NDArray[Any]]:
        """What the graph answers; of many rows so that others get their turn between them."""
        rows, parts = rows_of(tensors), []
        for first in range(0, rows, ROWS_AT_ONCE):
            if first:
                time.sleep(TURN_SECONDS)
            with self._turn:
                parts.append(self._bundle.raw(take(tensors, slice(first, first + ROWS_AT_ONCE))))
        if len(parts) == 1:
            return parts[0]
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@contextmanager
def _reading() -> Iterator[None]:
    """Where instances are read, whatever their kind: what their size, depth or letters break.

    Any other error is a fault of ours.

    Raises:
        BadInput: instead of it.
    """
    try:
        yield
    except (RecursionError, UnicodeError, OverflowError, MemoryError) as error:
        raise BadInput(f"the instances cannot be read: {type(error).__name__}") from error
