"""What learns: the base class of ``models/runtime/backends/``.

A backend is one file there; its name is what ``family.backend`` of a model.yaml says.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol

from numpy.typing import NDArray

from models.runtime.input import Input
from models.runtime.own import OwnCode
from models.runtime.script_mode import Job
from models.runtime.signature import Arrays, Signature
from models.runtime.split import Split
from models.runtime.task import Task

Lap = Callable[[str, str], None]


class Unservable(Exception):
    """The model cannot become what is served; said before its training is paid for."""


class Predictor(Protocol):
    """A loaded model."""

    def predict(self, inputs: Arrays) -> Mapping[str, NDArray[Any]]:
        """Inputs [n, …] by name → outputs [n, …] by name."""
        ...


class Described(Protocol):
    """A loaded model that speaks the client's language: instances in, answers out."""

    def answer(self, instances: list[Any]) -> list[Any]:
        """JSON instances → one JSON value a row."""
        ...


@dataclass(frozen=True)
class Fitting:
    """Everything that a backend may learn from.

    Args:
        job: The job: hyperparameters, folders, and whether it must stop.
        task: What is predicted.
        signature: The tensors.
        split: Labelled training rows.
        watched: A few of them, set aside to watch the fit.
        transform: Rows → tensors.
        own: Functions of the model's own model.py.
        identity: Hash of what is being fitted; a checkpoint of anything else is not gone on from.
        lap: Called when a part is done: its name, and more to print.
    """

    job: Job
    task: Task
    signature: Signature
    split: Split
    watched: Split
    transform: Callable[[Split], Arrays]
    own: OwnCode
    identity: str
    lap: Lap


@dataclass(frozen=True)
class Fitted:
    """What learning left.

    Args:
        predictor: Answers as the trained model does.
        history: One entry an epoch: what the run's page draws.
        versions: Versions of the libraries that matter.
    """

    predictor: Any
    history: list[dict[str, float]] = field(default_factory=list)
    versions: Mapping[str, str] = field(default_factory=dict)


class Backend(ABC):
    """Learns, saves, and loads what it saved.

    This is a whole backend, that answers the mean of what it saw:

    .. code-block:: python

        class Mean(Backend):
            def fit(self, fitting):
                targets = fitting.task.targets(fitting.split.labels)
                return Fitted(_Constant(targets.mean(axis=0)))

            def save(self, fitted, signature, folder):
                np.save(folder / "mean.npy", fitted.predictor.value)

            def load(self, folder, signature):
                return _Constant(np.load(folder / "mean.npy", allow_pickle=False))

        class _Constant:
            def __init__(self, value):
                self.value = value

            def predict(self, inputs):
                return {"prediction": np.tile(self.value, (rows_of(inputs), 1))}
    """

    formats: ClassVar[tuple[str, ...]] = ()
    """Edge formats that ``conversion`` may ask for."""
    speaks: ClassVar[Literal["tensors", "instances"]] = "tensors"
    """What :meth:`load` returns: a :class:`Predictor`, or a :class:`Described`."""
    first_hyperparameters: ClassVar[Mapping[str, str]] = {}
    """Hyperparameters that the draft of a model.yaml begins with."""
    trial_hyperparameters: ClassVar[Mapping[str, str]] = {}
    """What makes a trial on a few rows short."""
    calls: ClassVar[frozenset[str]] = frozenset()
    """Functions of a model.py that it calls, beside those that every backend's programs do."""
    logged: ClassVar[Mapping[str, str]] = {}
    """What its log tells while it learns, by the name of the curve that a draft gives it; {metric}
    is the task's tracked one."""
    writes_code: ClassVar[bool] = False
    """Whether a draft needs programs of its own beside its model.yaml."""
    partners: ClassVar[frozenset[str] | None] = None
    """Tasks and inputs that it goes with, where it does not go with all (:func:`misfit`)."""
    pieces: ClassVar[int] = 0
    """Pieces that columns of numbers are cut into for it; trees cut by themselves."""
    hosts: ClassVar[int | None] = 1
    """Most instances that a training job uses; None takes as many as there are."""

    @classmethod
    def modules(cls, _task: type[Task], _source: type[Input]) -> tuple[str, ...]:
        """Modules that it imports by their names for such a model: the archive brings them."""
        return ()

    @abstractmethod
    def fit(self, fitting: Fitting) -> Fitted:
        """Learn.

        Raises:
            Stopped: the job must stop, and the next one goes on.
            Unservable: what would come of it cannot be served; raised before learning.
        """

    def assist(self, job: Job, _prepared: Callable[[], Fitting]) -> None:
        """What the hosts of a job do that do not lead it: nothing, unless a backend says so.

        Args:
            job: The job.
            _prepared: Makes the fitting that the leader has, too; it reads the channels.
        """
        print(f"{job.host} has nothing to do: the model is trained on one host", flush=True)

    @abstractmethod
    def save(self, fitted: Fitted, signature: Signature, folder: Path) -> None:
        """Write the model into the model folder."""

    @abstractmethod
    def load(self, folder: Path, signature: Signature) -> Any:
        """The saved model: a :class:`Predictor`, or a :class:`Described` (see ``speaks``)."""


class Stopped(Exception):
    """SIGTERM came; what was learned so far is in the checkpoint folder."""
