"""room-classifier: which room a photo shows.

A small convolutional network with depthwise-separable blocks (Howard et al. 2017), small enough
for a phone. Only pixels are read: EXIF never reaches it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.programs.data import Split, read_images
from models.programs.preprocess import Images
from models.programs.script_mode import Hyperparameters

LABEL = "label"
SIDE = 64


def load(channel: Path, hyperparameters: Hyperparameters) -> Split:
    """All labelled images of a channel, resized to the network's input."""
    label = hyperparameters.text("label", LABEL)
    return read_images(channel, label, Images(_pixels(hyperparameters)))


def preprocess(training: Split, hyperparameters: Hyperparameters) -> dict[str, Any]:
    """preprocess.json: size, pixel scale and the classes that the training rows show."""
    return _pixels(hyperparameters) | {
        "output": {
            "kind": "classes",
            "name": hyperparameters.text("label", LABEL),
            "classes": np.unique(training.labels).tolist(),
            "confidence_threshold": hyperparameters.number("confidence_threshold", 0.8),
        }
    }


def build(spec: Mapping[str, Any], hyperparameters: Hyperparameters) -> Any:
    """A CNN: float32 [n, side, side, 3] → probabilities [n, classes]."""
    import keras

    layers = keras.layers

    def block(hidden: Any, layer: Any) -> Any:
        # Folded into the convolution on conversion: normalisation costs an edge device nothing.
        normal = layers.BatchNormalization(momentum=0.9)
        return layers.Activation("relu")(normal(layer(hidden)))

    inputs = keras.Input(spec["input"]["shape"][1:], name=spec["input"]["name"])
    first, *rest = hyperparameters.integers("filters", (24, 48, 96, 128))
    half = {"strides": 2, "padding": "same", "use_bias": False}
    # A room in a mirror is the same room; this layer acts while training only.
    mirrored = layers.RandomFlip("horizontal", seed=hyperparameters.integer("seed", 0))(inputs)
    hidden = block(mirrored, layers.Conv2D(first, 3, **half))
    for filters in rest:
        hidden = block(hidden, layers.DepthwiseConv2D(3, **half))
        hidden = block(hidden, layers.Conv2D(filters, 1, use_bias=False))
    hidden = layers.GlobalAveragePooling2D()(hidden)
    answer = layers.Dense(len(spec["output"]["classes"]), activation="softmax", name="room")
    return keras.Model(inputs, answer(hidden))


def baseline(training: Split, holdout: Split, spec: Mapping[str, Any]) -> NDArray[np.float64]:
    """Logistic regression on 8×8 thumbnails: what colour and layout alone tell."""
    from sklearn.linear_model import LogisticRegression

    def thumbnails(split: Split) -> NDArray[np.float64]:
        side = split.inputs.shape[1] // 8
        blocks = split.inputs.reshape(len(split), 8, side, 8, side, 3).mean(axis=(2, 4))
        return np.asarray((blocks.reshape(len(split), -1) - 128) / 64, dtype=np.float64)

    model = LogisticRegression(max_iter=200, C=0.1)
    model.fit(thumbnails(training), training.labels)
    found = model.predict_proba(thumbnails(holdout))
    classes = spec["output"]["classes"]
    probabilities = np.zeros((len(holdout), len(classes)))
    probabilities[:, [classes.index(name) for name in model.classes_]] = found
    return probabilities


def _pixels(hyperparameters: Hyperparameters) -> dict[str, Any]:
    side = hyperparameters.integer("side", SIDE)
    return {
        "kind": "image",
        "input": {"name": "image", "shape": [1, side, side, 3], "dtype": "float32"},
        "pixels": {"scale": 1 / 127.5, "offset": -1.0, "resize": "bilinear", "order": "RGB"},
    }
