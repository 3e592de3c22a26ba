"""Networks that a model gets when its ``model.py`` builds none: one for each kind of tensor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from models.runtime.networks.convolutional import convolutional
from models.runtime.networks.detector import Pair, detector, mirrored
from models.runtime.script_mode import Hyperparameters
from models.runtime.signature import Signature, Tensor

MAPS = 4
"""Dimensions of an output that says something of every cell of a grid."""


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
        return keras.Model(picture, detector(picture, drawn, hyperparameters))
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
    of_maps = any(len(tensor.shape) == MAPS for tensor in signature.outputs)
    return mirrored(hyperparameters) if of_maps else None


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


def bag(given: Any, hyperparameters: Hyperparameters, vocabulary: int, earlier: int) -> Any:
    """Ids as the mean of what each is embedded as (Joulin et al. 2017): ``embedding`` numbers.

    Padding (0) is left out, and while training a share ``dropout`` of each row's ids: a few words
    alone must then tell, and rare ones cannot be learned by heart. Pairs of words are rarer than
    words, and Adam takes no account of that: each further bag speaks more softly, by ``backoff``.

    Args:
        given: int32 [n, length].
        hyperparameters: The job's.
        vocabulary: How many ids there are.
        earlier: Bags of ids before this one.
    """
    import keras

    layers, ops = keras.layers, keras.ops
    # From nothing: an id that no training row had says nothing.
    table = layers.Embedding(vocabulary, hyperparameters.integer("embedding", 8), "zeros")
    embedded = table(given)
    # Not by comparing: int8 knows no truth values.
    seen = ops.cast(ops.minimum(given, 1), "float32")
    dropout, seed = hyperparameters.number("dropout", 0.5), hyperparameters.integer("seed", 0)
    seen = layers.Dropout(dropout, seed=seed)(seen)
    total = ops.sum(embedded * ops.expand_dims(seen, -1), axis=1)
    mean = total / ops.maximum(ops.sum(seen, axis=1, keepdims=True), 1.0)
    return mean * hyperparameters.number("backoff", 0.3) ** earlier


def _network(tensor: Tensor, bags: int) -> Callable[[Any, Hyperparameters], Any]:
    if tensor.vocabulary:
        return partial(bag, vocabulary=tensor.vocabulary, earlier=bags)
    network = _BY_RANK.get(len(tensor.shape) - 1)
    if network is None:
        raise NoArchitecture(
            f"no network is known for {tensor.name} of shape {list(tensor.shape)}; let "
            "build() of a model.py make one"
        )
    return network


_BY_RANK: Mapping[int, Callable[[Any, Hyperparameters], Any]] = {1: dense, 3: convolutional}
