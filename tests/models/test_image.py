"""Photos: what a client sends, and the pixels that the graph gets."""

import base64
import io
import json
from datetime import date

import numpy as np
import pytest
from PIL import Image

from deployments.demo.photos import photos as taken
from deployments.demo.photos import write_photos
from deployments.demo.rooms import ROOMS as ROOM_PHOTOS
from models.runtime.input import InvalidFeature
from models.runtime.inputs.image import Image as Photo
from models.runtime.script_mode import Hyperparameters
from models.runtime.split import NoData, Split
from models.runtime.tables.cells import BadInput


def photos(side):
    return Photo(Photo.schema((), "label", {}, Hyperparameters({"side": str(side)})))


ROOMS, SMALL = photos(32), photos(16)


def encoded(image):
    packed = io.BytesIO()
    image.save(packed, "PNG")
    return {"b64": base64.b64encode(packed.getvalue()).decode()}


def test_an_image_comes_as_file_or_as_numbers():
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    inputs = ROOMS.decode([encoded(Image.fromarray(pixels)), pixels.tolist()])
    got = inputs["image"]
    np.testing.assert_array_equal(got[0], pixels)
    np.testing.assert_array_equal(got[1], pixels)
    prepared = ROOMS.transform(inputs)["image"]
    assert (prepared.min(), prepared.max()) == (pixels.min() / 127.5 - 1, pixels.max() / 127.5 - 1)


def test_a_photo_of_any_size_and_mode_is_brought_to_size():
    _, photo = next(iter(taken(ROOM_PHOTOS, 1)))
    grey = encoded(Image.new("L", (500, 20), 255))
    got = ROOMS.decode([{"b64": base64.b64encode(photo).decode()}, grey])["image"]
    assert got.shape == (2, 32, 32, 3)
    assert got[1].min() == 255


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"b64": "@@"}, "b64 is not an image"),
        ({"b64": "aGVsbG8="}, "b64 is not an image"),
        ({}, "expected"),
        ([[1, 2], [3, 4]], "shape"),
        ([[[300] * 3] * 32] * 32, "0 … 255"),
        ([[["x"] * 3] * 32] * 32, "expected"),
    ],
)
def test_what_is_no_image_is_refused(sent, message):
    with pytest.raises(BadInput, match=message):
        ROOMS.decode([sent])


def test_photos_of_several_days_are_read_with_their_labels(tmp_path):
    write_photos(tmp_path, ROOM_PHOTOS, 12, date(2026, 1, 1), 2)
    ids, inputs, labels = SMALL.read(tmp_path, "label")
    assert inputs["image"].shape == (12, 16, 16, 3)
    assert set(labels) == set(ROOM_PHOTOS.labels)
    assert len(set(ids)) == 12
    split = Split(ids, inputs, np.asarray(labels))
    kitchens = split.take(split.labels == "kitchen")
    assert kitchens.ids.tolist() == ids[split.labels == "kitchen"].tolist()
    assert len(kitchens) == len(kitchens.inputs["image"])


def test_a_photo_may_bear_an_id_of_its_own(tmp_path):
    write_photos(tmp_path, ROOM_PHOTOS, 1, date(2026, 1, 1), 1)
    (index,) = tmp_path.rglob("labels.jsonl")
    index.write_text(json.dumps({**json.loads(index.read_text()), "id": 7}) + "\n\n")
    assert SMALL.read(tmp_path, "label")[0].tolist() == ["7"]


def test_a_channel_without_photos_is_told(tmp_path):
    with pytest.raises(NoData, match=r"labels\.jsonl"):
        SMALL.read(tmp_path, "label")


def test_what_a_client_would_send_of_a_row_is_the_row():
    pixels = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    sent = json.loads(json.dumps(SMALL.instances({"image": pixels})))
    np.testing.assert_array_equal(SMALL.decode(sent)["image"], pixels)


def test_treatments_of_columns_mean_nothing_to_a_picture():
    with pytest.raises(InvalidFeature, match="width means nothing"):
        Photo.schema((), "label", {"width": "log"}, Hyperparameters({}))
