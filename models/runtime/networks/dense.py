"""The network of vectors."""

from __future__ import annotations

from typing import Any

from models.runtime.script_mode import Hyperparameters


def dense(vector: Any, hyperparameters: Hyperparameters) -> Any:
    """A vector through layers of ``hidden`` widths."""
    import keras

    hidden = vector
    for width in hyperparameters.integers("hidden", (128, 64), least=1):
        hidden = keras.layers.Dense(width, activation="silu")(hidden)
    return hidden
