"""A network that cannot be served is refused before it is trained."""

import numpy as np
import pytest

from models.runtime.backend import Unservable
from models.runtime.networks.export import GRAPH, Network, export, rehearse
from models.runtime.networks.litert import Graph
from models.runtime.outputs import served_error
from models.runtime.signature import Signature, Tensor

pytestmark = pytest.mark.tensorflow
INPUTS = Tensor("inputs", (1, 6, 4))
SPEC = Signature((INPUTS,), (Tensor("prediction", (1, 1)),))
CLASSES = Signature((INPUTS,), (Tensor("prediction", (1, 3)),))


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
    rows = {"inputs": np.random.default_rng(0).normal(size=(5, 6, 4)).astype(np.float32)}
    served = Graph(tmp_path / GRAPH, SPEC).predict(rows)
    assert served_error(served, Network(model, SPEC).predict(rows)) < 1e-4


def test_other_inputs_or_outputs_than_the_family_has_are_refused():
    import keras
    from keras import layers

    given = keras.Input((6, 4), name="inputs")
    flat = layers.Flatten()(given)
    two = keras.Model(given, [layers.Dense(1, name="p")(flat), layers.Dense(3, name="k")(flat)])
    with pytest.raises(Unservable, match=r"2 outputs \(.*\); this family has 1 \(prediction\)"):
        rehearse(two, SPEC)
    other = keras.Input((6, 4), name="more")
    joined = layers.Dense(1)(layers.Flatten()(layers.Add()([given, other])))
    with pytest.raises(Unservable, match=r"2 inputs \(inputs, more\); this family has 1"):
        rehearse(keras.Model([given, other], joined), SPEC)


def test_an_answer_of_another_shape_is_refused():
    from keras import layers

    model = network(layers.Flatten(), layers.Dense(2))
    with pytest.raises(Unservable, match=r"of shape \[1, 2\]; its task needs \[1, 1\]"):
        rehearse(model, SPEC)
    with pytest.raises(Unservable, match=r"needs \[1, 3\]"):
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


def test_several_named_tensors_are_served_by_their_names(tmp_path):
    import keras
    from keras import layers

    ids = keras.Input((1,), name="user", dtype="int64")
    told = keras.Input((3,), name="told")
    seen = layers.Flatten()(layers.Embedding(5, 4)(ids))
    joined = layers.Concatenate()([seen, told])
    outputs = {
        "prediction": layers.Dense(1, name="prediction")(joined),
        "vector": layers.Dense(2, name="vector")(joined),
    }
    model = keras.Model([ids, told], outputs)
    signature = Signature(
        (Tensor("user", (1, 1), "int64"), Tensor("told", (1, 3))),
        (Tensor("prediction", (1, 1)), Tensor("vector", (1, 2))),
    )
    rehearse(model, signature)
    export(model, signature, tmp_path)
    rows = {
        "user": np.asarray([[0], [4], [2]], dtype=np.int64),
        "told": np.random.default_rng(0).normal(size=(3, 3)).astype(np.float32),
    }
    served = Graph(tmp_path / GRAPH, signature).predict(rows)
    assert {name: values.shape for name, values in served.items()} == {
        "prediction": (3, 1),
        "vector": (3, 2),
    }
    assert served_error(served, Network(model, signature).predict(rows)) < 1e-5
