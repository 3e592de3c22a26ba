"""Two towers in Keras: a vector of a user, a vector of an item, and how likely they meet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.rankings.recommender import Towers
from models.runtime.signature import Signature, Tensor
from models.runtime.task import PREDICTION

USER, USER_FEATURES, ITEM, ITEM_FEATURES = "user", "user_features", "item", "item_features"
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class TowerShape:
    """How large the towers are.

    Args:
        users: Known users.
        items: Items with a vector of their own; rarer ones are told by their attributes.
        user_width: Numbers that tell of a user, beside who he is.
        item_width: The same of an item.
        vector: Length of the vectors.
        hidden: Width of the layer between attributes and vector.
        dropout: Share of acts whose user counts as nobody known, so that attributes learn to tell.
    """

    users: int
    items: int
    user_width: int
    item_width: int
    vector: int
    hidden: int
    dropout: float

    @property
    def signature(self) -> Signature:
        """The tensors of an act: who and what; both vectors and the item's bias come out."""
        inputs = [Tensor(USER, (1, 1), "int32"), Tensor(ITEM, (1, 1), "int32")]
        if self.user_width:
            inputs.append(Tensor(USER_FEATURES, (1, self.user_width)))
        if self.item_width:
            inputs.append(Tensor(ITEM_FEATURES, (1, self.item_width)))
        outputs = (Tensor(PREDICTION, (1, 2 * self.vector + 1)),)
        return Signature(tuple(inputs), outputs)


def build(shape: TowerShape) -> Any:
    """A Keras model of acts: [user's vector, item's vector, item's bias], [n, 2·d + 1].

    Each vector is that of the id plus what a small network makes of the attributes; number 0 has
    none of its own.
    """
    import keras

    inputs = {t.name: keras.Input(t.shape[1:], name=t.name, dtype=t.dtype)
              for t in shape.signature.inputs}  # fmt: skip

    def tower(who: str, features: str, count: int, dropout: float) -> Any:
        embedding = keras.layers.Embedding(count + 1, shape.vector, name=f"{who}_vector")
        number = inputs[who]
        known = keras.ops.cast(keras.ops.not_equal(number, 0), "float32")
        vector = keras.layers.Flatten()(embedding(number)) * known
        if dropout:
            vector = keras.layers.Dropout(dropout, noise_shape=(None, 1))(vector)
        if features not in inputs:
            return vector
        hidden = inputs[features]
        hidden = keras.layers.Dense(shape.hidden, activation="silu", name=f"{who}_hidden")(hidden)
        told = keras.layers.Dense(shape.vector, name=f"{who}_told")(hidden)
        return keras.layers.Add()([vector, told])

    dropout = shape.dropout if shape.user_width else 0.0
    user = tower(USER, USER_FEATURES, shape.users, dropout)
    item = tower(ITEM, ITEM_FEATURES, shape.items, 0.0)
    bias = keras.layers.Embedding(
        shape.items + 1, 1, embeddings_initializer="zeros", name="item_bias"
    )(inputs[ITEM])
    answer = keras.layers.Concatenate(name=PREDICTION)([user, item, keras.layers.Flatten()(bias)])
    return keras.Model(list(inputs.values()), answer)


def corrected_softmax(vector: int) -> Any:
    """The loss of a batch: in-batch sampled softmax with the logQ correction.

    The items of the other acts of a batch stand for all items that were not taken up. A frequent
    item stands there often, which would teach the model to put it down: log q of its share is taken
    from its logit (Yi et al. 2019, "Sampling-bias-corrected neural modeling for large corpus item
    recommendations"; Bengio & Senécal 2008). Another act with the same item is no negative.

    Args:
        vector: Length of the vectors.

    Returns:
        A function of ``truth`` [n, 4] (number of the item, log q, log of its share in all acts, and
        weight of the act) and ``answer`` [n, 2·d + 1], that gives the mean over acts.
    """
    import tensorflow as tf

    def loss(truth: Any, answer: Any) -> Any:
        item, log_q, log_share, weight = tf.unstack(tf.cast(truth, tf.float32), axis=1)
        users, items = answer[:, :vector], answer[:, vector : 2 * vector]
        bias = answer[:, 2 * vector] + log_share
        logits = tf.matmul(users, items, transpose_b=True) + bias[None, :] - log_q[None, :]
        same = tf.equal(item[:, None], item[None, :])
        twin = tf.logical_and(same, tf.logical_not(tf.eye(tf.shape(item)[0], dtype=tf.bool)))
        logits = tf.where(twin, tf.constant(-1e9), logits)
        each = tf.reduce_logsumexp(logits, axis=1) - tf.linalg.diag_part(logits)
        return tf.reduce_sum(weight * each) / tf.maximum(tf.reduce_sum(weight), 1e-9)

    return loss


def towers_of(
    model: Any, shape: TowerShape, numbers: NDArray[np.integer], features: Floats, base: Floats
) -> Towers:
    """The served towers of a fitted model: every item's vector, and the users' tower.

    Args:
        model: What :func:`build` made.
        shape: Its shape.
        numbers: The number of each item in the model, 0 for one without a vector [items].
        features: What tells of each item [items, w].
        base: Log of each item's share in all acts [items].
    """
    users = model.get_layer("user_vector").get_weights()[0]
    users[0] = 0.0
    own = model.get_layer("item_vector").get_weights()[0]
    own[0] = 0.0
    vectors = own[numbers]
    layers = _layers(model, USER) if shape.user_width else ()
    if shape.item_width:
        told = Towers(np.zeros((1, shape.vector), np.float32), vectors, _layers(model, ITEM))
        vectors = vectors + told.user_vectors(np.zeros(len(numbers), np.int64), features)[:, :-1]
    bias = model.get_layer("item_bias").get_weights()[0][numbers, 0] + base
    items = np.concatenate([vectors, bias[:, None]], axis=1, dtype=np.float32)
    return Towers(users.astype(np.float32), items, layers)


def _layers(model: Any, who: str) -> tuple[tuple[Floats, Floats], ...]:
    layers = (model.get_layer(f"{who}_{part}") for part in ("hidden", "told"))
    return tuple((weights, bias) for weights, bias in (layer.get_weights() for layer in layers))
