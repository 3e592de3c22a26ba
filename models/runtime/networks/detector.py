"""The network of objects on a picture: maps of a grid, drawn from coarse to fine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from models.runtime.detections.centres import PLACE
from models.runtime.networks.architectures import Pair
from models.runtime.networks.convolutional import FILTERS, block, entered, halved, relit
from models.runtime.script_mode import Hyperparameters, InvalidHyperparameter
from models.runtime.signature import Tensor

RARE = -2.19
"""Log-odds with which a cell begins as a centre, 0.1: most are none (Lin et al. 2017)."""


def detector(picture: Any, tensor: Tensor, hyperparameters: Hyperparameters) -> Any:
    """A picture through ``filters``, each block halving its side, and up again to the grid.

    What the coarse blocks know of the whole picture is added to what the fine ones see (Lin et al.
    2017, feature pyramids). Of the ways in which pictures vary while training, those that move
    objects are left out here: :func:`mirrored` moves their boxes, too.

    Args:
        picture: Keras tensor [n, side, side, 3].
        tensor: The maps that are asked for, [1, grid, grid, classes + 4].
        hyperparameters: The job's.

    Raises:
        InvalidHyperparameter: no block gives maps of the grid.
    """
    import keras

    layers, grid = keras.layers, tensor.shape[1]
    first, *rest = hyperparameters.integers("filters", FILTERS, least=1)
    levels = [entered(relit(picture, hyperparameters), first)]
    for filters in rest:
        levels.append(halved(levels[-1], filters, hyperparameters.integer("residual", 1, least=0)))
    sides = [level.shape[1] for level in levels]
    if grid not in sides:
        raise InvalidHyperparameter(
            f"Hyperparameter grid={grid}: a picture of {picture.shape[1]} pixels and "
            f"{len(levels)} filters make maps of {', '.join(map(str, sides))} cells; say one of "
            "these, or another side."
        )
    finest = sides.index(grid)
    width = levels[finest].shape[-1]
    hidden = block(levels[-1], layers.Conv2D(width, 1, use_bias=False))
    for level in reversed(levels[finest:-1]):
        if hidden.shape[1] * 2 != level.shape[1]:
            raise InvalidHyperparameter(
                f"Hyperparameter side={picture.shape[1]}: maps of {level.shape[1]} cells have no "
                "half; say a side that can be halved once for each of filters."
            )
        wide = layers.UpSampling2D(2)(hidden)
        seen = block(level, layers.Conv2D(width, 1, use_bias=False), "linear")
        hidden = layers.Activation("relu")(layers.Add()([wide, seen]))
        hidden = block(hidden, layers.DepthwiseConv2D(3, padding="same", use_bias=False))
        hidden = block(hidden, layers.Conv2D(width, 1, use_bias=False))
    hidden = block(hidden, layers.Conv2D(width, 3, padding="same", use_bias=False))
    rare = keras.initializers.Constant(RARE)
    parts = [
        layers.Conv2D(tensor.shape[-1] - PLACE, 1, activation="sigmoid", bias_initializer=rare),
        layers.Conv2D(PLACE, 1, activation="sigmoid"),
    ]
    return layers.Concatenate(name=tensor.name)([layer(hidden) for layer in parts])


def mirrored(hyperparameters: Hyperparameters) -> Callable[[Pair, Any], Pair] | None:
    """What turns half of a batch of pictures round, with their maps; None where ``mirror`` is 0.

    A batch is told by its number which these are, so that a resumed fit sees what it would have
    seen.
    """
    if not hyperparameters.integer("mirror", 1, least=0, most=1):
        return None
    seed = hyperparameters.integer("seed", 0, least=0)

    def turned(pair: Pair, number: Any) -> Pair:
        import tensorflow as tf

        features, maps = pair
        shape = [tf.shape(maps)[0], 1, 1, 1]
        chosen = tf.random.stateless_uniform(shape, (seed, tf.cast(number, tf.int32))) < 0.5
        other = tf.reverse(maps, [2])
        across = maps.shape[-1] - PLACE - 1
        # A centre at 0.3 of its cell lies at 0.7 of the cell that it comes to.
        place = 1 - other[..., across : across + 1]
        other = tf.concat([other[..., :across], place, other[..., across + 1 :]], axis=-1)
        return (
            {name: tf.where(chosen, tf.reverse(p, [2]), p) for name, p in features.items()},
            tf.where(chosen, other, maps),
        )

    return turned
