"""The objective of objects on pictures."""

from __future__ import annotations

from typing import Any

from models.runtime.detections.centres import PLACE
from models.runtime.networks.objectives import EPSILON


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
