"""The steps of a fit, one batch each: on one host in one compiled loop, or on several together.

Several hosts learn as one would (synchronous data parallelism): each takes its part of every batch,
the parts' gradients are added, and each host applies the sum to the same variables. Batch
normalisation looks at a part alone, as everywhere where replicas do not share their statistics.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.backend import Stopped, Unservable
from models.runtime.collective import Collective, Vector

Segment = Callable[[NDArray[np.int32], Any], float]
"""Row numbers [batches, rows], and the tensors that they count in → the sum of the losses."""


@dataclass(frozen=True)
class Learner:
    """What a step does.

    Args:
        gradients: (tensors of all rows of a segment, row numbers in it, number of the draw) →
            (loss, gradients of the variables).
        optimizer: Built; applies gradients.
        variables: Trainable variables.
        compiled: Whether XLA compiles the step.
    """

    gradients: Callable[[Any, Any, Any], tuple[Any, list[Any]]]
    optimizer: Any
    variables: list[Any]
    compiled: bool


def alone(learner: Learner) -> Segment:
    """All batches of a segment inside one graph."""
    import tensorflow as tf

    @tf.function(jit_compile=learner.compiled, reduce_retracing=True)  # type: ignore[untyped-decorator]
    def segment(batches: Any, tensors: Any) -> Any:
        def step(number: Any, loss: Any) -> Any:
            value, gradients = learner.gradients(
                tensors, batches[number], learner.optimizer.iterations.value
            )
            learner.optimizer.apply(gradients, learner.variables)
            return number + 1, loss + value

        count = tf.shape(batches)[0]
        state = (tf.constant(0), tf.constant(0.0))
        return tf.while_loop(lambda number, _: number < count, step, state)[1]

    return lambda batches, tensors: float(segment(tf.constant(batches), tensors))


def together(learner: Learner, collective: Collective, stopping: Callable[[], bool]) -> Segment:
    """This host's part of each batch, added to the others'.

    The segment raises :class:`Stopped` on all hosts after the same step, whichever was told to.
    """
    import tensorflow as tf

    shapes = [tuple(variable.shape) for variable in learner.variables]
    sizes = [int(np.prod(shape)) for shape in shapes]

    @tf.function(jit_compile=learner.compiled, reduce_retracing=True)  # type: ignore[untyped-decorator]
    def learned(tensors: Any, rows: Any, share: Any) -> Any:
        draw = learner.optimizer.iterations.value * collective.size + collective.rank
        value, gradients = learner.gradients(tensors, rows, draw)
        flat = [
            tf.zeros(size) if gradient is None else tf.reshape(tf.convert_to_tensor(gradient), [-1])
            for gradient, size in zip(gradients, sizes, strict=True)
        ]
        return tf.concat([*flat, [value]], 0) * share

    @tf.function(jit_compile=learner.compiled)  # type: ignore[untyped-decorator]
    def apply(added: Any) -> None:
        gradients = [
            tf.reshape(piece, shape)
            for piece, shape in zip(tf.split(added, sizes), shapes, strict=True)
        ]
        learner.optimizer.apply(gradients, learner.variables)

    def segment(batches: NDArray[np.int32], tensors: Any) -> float:
        loss = 0.0
        for rows in batches:
            part = np.array_split(rows, collective.size)[collective.rank]
            if not len(part):
                raise Unservable(
                    f"batch_size {len(rows)} leaves {collective.size - len(rows)} of "
                    f"{collective.size} hosts without a row: raise it, or ask for fewer instances"
                )
            share = tf.constant(len(part) / len(rows), tf.float32)
            vector = learned(tensors, tf.constant(part), share).numpy()
            added = collective.total(np.append(vector, np.float32(stopping())))
            if added[-1]:
                raise Stopped
            loss += float(added[-2])
            apply(tf.constant(added[:-2]))
        return loss

    return segment


def mean_of(variables: list[Any], collective: Collective) -> None:
    """Give each of the variables the mean of all hosts' values.

    These are what a layer counted of the rows that it saw, as batch normalisation does.
    """
    counted = [v for v in variables if np.issubdtype(np.asarray(v).dtype, np.floating)]
    if not counted:
        return
    values = [np.asarray(variable, dtype=np.float32) for variable in counted]
    added: Vector = collective.total(np.concatenate([value.ravel() for value in values]))
    ends = np.cumsum([value.size for value in values])[:-1]
    for variable, value, mean in zip(
        counted, values, np.split(added / collective.size, ends), strict=True
    ):
        variable.assign(mean.reshape(value.shape))
