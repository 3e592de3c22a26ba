"""Fitting a Keras model, an epoch at a time; on one host inside one compiled graph.

Keras' own ``fit`` spends about 2 ms on every step of a small model, whatever its size; a compiled
loop spends 0.1 ms. The epoch is cut into segments so that SIGTERM is obeyed within seconds, and
its end is a checkpoint from which a later job goes on to the same result.
"""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from models.runtime.backend import Stopped
from models.runtime.collective import Alone, Collective
from models.runtime.networks.export import called
from models.runtime.networks.steps import Learner, Segment, alone, mean_of, together
from models.runtime.signature import Arrays, Signature, rows_of, take
from models.runtime.task import PREDICTION

SEGMENT_STEPS = 512
HELD = 512 * 2**20
"""Bytes of tensors that a fit holds; a network of tables fits a million rows into it."""
KEPT_CHECKPOINTS = 2
History = list[dict[str, float]]


@dataclass(frozen=True)
class FittingSchedule:
    """How to fit.

    ``loss`` maps (true batch, answered batch) to a scalar. Learning rate falls on a cosine over
    all epochs; the weights handed over are an exponential moving average (Polyak & Juditsky 1992).
    With a ``patience``, the fit ends when ``val_loss`` was no smaller for so many epochs.
    """

    loss: Callable[[Any, Any], Any]
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    seed: int
    compiled: bool = True
    patience: int = 0


@dataclass
class Checkpoints:
    """Numbered checkpoints in a folder that outlives the job.

    Args:
        folder: Where they lie.
        identity: What is being fitted; a checkpoint of something else is not resumed from.
    """

    folder: Path
    identity: str

    def save(self, epoch: int, state: list[NDArray[Any]], history: History) -> None:
        """Write the state after ``epoch`` whole epochs, atomically; keep the newest few."""
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.folder / f"epoch-{epoch:06d}.npz"
        partial = self.folder / f".{target.name}.partial"
        with partial.open("wb") as file:
            file.write(packed(self.identity, epoch, state, history))
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
        # The rename itself survives a machine that is taken away only when the folder is written.
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        for old in sorted(self.folder.glob("epoch-*.npz"))[:-KEPT_CHECKPOINTS]:
            old.unlink()

    def newest(self) -> tuple[int, list[NDArray[Any]], History] | None:
        """The newest whole checkpoint of this identity: epoch, state and history.

        S3 may hold one that was uploaded while it was written, or that a dying machine tore: every
        array is read, which checks its checksum, and what does not read gives way to the previous.
        """
        for path in sorted(self.folder.glob("epoch-*.npz"), reverse=True):
            try:
                with path.open("rb") as stream:
                    identity, epoch, state, history = opened(stream)
            except Exception as error:  # noqa: BLE001 - torn bytes raise whatever they meet
                print(f"checkpoint {path.name} is unreadable, trying an older one: {error}")
                continue
            if identity == self.identity:
                return epoch, state, history
        return None


def packed(identity: str, epoch: int, state: list[NDArray[Any]], history: History) -> bytes:
    """What a fit has reached, as one file: see :func:`opened`."""
    notes = json.dumps({"identity": identity, "epoch": epoch, "history": history})
    content = io.BytesIO()
    arrays: dict[str, Any] = {f"v{index:04d}": value for index, value in enumerate(state)}
    np.savez(content, notes=np.asarray(notes), **arrays)
    return content.getvalue()


def opened(content: BinaryIO) -> tuple[str, int, list[NDArray[Any]], History]:
    """Identity, epoch, variables and history of what :func:`packed` wrote."""
    with np.load(content, allow_pickle=False) as file:
        notes = json.loads(str(file["notes"]))
        names = sorted(name for name in file.files if name != "notes")
        state = [file[name] for name in names]
    return notes["identity"], int(notes["epoch"]), state, list(notes["history"])


@dataclass(frozen=True)
class Examples:
    """Rows to learn from, which need not fit into memory as tensors.

    Args:
        count: How many.
        of: Row numbers, or a slice → tensors by name [n, …], and what the loss compares the
            prediction with [n, …].
        held: Bytes of tensors that may be held at once; more are made a segment at a time, the
            next one while the network learns from the last.
    """

    count: int
    of: Callable[[Any], tuple[Arrays, NDArray[Any]]]
    held: int = HELD

    @classmethod
    def ready(cls, inputs: Arrays, targets: NDArray[Any]) -> Examples:
        """Of tensors that are there."""
        return cls(rows_of(inputs), lambda rows: (take(inputs, rows), targets[rows]))

    def fit_in(self, row_bytes: int) -> bool:
        """Whether all may be held, when one takes so much."""
        return self.count * row_bytes <= self.held

    def steps(self, row_bytes: int, batch: int) -> int:
        """Batches of a segment: an eighth of what may be held, of which there are two at once."""
        return max(1, min(SEGMENT_STEPS, self.held // 8 // max(1, row_bytes * batch)))


@dataclass
class Fit:
    """One fit in progress.

    Args:
        model: Keras model, built.
        signature: Its tensors.
        examples: What is learned from.
        schedule: How to fit.
        validate: Called after each epoch; returns what is logged beside the loss.
        checkpoints: Where to go on from.
        stopping: Asked between segments.
        variation: How rows and targets vary together: ((rows, targets), number of the batch) → the
            same of other pictures.
        collective: The hosts that fit together; each has all rows.
    """

    model: Any
    signature: Signature
    examples: Examples
    schedule: FittingSchedule
    validate: Callable[[], Mapping[str, float]]
    checkpoints: Checkpoints
    stopping: Callable[[], bool]
    variation: Callable[[tuple[dict[str, Any], Any], Any], tuple[dict[str, Any], Any]] | None = None
    collective: Collective = field(default_factory=Alone)
    history: History = field(default_factory=list)
    _row_bytes: int = field(default=0, init=False)
    _held: Any = field(default=None, init=False)

    def run(self) -> History:
        """Fit to the last epoch, log one line per epoch, and return the history.

        Raises:
            Stopped: ``stopping`` became true.
            FloatingPointError: the loss is not finite.
        """
        optimizer, segment, steps = self._training_steps()
        start = self._resume(optimizer)
        for epoch in range(start + 1, self.schedule.epochs + 1):
            # Told from the history alone, so that a resumed fit ends where it would have ended.
            if self._is_over():
                break
            began = time.perf_counter()
            loss = self._epoch(epoch, segment, steps)
            if not np.isfinite(loss):
                raise FloatingPointError(
                    f"the loss became {loss} in epoch {epoch}; lower learning_rate"
                )
            self.history.append(self._logged(epoch, loss, began))
            if self.collective.leads:
                self.checkpoints.save(epoch, self._state(optimizer), self.history)
            if self._must_stop():
                raise Stopped
        optimizer.finalize_variable_values(self.model.trainable_variables)
        return self.history

    @property
    def _rows(self) -> int:
        return self.examples.count

    def _is_over(self) -> bool:
        patience = self.schedule.patience
        losses = [entry["val_loss"] for entry in self.history] if patience else []
        return len(losses) > patience and min(losses[-patience:]) >= min(losses[:-patience])

    def _training_steps(self) -> tuple[Any, Segment, int]:
        import keras
        import tensorflow as tf

        self._row_bytes = sum(values.nbytes for values in _flat(self.examples.of(slice(0, 1))))
        schedule, model = self.schedule, self.model
        batch = min(schedule.batch_size, self._rows)
        steps = self._rows // batch
        total = steps * schedule.epochs
        # Averages over about a twentieth of the fit, so that a short one is not mostly its start.
        momentum = 1 - 1 / min(max(total / 20, 2), 1000)
        optimizer = keras.optimizers.AdamW(
            keras.optimizers.schedules.CosineDecay(schedule.learning_rate, total, alpha=0.01),
            weight_decay=schedule.weight_decay,
            use_ema=True,
            ema_momentum=momentum,
        )
        optimizer.build(model.trainable_variables)

        def gradients(tensors: Any, rows: Any, draw: Any) -> tuple[Any, list[Any]]:
            inputs, targets = tensors
            features = {name: tf.gather(values, rows) for name, values in inputs.items()}
            truth = tf.gather(targets, rows)
            if self.variation is not None:
                features, truth = self.variation((features, truth), draw)
            with tf.GradientTape() as tape:
                answer = called(model, features, self.signature, training=True)
                value = schedule.loss(truth, answer[PREDICTION])
            return value, tape.gradient(value, model.trainable_variables)

        learner = Learner(gradients, optimizer, model.trainable_variables, schedule.compiled)
        segment = (
            alone(learner)
            if self.collective.size == 1
            else together(learner, self.collective, self.stopping)
        )
        return optimizer, segment, steps * batch

    def _epoch(self, epoch: int, segment: Segment, rows: int) -> float:
        # Seeded by the epoch, so that a resumed fit sees the batches that it would have seen.
        order = np.random.default_rng((self.schedule.seed, epoch)).permutation(self._rows)
        batch = min(self.schedule.batch_size, self._rows)
        batches: NDArray[np.int32] = order[:rows].astype(np.int32).reshape(-1, batch)
        loss = 0.0
        for numbers, tensors in self._segments(batches):
            if self._must_stop():
                raise Stopped
            loss += segment(numbers, tensors)
        if self.collective.size > 1:
            mean_of(self.model.non_trainable_variables, self.collective)
        return loss / len(batches)

    def _segments(self, batches: NDArray[np.int32]) -> Iterator[tuple[NDArray[np.int32], Any]]:
        """Parts of an epoch: numbers of rows [batches, rows], and the tensors they count in."""
        if self.examples.fit_in(self._row_bytes):
            if self._held is None:
                self._held = _tensors(self.examples.of(slice(None)))
            for first in range(0, len(batches), SEGMENT_STEPS):
                yield batches[first : first + SEGMENT_STEPS], self._held
            return
        steps = self.examples.steps(self._row_bytes, batches.shape[1])
        parts = [batches[first : first + steps] for first in range(0, len(batches), steps)]
        with ThreadPoolExecutor(1, "segment") as pool:
            ahead = pool.submit(self.examples.of, parts[0].ravel())
            for part, following in zip(parts, [*parts[1:], None], strict=True):
                tensors = _tensors(ahead.result())
                if following is not None:
                    ahead = pool.submit(self.examples.of, following.ravel())
                yield np.arange(part.size, dtype=np.int32).reshape(part.shape), tensors

    def _must_stop(self) -> bool:
        # Several hosts stop after the same step: their steps tell each other.
        return self.collective.size == 1 and self.stopping()

    def _logged(self, epoch: int, loss: float, began: float) -> dict[str, float]:
        """The epoch's entry of the history, which the leader makes."""
        if not self.collective.leads:
            entry: dict[str, float] = json.loads(self.collective.word(b""))
            return entry
        entry = {"epoch": epoch, "loss": loss, **self.validate()}
        entry |= {"seconds": round(time.perf_counter() - began, 3)}
        print(" ".join(f"{k}={v:.6g}" for k, v in entry.items()), flush=True)
        self.collective.word(json.dumps(entry).encode())
        return entry

    def _resume(self, optimizer: Any) -> int:
        """Go on from the newest checkpoint; on several hosts from what the leader has."""
        variables = self._variables(optimizer)
        checkpoint = self.checkpoints.newest() if self.collective.leads else None
        if checkpoint is not None:
            epoch, state, _ = checkpoint
            if [value.shape for value in state] != [tuple(one.shape) for one in variables]:
                print("the checkpoint has other variables than this model: starting anew")
                checkpoint = None
            else:
                print(f"resuming after epoch {epoch} from {self.checkpoints.folder}", flush=True)
        if self.collective.size > 1:
            begin = checkpoint or (0, self._state(optimizer), [])
            # The same bits everywhere: weights are drawn by each host's own processor.
            checkpoint = opened(io.BytesIO(self.collective.word(packed("", *begin))))[1:]
        if checkpoint is None:
            return 0
        epoch, state, self.history = checkpoint
        for variable, value in zip(variables, state, strict=True):
            variable.assign(value)
        return epoch

    def _variables(self, optimizer: Any) -> list[Any]:
        return [*self.model.variables, *optimizer.variables]

    def _state(self, optimizer: Any) -> list[NDArray[Any]]:
        return [np.asarray(variable) for variable in self._variables(optimizer)]


def _flat(tensors: tuple[Arrays, NDArray[Any]]) -> list[NDArray[Any]]:
    inputs, targets = tensors
    return [*inputs.values(), targets]


def _tensors(arrays: tuple[Arrays, NDArray[Any]]) -> Any:
    import tensorflow as tf

    inputs, targets = arrays
    return {name: tf.constant(values) for name, values in inputs.items()}, tf.constant(targets)
