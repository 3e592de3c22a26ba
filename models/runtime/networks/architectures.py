"""Networks that a model gets when its ``model.py`` builds none: one for each rank of a tensor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from models.runtime.script_mode import Hyperparameters
from models.runtime.signature import Signature, Tensor


class NoArchitecture(Exception):
    """No network is known for tensors of this shape."""


def build(signature: Signature, activation: str, hyperparameters: Hyperparameters) -> Any:
    """A Keras model: the tensors of the signature in, those of the signature out.

    Each input is embedded by the network of its rank; what they give is joined.

    Raises:
        NoArchitecture: an input has another rank.
    """
    import keras

    inputs, branches = [], []
    for tensor in signature.inputs:
        network = _BY_RANK.get(len(tensor.shape) - 1)
        if network is None:
            raise NoArchitecture(
                f"no network is known for {tensor.name} of shape {list(tensor.shape)}; let "
                "build() of a model.py make one"
            )
        source = keras.Input(tensor.shape[1:], name=tensor.name, dtype=tensor.dtype)
        inputs.append(source)
        branches.append(network(source, hyperparameters))
    features = branches[0] if len(branches) == 1 else keras.layers.Concatenate()(branches)
    outputs = {tensor.name: _head(tensor, activation)(features) for tensor in signature.outputs}
    model_inputs = inputs[0] if len(inputs) == 1 else inputs
    return keras.Model(model_inputs, outputs if len(outputs) > 1 else next(iter(outputs.values())))


def _head(tensor: Tensor, activation: str) -> Any:
    import keras

    return keras.layers.Dense(tensor.shape[-1], activation=activation, name=tensor.name)


def dense(vector: Any, hyperparameters: Hyperparameters) -> Any:
    """A vector through layers of ``hidden`` widths."""
    import keras

    hidden = vector
    for width in hyperparameters.integers("hidden", (128, 64)):
        hidden = keras.layers.Dense(width, activation="silu")(hidden)
    return hidden


def convolutional(picture: Any, hyperparameters: Hyperparameters) -> Any:
    """A picture through depthwise-separable blocks (Howard et al. 2017) of ``filters`` channels.

    Small enough for a phone. Mirrored pictures are shown while training, unless ``mirror`` is 0.
    """
    import keras

    layers = keras.layers

    def block(hidden: Any, layer: Any) -> Any:
        # Folded into the convolution on conversion: normalisation costs an edge device nothing.
        normal = layers.BatchNormalization(momentum=0.9)
        return layers.Activation("relu")(normal(layer(hidden)))

    first, *rest = hyperparameters.integers("filters", (24, 48, 96, 128))
    half = {"strides": 2, "padding": "same", "use_bias": False}
    hidden = picture
    if hyperparameters.integer("mirror", 1):
        seed = hyperparameters.integer("seed", 0)
        hidden = layers.RandomFlip("horizontal", seed=seed)(hidden)
    hidden = block(hidden, layers.Conv2D(first, 3, **half))
    for filters in rest:
        hidden = block(hidden, layers.DepthwiseConv2D(3, **half))
        hidden = block(hidden, layers.Conv2D(filters, 1, use_bias=False))
    return layers.GlobalAveragePooling2D()(hidden)


_BY_RANK: Mapping[int, Callable[[Any, Hyperparameters], Any]] = {1: dense, 3: convolutional}
