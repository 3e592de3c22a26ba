"""The network of pictures: how they vary while training, and the blocks that they go through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.runtime.script_mode import Hyperparameters

RANGE = 2.0
"""Pixels are -1 … 1: what hyperparameters give as a share of all brightness is of this."""
FILTERS = (24, 48, 96, 128)
HALF: Mapping[str, Any] = {"strides": 2, "padding": "same", "use_bias": False}


def convolutional(picture: Any, hyperparameters: Hyperparameters) -> Any:
    """A picture through depthwise-separable blocks (Howard et al. 2017) of ``filters`` channels.

    Each block halves the picture's side; ``residual`` blocks follow that keep it and add what they
    find to what they were given (He et al. 2016). Small enough for a phone. While training, the
    pictures are :func:`varied`, and a share ``dropout`` of what was found is left out.
    """
    import keras

    layers = keras.layers
    first, *rest = hyperparameters.integers("filters", FILTERS, least=1)
    hidden = entered(varied(picture, hyperparameters), first)
    for filters in rest:
        hidden = halved(hidden, filters, hyperparameters.integer("residual", 1, least=0))
    found = layers.GlobalAveragePooling2D()(hidden)
    dropout = hyperparameters.number("dropout", 0.2, least=0, below=1)
    return layers.Dropout(dropout, seed=_seed(hyperparameters))(found)


def block(hidden: Any, layer: Any, activation: str = "relu") -> Any:
    """A convolution, normalised, and its activation."""
    import keras

    # Folded into the convolution on conversion: normalisation costs an edge device nothing.
    normal = keras.layers.BatchNormalization(momentum=0.9)
    return keras.layers.Activation(activation)(normal(layer(hidden)))


def entered(picture: Any, filters: int) -> Any:
    """The first block: a picture as ``filters`` channels of half its side."""
    import keras

    return block(picture, keras.layers.Conv2D(filters, 3, **HALF))


def halved(hidden: Any, filters: int, residual: int) -> Any:
    """A separable block that halves the side, and ``residual`` ones that keep it."""
    import keras

    hidden = block(hidden, keras.layers.DepthwiseConv2D(3, **HALF))
    hidden = block(hidden, keras.layers.Conv2D(filters, 1, use_bias=False))
    for _ in range(residual):
        hidden = kept(hidden, filters)
    return hidden


def kept(hidden: Any, filters: int) -> Any:
    """A residual block: what it finds is added to what it was given."""
    import keras

    layers = keras.layers
    found = block(hidden, layers.DepthwiseConv2D(3, padding="same", use_bias=False))
    found = block(found, layers.Conv2D(filters, 1, use_bias=False), "linear")
    return layers.Activation("relu")(layers.Add()([hidden, found]))


def varied(picture: Any, hyperparameters: Hyperparameters) -> Any:
    """The picture as another photographer might have taken it, another in each epoch.

    ``mirror`` (1 or 0) turns it round; ``shift`` moves it and ``zoom`` brings it nearer or further,
    by at most that share; ``light`` changes brightness and contrast, by at most that share.
    ``noise`` is the standard deviation of noise on each pixel, as a share of all brightness: with
    it, no picture is learned pixel by pixel. 0 leaves each out. Only training sees any of it.

    Raises:
        InvalidHyperparameter: a share is not from 0 to below 1.
    """
    import keras

    layers, seed = keras.layers, _seed(hyperparameters)
    shift = hyperparameters.number("shift", 0.1, least=0, below=1)
    zoom = hyperparameters.number("zoom", 0.15, least=0, below=1)
    if hyperparameters.integer("mirror", 1, least=0, most=1):
        picture = layers.RandomFlip("horizontal", seed=seed)(picture)
    if shift:
        picture = layers.RandomTranslation(shift, shift, seed=seed + 1)(picture)
    if zoom:
        picture = layers.RandomZoom((-zoom, zoom), seed=seed + 2)(picture)
    return relit(picture, hyperparameters)


def relit(picture: Any, hyperparameters: Hyperparameters) -> Any:
    """The part of :func:`varied` that moves nothing: ``light`` and ``noise``.

    Raises:
        InvalidHyperparameter: a share is not from 0 to below 1.
    """
    import keras

    layers, seed = keras.layers, _seed(hyperparameters)
    light = hyperparameters.number("light", 0.2, least=0, below=1)
    noise = hyperparameters.number("noise", 0.0, least=0, below=1)
    values = {"value_range": (-RANGE / 2, RANGE / 2)}
    if light:
        picture = layers.RandomBrightness(light / 2, seed=seed + 3, **values)(picture)
        picture = layers.RandomContrast(light, seed=seed + 4, **values)(picture)
    if noise:
        picture = layers.GaussianNoise(noise * RANGE, seed=seed + 5)(picture)
    return picture


def _seed(hyperparameters: Hyperparameters) -> int:
    return hyperparameters.integer("seed", 0, least=0)
