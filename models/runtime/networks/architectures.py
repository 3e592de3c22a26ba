"""Networks that a model gets when its ``model.py`` builds none: one for each kind of tensor.

Each kind's network is a module beside this one that is imported by its name, so that a model's
archive holds its own kind's and no other: whoever works on photos retrains no table.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from functools import partial
from typing import Any

from models.runtime.script_mode import Hyperparameters
from models.runtime.signature import Signature, Tensor

NETWORKS = "models.runtime.networks"
MAPS = 4
"""Dimensions of an output that says something of every cell of a grid."""
VECTOR, PICTURE = 2, 4
"""Dimensions of inputs."""
Pair = tuple[dict[str, Any], Any]
"""Rows of a batch by tensor, and what is learned of them."""


class NoArchitecture(Exception):
    """No network is known for tensors of this shape."""


def build(signature: Signature, activation: str, hyperparameters: Hyperparameters) -> Any:
    """A Keras model: the tensors of the signature in, those of the signature out.

    Each input is embedded by the network of its kind; what they give is joined. Maps are drawn of
    one picture.

    Raises:
        NoArchitecture: an input is of no kind that is known.
    """
    import keras

    maps = [tensor for tensor in signature.outputs if len(tensor.shape) == MAPS]
    if maps:
        (drawn,), (shown,) = signature.outputs, signature.inputs
        picture = keras.Input(shown.shape[1:], name=shown.name, dtype=shown.dtype)
        draw = _named("detector").detector
        return keras.Model(picture, draw(picture, drawn, hyperparameters))
    inputs, branches, bags = [], [], 0
    for tensor in signature.inputs:
        network = _network(tensor, bags)
        bags += bool(tensor.vocabulary)
        source = keras.Input(tensor.shape[1:], name=tensor.name, dtype=tensor.dtype)
        inputs.append(source)
        branches.append(network(source, hyperparameters))
    features = branches[0] if len(branches) == 1 else keras.layers.Concatenate()(branches)
    outputs = {tensor.name: _head(tensor, activation)(features) for tensor in signature.outputs}
    model_inputs = inputs[0] if len(inputs) == 1 else inputs
    return keras.Model(model_inputs, outputs if len(outputs) > 1 else next(iter(outputs.values())))


def variation(
    signature: Signature, hyperparameters: Hyperparameters
) -> Callable[[Pair, Any], Pair] | None:
    """How rows and what is learned of them vary together while training; None where they do not.

    What changes a row alone is a part of its network.
    """
    if not any(len(tensor.shape) == MAPS for tensor in signature.outputs):
        return None
    made: Callable[[Pair, Any], Pair] | None = _named("detector").mirrored(hyperparameters)
    return made


def _head(tensor: Tensor, activation: str) -> Any:
    import keras

    return keras.layers.Dense(tensor.shape[-1], activation=activation, name=tensor.name)


def _network(tensor: Tensor, bags: int) -> Callable[[Any, Hyperparameters], Any]:
    if tensor.vocabulary:
        return partial(_named("bag").bag, vocabulary=tensor.vocabulary, earlier=bags)
    dimensions = len(tensor.shape)
    if dimensions not in {VECTOR, PICTURE}:
        raise NoArchitecture(
            f"no network is known for {tensor.name} of shape {list(tensor.shape)}; let "
            "build() of a model.py make one"
        )
    name = "dense" if dimensions == VECTOR else "convolutional"
    network: Callable[[Any, Hyperparameters], Any] = getattr(_named(name), name)
    return network


def _named(name: str) -> Any:
    return importlib.import_module(f"{NETWORKS}.{name}")
