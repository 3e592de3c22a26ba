"""Objectives as TensorFlow computes them, from a task's targets and a network's answers."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from typing import Any

from models.runtime.task import Objective

EPSILON = 1e-7
Loss = Callable[[Any, Any], Any]


def absolute_error(truth: Any, answer: Any) -> Any:
    """Mean of |answer - truth|, both [n, k]."""
    import tensorflow as tf

    return tf.reduce_mean(tf.abs(answer - truth))


def cross_entropy(truth: Any, answer: Any) -> Any:
    """Mean of -log of the right class's chance: indices [n], probabilities [n, classes]."""
    import tensorflow as tf

    chances = tf.gather(answer, truth, batch_dims=1)
    return -tf.reduce_mean(tf.math.log(tf.maximum(chances, EPSILON)))


def binary_cross_entropy(truth: Any, answer: Any) -> Any:
    """Mean over rows and labels: 0 or 1 [n, k], probabilities [n, k]."""
    import tensorflow as tf

    chance = tf.clip_by_value(answer, EPSILON, 1 - EPSILON)
    return -tf.reduce_mean(truth * tf.math.log(chance) + (1 - truth) * tf.math.log(1 - chance))


LOSSES: Mapping[str, Loss] = {
    "absolute_error": absolute_error,
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
}
"""What tables, texts and pictures have in common; any other lies in a module of its name."""


def loss_of(objective: Objective) -> Loss:
    """An objective's function."""
    if objective in LOSSES:
        return LOSSES[objective]
    loss: Loss = getattr(importlib.import_module(f"{__package__}.{objective}"), objective)
    return loss
