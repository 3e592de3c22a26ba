"""Objectives as TensorFlow computes them, from a task's targets and a network's answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from models.runtime.detections.centres import PLACE
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


def centre_points(truth: Any, answer: Any) -> Any:
    """Objects as points (Zhou, Wang & Krähenbühl 2019), per object.

    Chances are judged by the focal loss with reduced penalty near a centre (Law & Deng 2018,
    α = 2, β = 4); where a centre lies in its cell and how large its object is by absolute errors,
    both in cells, where there is one.

    Args:
        truth: [n, grid, grid, classes + 5], as :mod:`models.runtime.detections.centres` draws.
        answer: [n, grid, grid, classes + 4], 0 … 1.
    """
    import tensorflow as tf

    classes, grid = answer.shape[-1] - PLACE, answer.shape[1]
    bump, there = truth[..., :classes], truth[..., -1:]
    chance = tf.clip_by_value(answer[..., :classes], EPSILON, 1 - EPSILON)
    focal = tf.where(
        bump == 1,
        (1 - chance) ** 2 * tf.math.log(chance),
        (1 - bump) ** 4 * chance**2 * tf.math.log(1 - chance),
    )
    cells = tf.constant([1.0, 1.0, grid, grid])
    away = tf.abs(answer[..., classes:] - truth[..., classes:-1]) * there * cells
    return (tf.reduce_sum(away) - tf.reduce_sum(focal)) / tf.maximum(tf.reduce_sum(there), 1.0)


LOSSES: Mapping[Objective, Loss] = {
    "absolute_error": absolute_error,
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
    "centre_points": centre_points,
}
