"""How pictures vary while training, and that nothing of it is left when they are answered."""

import numpy as np
import pytest

from models.runtime.networks.architectures import build
from models.runtime.networks.convolutional import varied
from models.runtime.networks.export import rehearse
from models.runtime.script_mode import Hyperparameters, InvalidHyperparameter
from models.runtime.signature import Signature, Tensor

pytestmark = [pytest.mark.tensorflow, pytest.mark.seconds(15)]
STILL = {"mirror": "0", "shift": "0", "zoom": "0", "light": "0", "noise": "0"}
PICTURES = np.random.default_rng(0).uniform(-0.8, 0.8, (16, 12, 12, 3)).astype(np.float32)


def shown(training, **changes):
    """The pictures as the network would see them."""
    import keras

    source = keras.Input((12, 12, 3))
    model = keras.Model(source, varied(source, Hyperparameters(STILL | changes)))
    return np.asarray(model(PICTURES, training=training))


@pytest.mark.parametrize("name", sorted(STILL))
def test_each_way_is_seen_in_training_alone_and_can_be_left_out(name):
    amount = "1" if name == "mirror" else "0.2"
    assert np.abs(shown(True, **{name: amount}) - PICTURES).mean() > 0.01
    np.testing.assert_array_equal(shown(False, **{name: amount}), PICTURES)
    np.testing.assert_array_equal(shown(True), PICTURES)


def test_noise_is_a_share_of_all_brightness():
    noise = shown(True, noise="0.01") - PICTURES
    # Pixels are -1 … 1: one hundredth of all brightness is 0.02.
    assert noise.std() == pytest.approx(0.02, rel=0.1)
    assert abs(noise.mean()) < 0.002


@pytest.mark.parametrize(
    ("name", "value"), [("noise", "-0.01"), ("shift", "1"), ("zoom", "2"), ("dropout", "1")]
)
def test_what_is_no_share_is_refused(name, value):
    signature = Signature((Tensor("image", (1, 16, 16, 3)),), (Tensor("prediction", (1, 2)),))
    with pytest.raises(
        InvalidHyperparameter, match=f"{name}='{value}': it must be at least 0 and below 1"
    ):
        build(signature, "softmax", Hyperparameters({name: value, "filters": "4,4"}))


def test_the_network_can_be_served_with_every_way_and_without():
    signature = Signature((Tensor("image", (1, 16, 16, 3)),), (Tensor("prediction", (1, 2)),))
    for given in ({"noise": "0.01"}, {**STILL, "residual": "0", "dropout": "0"}):
        rehearse(
            build(signature, "softmax", Hyperparameters({"filters": "4,4"} | given)), signature
        )
