"""Keras networks, served by LiteRT: TensorFlow stays in the training job."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray

from models.runtime.backend import Backend, Fitted, Fitting
from models.runtime.collective import join
from models.runtime.input import Input
from models.runtime.networks import architectures
from models.runtime.networks.export import GRAPH, Network, export, rehearse
from models.runtime.networks.fitting import Checkpoints, Examples, Fit, FittingSchedule
from models.runtime.networks.litert import Graph
from models.runtime.networks.objectives import LOSSES, loss_of
from models.runtime.networks.start import start
from models.runtime.script_mode import Job
from models.runtime.signature import Arrays, Signature
from models.runtime.task import PREDICTION, Task


class Keras(Backend):
    """``build()`` of a model.py, or a network for the shape of the inputs."""

    calls: ClassVar[frozenset[str]] = frozenset({"build"})
    pieces: ClassVar[int] = 32
    hosts: ClassVar[int | None] = 8
    formats: ClassVar[tuple[str, ...]] = ("tflite_float16", "tflite_int8", "tfjs_float16")
    first_hyperparameters: ClassVar[Mapping[str, str]] = {
        "epochs": "30",
        "batch_size": "32",
        "learning_rate": "0.003",
        "seed": "0",
    }
    trial_hyperparameters: ClassVar[Mapping[str, str]] = {
        "epochs": "1",
        "batch_size": "16",
        "compiled": "0",
    }
    logged: ClassVar[Mapping[str, str]] = {
        "train:loss": "loss",
        "validation:{metric}": "val_{metric}",
    }

    @classmethod
    def modules(cls, task: type[Task], source: type[Input]) -> tuple[str, ...]:
        """The networks of the task or the input, and the task's objective."""
        names = [*((task.network,) if task.network else source.networks)]
        if task.objective not in LOSSES:
            names.append(task.objective)
        return tuple(f"{architectures.NETWORKS}.{name}" for name in names)

    def fit(self, fitting: Fitting) -> Fitted:
        """Fit on the training rows, an epoch at a time; a checkpoint after each.

        All hosts of the job do this: each learns from its part of every batch.
        """
        start()
        import keras
        import tensorflow as tf

        fitting.lap("tensorflow", "")
        hyperparameters, task, signature = (
            fitting.job.hyperparameters,
            fitting.task,
            fitting.signature,
        )
        seed = hyperparameters.integer("seed", 0, least=0)
        keras.utils.set_random_seed(seed)
        own = fitting.own.get("build")
        model = (
            own(signature, task, hyperparameters)
            if own is not None
            else architectures.build(signature, task.activation, hyperparameters)
        )
        rehearse(model, signature)
        fitting.lap("rehearsal", "")
        schedule = FittingSchedule(
            loss=loss_of(task.objective),
            epochs=hyperparameters.integer("epochs", 100, least=1),
            batch_size=hyperparameters.integer("batch_size", 32, least=1),
            learning_rate=hyperparameters.number("learning_rate", 1e-3, above=0),
            weight_decay=hyperparameters.number("weight_decay", 1e-2, least=0),
            seed=seed,
            # XLA makes dense layers ten times faster on a CPU, and convolutions slower.
            compiled=bool(
                hyperparameters.integer("compiled", int(_all_vectors(signature)), least=0, most=1)
            ),
            patience=hyperparameters.integer("patience", 0, least=0),
        )
        network = Network(model, signature)
        watched_rows = fitting.transform(fitting.watched)
        truth = task.targets(fitting.watched.labels)

        def tensors_of(rows: Any) -> tuple[Arrays, NDArray[Any]]:
            part = fitting.split.take(rows)
            return fitting.transform(part), task.targets(part.labels)

        def validate() -> dict[str, float]:
            raw = network.predict(watched_rows)
            metrics = task.measure(fitting.watched.labels, task.predicted(raw))
            return {
                f"val_{task.tracked}": metrics[task.tracked],
                "val_loss": float(schedule.loss(truth, raw[PREDICTION])),
            }

        # Whoever leads is waited for, and so is the slowest: joined when all is ready to begin.
        with contextlib.closing(join(fitting.job, fitting.identity)) as collective:
            history = Fit(
                model=model,
                signature=signature,
                examples=Examples(len(fitting.split), tensors_of),
                schedule=schedule,
                validate=validate,
                checkpoints=Checkpoints(fitting.job.checkpoint_dir, fitting.identity),
                stopping=lambda: fitting.job.stopping,
                variation=architectures.variation(signature, hyperparameters),
                collective=collective,
            ).run()
        fitting.lap("fit", f"epochs={len(history)}")
        versions = {"tensorflow": tf.__version__, "keras": keras.__version__}
        return Fitted(network, history, versions)

    def assist(self, _job: Job, prepared: Callable[[], Fitting]) -> None:
        """Fit the same, with the leader; its answers and its checkpoints are the ones kept."""
        self.fit(prepared())

    def save(self, fitted: Fitted, signature: Signature, folder: Path) -> None:
        """Keras file, SavedModel and the LiteRT graph that is served."""
        export(fitted.predictor.model, signature, folder)

    def load(self, folder: Path, signature: Signature) -> Any:
        """The LiteRT graph: it starts in a tenth of TensorFlow's time."""
        return Graph(folder / GRAPH, signature)


def _all_vectors(signature: Signature) -> bool:
    return all(len(tensor.shape) == 2 for tensor in signature.inputs)
