"""What a client sends: the base class of ``models/runtime/inputs/``.

An input is one file there; its name is what ``family.input`` of a model.yaml says.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.runtime.script_mode import Hyperparameters
from models.runtime.signature import Arrays, Tensor
from models.runtime.split import ChannelColumn

Floats = NDArray[np.float64]
Features = Callable[[Arrays, Hyperparameters], list[dict[str, Any]]]


class InvalidFeature(Exception):
    """A column cannot become a feature as it is asked to."""


class Treated(NamedTuple):
    """What becomes of a column of the contract, in words; ``used``: whether anything does."""

    column: str
    how: str
    used: bool = True


class Input(ABC):
    """Rows as clients and channels bring them, and the tensors that a graph eats.

    This is a whole input, of bare vectors in files of NumPy:

    .. code-block:: python

        class Vector(Input):
            formats = frozenset({"npy"})

            @classmethod
            def schema(cls, columns, label, features, hyperparameters):
                return {"kind": "vector", "size": hyperparameters.integer("size", 8)}

            def fit(self, inputs, features, hyperparameters):
                return {**self.spec, "mean": float(inputs["vector"].mean())}

            def read(self, channel, label):
                rows = np.load(channel / "rows.npy")
                ids = np.arange(len(rows)).astype(str)
                return ids, {"vector": rows}, list(np.load(channel / f"{label}.npy"))

            def decode(self, instances):
                return {"vector": np.asarray(instances, dtype=np.float64)}

            def instances(self, inputs):
                return inputs["vector"].tolist()

            @property
            def tensors(self):
                return (Tensor("vector", (1, self.spec["size"])),)

            def transform(self, inputs):
                return {"vector": (inputs["vector"] - self.spec["mean"]).astype(np.float32)}

            def plain(self, inputs):
                return inputs["vector"]

            def example(self):
                return [0.0] * self.spec["size"]

    Args:
        spec: preprocess.json: what :meth:`schema` made, or, for all but :meth:`read`, what
            :meth:`fit` completed.
    """

    formats: ClassVar[frozenset[str]]
    """Formats of a contract whose data it reads."""

    draft_columns: ClassVar[tuple[ChannelColumn, ...]] = ()
    """Columns that the draft of a contract begins with; the label is added."""
    draft_features: ClassVar[Mapping[str, str]] = {}
    """What ``data.features`` says of these, where the input cannot do without."""

    partners: ClassVar[frozenset[str] | None] = None
    """Tasks and backends that it goes with, where it does not go with all (:func:`misfit`)."""
    address: ClassVar[str] = ""
    """Key of an instance that says where its bytes lie; the server fetches them. "": none does."""
    gathers: ClassVar[bool] = False
    """Whether a row is made of several of the channel's, so that no column of one tells of it."""

    networks: ClassVar[tuple[str, ...]] = ("dense",)
    """Modules of ``networks`` that its tensors go through, where a backend makes networks."""

    pieces: int = 0
    """Most pieces that a column of numbers is cut into, where the backend wants that."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        self.spec = spec

    @classmethod
    @abstractmethod
    def schema(
        cls,
        columns: Sequence[ChannelColumn],
        label: str,
        features: Mapping[str, str],
        hyperparameters: Hyperparameters,
    ) -> dict[str, Any]:
        """What reading needs to know; begins preprocess.json.

        Args:
            columns: The contract's.
            label: ChannelColumn that is predicted.
            features: ``data.features`` of model.yaml: a treatment by column.
            hyperparameters: The job's.

        Raises:
            InvalidFeature: a column cannot be what is asked.
        """

    @classmethod
    def treated(
        cls,
        _columns: Sequence[ChannelColumn],
        _label: str,
        _features: Mapping[str, str],
        _hyperparameters: Hyperparameters,
    ) -> Iterator[Treated]:
        """What becomes of each column, as far as it is known before there are rows.

        For people: nothing is decided by it. An input that says nothing of its columns leaves it.

        Args:
            _columns: The contract's, as :meth:`schema` takes them without a fault.
            _label: Column that is predicted.
            _features: ``data.features`` of model.yaml.
            _hyperparameters: The job's.
        """
        yield from ()

    @abstractmethod
    def fit(
        self,
        inputs: Arrays,
        features: Features | None,
        hyperparameters: Hyperparameters,
    ) -> dict[str, Any]:
        """Learn from the training rows; completes preprocess.json.

        Args:
            inputs: Training rows.
            features: ``features()`` of a model.py, where there is one.
            hyperparameters: The job's.
        """

    def without_demands(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """A completed preprocess.json that demands no value of clients.

        For programs that answer instances themselves: nobody else knows what they can do without.
        """
        return dict(spec)

    @abstractmethod
    def read(
        self, channel: Path, label: str
    ) -> tuple[NDArray[np.str_], dict[str, NDArray[Any]], list[Any]]:
        """All rows of a channel: ids [n], inputs [n, …], and values of the label's column.

        Raises:
            NoData: there is no row, or a column is missing.
        """

    @abstractmethod
    def decode(self, instances: Sequence[Any]) -> dict[str, NDArray[Any]]:
        """JSON instances → inputs.

        Raises:
            BadInput: the client sent something else.
        """

    def unpacked(self, _instances: Sequence[Any]) -> int:
        """Pixels that :meth:`decode` would make of instances, without making them.

        0 where nothing is packed, so that what is read is about as long as what was sent.

        Raises:
            BadInput: they are more than may be, or an instance cannot be read.
        """
        return 0

    @abstractmethod
    def instances(self, inputs: Arrays) -> list[Any]:
        """The inverse of :meth:`decode`: what a client would send of these rows."""

    @property
    @abstractmethod
    def tensors(self) -> tuple[Tensor, ...]:
        """What :meth:`transform` gives for one row."""

    @abstractmethod
    def transform(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Inputs → what a graph eats, [n, …] by tensor."""

    @abstractmethod
    def plain(self, inputs: Arrays) -> Floats:
        """Inputs → one row of numbers each [n, k], for a baseline that knows nothing better.

        NaN is a missing value.
        """

    @abstractmethod
    def example(self) -> Any:
        """An instance that the server tests itself with."""
