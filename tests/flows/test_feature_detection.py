"""feature-detection from the lake to an endpoint: photos with places, copies, many labels."""

from __future__ import annotations

import base64
import shutil

import pytest
import yaml

from benchmarks.release import testbed
from deployments.demo.amenities import AMENITIES
from deployments.demo.photos import photos, write_photos
from deployments.lake import planned, upload
from tasks import objects
from tasks.registry import Registry
from tasks.settings import settings
from tests.flows.test_added_models import FIRST, ROOT, TIME_SCALE, Place, place

__all__ = ["TIME_SCALE", "place"]
pytestmark = [pytest.mark.timeout(900), pytest.mark.tensorflow, pytest.mark.seconds(90)]

MODEL = "feature-detection"
PHOTOS = 480
FEW = {
    "side": 48,
    "epochs": 12,
    "batch_size": 16,
    **dict.fromkeys(("shift", "zoom", "light", "dropout"), 0),
}
ENOUGH = [{"metric": "macro_f1", "at_least": 0.5, "no_worse_than_baseline": 0}]
"""Of so few photos in so few epochs: what the shipped gate asks takes minutes of training."""


def test_many_labels_of_photos_go_to_users_without_a_line_of_python(place: Place) -> None:
    folder = settings().models_dir / MODEL
    shutil.copytree(ROOT / "models" / MODEL, folder)
    described = yaml.safe_load((folder / "model.yaml").read_text("utf-8"))
    described["release"] = testbed.spec().release.model_dump(mode="json")
    described["training"]["hyperparameters"] |= FEW
    described["gates"] = ENOUGH
    (folder / "model.yaml").write_text(yaml.safe_dump(described))
    write_photos(place.folder / "made", AMENITIES, PHOTOS, FIRST, 10, seed=3, defects=0.04)
    upload(planned(place.folder / "made")[0], "sluice-lake")

    good, said = place.retrain(MODEL)
    assert good, said
    assert Registry.here().pointer(MODEL) is not None
    channel = [key for key in objects.keys("sluice-work", "channels/") if key.endswith(".jpg")]
    assert len(channel) == pytest.approx(PHOTOS, abs=6)
    for key in channel[::40]:
        found = objects.read("sluice-work", key)
        assert found is not None
        assert b"Exif" not in found.body, "the place where it was taken left the lake"
    told, right = 0, 0
    for names, photo in photos(AMENITIES, 12, seed=99):
        body = {"b64": base64.b64encode(photo).decode()}
        [answer] = place.ask(MODEL, body)["predictions"]
        assert set(answer["labels"]) <= set(AMENITIES.labels)
        told += len(answer["labels"])
        right += len(set(answer["labels"]) & set(names))
    assert right > told / 2 > 0, "one feature in three is on a photo: guesses would be worse"
