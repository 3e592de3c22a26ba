"""A network that cannot be served is refused before it is trained."""

import numpy as np
import pytest

from models.programs.artifacts import GRAPH, Unservable, check_served, export, rehearse
from models.programs.train import model_answers

pytestmark = pytest.mark.tensorflow
SPEC = {"input": {"name": "inputs", "shape": [1, 6, 4]}, "output": {"kind": "number"}}
CLASSES = {**SPEC, "output": {"kind": "classes", "classes": ["a", "b", "c"]}}


def network(*layers):
    import keras

    given = value = keras.Input((6, 4), name="inputs")
    for layer in layers:
        value = layer(value)
    return keras.Model(given, value)


def test_a_recurrent_network_is_served_as_it_was_trained(tmp_path):
    from keras import layers

    model = network(layers.LSTM(3), layers.Dense(1))
    before = [np.asarray(weight) for weight in model.weights]
    rehearse(model, SPEC)
    for one, other in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(one, other)
    export(model, SPEC, tmp_path)
    rows = np.random.default_rng(0).normal(size=(5, 6, 4)).astype(np.float32)
    assert check_served(tmp_path / GRAPH, rows, model_answers(model, rows)) < 1e-4


def test_several_outputs_or_inputs_are_refused():
    import keras
    from keras import layers

    given = keras.Input((6, 4), name="inputs")
    flat = layers.Flatten()(given)
    two = keras.Model(given, [layers.Dense(1, name="p")(flat), layers.Dense(3, name="k")(flat)])
    with pytest.raises(Unservable, match=r"2 outputs .*one output"):
        rehearse(two, SPEC)
    other = keras.Input((6, 4), name="more")
    joined = layers.Dense(1)(layers.Flatten()(layers.Add()([given, other])))
    with pytest.raises(Unservable, match=r"2 inputs \(inputs, more\)"):
        rehearse(keras.Model([given, other], joined), SPEC)


def test_an_answer_of_another_shape_is_refused():
    from keras import layers

    model = network(layers.Flatten(), layers.Dense(2))
    with pytest.raises(Unservable, match=r"with 2 numbers; .*\(number\) needs 1"):
        rehearse(model, SPEC)
    with pytest.raises(Unservable, match=r"\(classes\) needs 3"):
        rehearse(model, CLASSES)


def test_an_operation_that_cannot_be_served_is_named():
    import keras
    import tensorflow as tf
    from keras import layers

    class Bessel(layers.Layer):
        def call(self, inputs):
            return tf.math.bessel_i0e(inputs)

        def compute_output_shape(self, shape):
            return shape

    keras.utils.set_random_seed(0)
    with pytest.raises(Unservable, match="no operation for BesselI0e: use other layers"):
        rehearse(network(Bessel(), layers.Flatten(), layers.Dense(1)), SPEC)
