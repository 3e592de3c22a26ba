"""The network of bags of ids: words, and pairs of words."""

from __future__ import annotations

from typing import Any

from models.runtime.script_mode import Hyperparameters


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
    table = layers.Embedding(vocabulary, hyperparameters.integer("embedding", 8, least=1), "zeros")
    embedded = table(given)
    # Not by comparing: int8 knows no truth values.
    seen = ops.cast(ops.minimum(given, 1), "float32")
    dropout = hyperparameters.number("dropout", 0.5, least=0, below=1)
    seed = hyperparameters.integer("seed", 0, least=0)
    seen = layers.Dropout(dropout, seed=seed)(seen)
    total = ops.sum(embedded * ops.expand_dims(seen, -1), axis=1)
    mean = total / ops.maximum(ops.sum(seen, axis=1, keepdims=True), 1.0)
    return mean * hyperparameters.number("backoff", 0.3, least=0) ** earlier
