"""The network of objects: what it answers, how pictures and boxes vary together, what it pays."""

import numpy as np
import pytest

from models.runtime.detections.centres import drawn, objects_of
from models.runtime.networks.architectures import build, variation
from models.runtime.networks.centre_points import centre_points
from models.runtime.networks.export import rehearse
from models.runtime.script_mode import Hyperparameters, InvalidHyperparameter
from models.runtime.signature import Signature, Tensor

pytestmark = [pytest.mark.tensorflow, pytest.mark.seconds(20)]
GRID, CLASSES = 8, 2
MAPS = Tensor("prediction", (1, GRID, GRID, CLASSES + 4))
SIGNATURE = Signature((Tensor("image", (1, 32, 32, 3)),), (MAPS,))
TRUTH = np.asarray([[[1, 0.05, 0.1, 0.4, 0.3], [2, 0.5, 0.5, 0.95, 0.9]]] * 12)


def test_it_answers_maps_and_can_be_served():
    given = {"filters": "4,6,8", "noise": "0.01"}
    model = build(SIGNATURE, "sigmoid", Hyperparameters(given))
    rehearse(model, SIGNATURE)
    (told,) = np.asarray(model(np.zeros((1, 32, 32, 3), np.float32)))
    # Most cells hold no centre, and an untrained network says so.
    assert told[..., :CLASSES] == pytest.approx(0.1, abs=0.02)


def test_no_hyperparameter_of_what_moves_objects_is_asked_for():
    given = Hyperparameters({"filters": "4,6", "shift": "0.1", "zoom": "0.1", "light": "0"})
    build(SIGNATURE, "sigmoid", given)
    assert given.unused == ("shift", "zoom")


def test_every_hyperparameter_of_the_shipped_model_is_asked_for():
    from models.runtime.inputs.image import Image
    from models.runtime.tasks.detection import Detection
    from tasks.model_spec import load_model_spec
    from tests.models.trained import ROOT

    given = Hyperparameters(
        load_model_spec("property-detector", ROOT / "models").training.hyperparameters
    )
    pixels = Image(Image.schema((), "objects", {}, given))
    labels = Detection.labels([[{"label": "door", "box": [0, 0, 1, 1]}]])
    task = Detection(Detection.describe(labels, "objects", given))
    signature = Signature(pixels.tensors, task.outputs)
    build(signature, task.activation, given)
    variation(signature, given)
    assert set(given.unused) == {"epochs", "batch_size", "learning_rate", "weight_decay"}


def test_a_grid_that_no_block_gives_is_refused():
    with pytest.raises(
        InvalidHyperparameter,
        match="grid=8: a picture of 32 pixels and 1 filters make maps of 16 cells",
    ):
        build(SIGNATURE, "sigmoid", Hyperparameters({"filters": "4"}))


def test_a_side_that_cannot_be_halved_so_often_is_refused():
    odd = Signature((Tensor("image", (1, 30, 30, 3)),), (Tensor("prediction", (1, 15, 15, 6)),))
    with pytest.raises(InvalidHyperparameter, match="maps of 15 cells have no half"):
        build(odd, "sigmoid", Hyperparameters({"filters": "4,6"}))


def test_a_mirrored_picture_takes_its_boxes_along():
    import tensorflow as tf

    maps = drawn(TRUTH, GRID, CLASSES)
    pictures = np.zeros((12, 16, 16, 3), np.float32)
    pictures[:, 3, 2] = 1  # inside the first box
    turned = variation(SIGNATURE, Hyperparameters({"seed": "1"}))
    (shown, learned), (again, _), (other, _) = (
        turned(({"image": tf.constant(pictures)}, tf.constant(maps)), step) for step in (3, 3, 4)
    )
    np.testing.assert_array_equal(shown["image"], again["image"])
    assert not np.array_equal(shown["image"], other["image"])
    flipped = np.asarray(shown["image"])[:, 3, 13, 0] == 1
    assert 0 < flipped.sum() < 12
    boxes = objects_of(np.asarray(learned))
    mirror = TRUTH.copy()
    mirror[..., [1, 3]] = 1 - TRUTH[..., [3, 1]]
    for row, is_flipped in enumerate(flipped):
        expected = (mirror if is_flipped else TRUTH)[row]
        order = np.lexsort(boxes[row].T)
        np.testing.assert_allclose(boxes[row][order], expected[np.lexsort(expected.T)], atol=1e-6)
    assert variation(SIGNATURE, Hyperparameters({"mirror": "0"})) is None
    classes = Signature(SIGNATURE.inputs, (Tensor("prediction", (1, 3)),))
    assert variation(classes, Hyperparameters({})) is None


def test_the_objective_is_that_of_the_paper():
    maps = drawn(TRUTH[:1], GRID, CLASSES)
    right = np.clip(maps[..., :-1], 1e-7, 1 - 1e-7)
    assert float(centre_points(maps, right)) == pytest.approx(0.1, abs=0.1)
    # One centre at chance p where 1 is right costs (1 - p)² · -log p, per object.
    alone = np.zeros((1, GRID, GRID, 6), np.float32)
    alone[0, 4, 4] = (1, 0.5, 0.5, 0.25, 0.25, 1)
    said = np.zeros((1, GRID, GRID, 5), np.float32)
    said[0, 4, 4] = (0.6, 0.5, 0.5, 0.25, 0.25)
    focal = 0.16 * -np.log(0.6)
    assert float(centre_points(alone, said)) == pytest.approx(focal, rel=1e-4)
    # A centre that is an eighth of a cell off, of a box a tenth of the photo too wide.
    said[0, 4, 4, 1:4] += (0.125, 0, 0.1)
    assert float(centre_points(alone, said)) == pytest.approx(focal + 0.125 + 0.8, rel=1e-4)
    # A chance of 0.5 where nothing is: 0.25 · -log 0.5; half as much where the bump is high.
    said[0, 0, 0, 0] = 0.5
    more = float(centre_points(alone, said)) - focal - 0.925
    assert more == pytest.approx(0.25 * np.log(2), rel=1e-4)
    alone[0, 0, 0, 0] = 0.5
    less = float(centre_points(alone, said)) - focal - 0.925
    assert less == pytest.approx(more / 16, rel=1e-3)
    nothing = np.zeros((1, GRID, GRID, 6), np.float32)
    assert np.isfinite(float(centre_points(nothing, said)))
