"""Photos: the image model from the lake to an endpoint that tells a room it has not seen."""

import base64
import json
import tempfile
from pathlib import Path

import pytest

from deployments.demo import rooms
from deployments.demo.photos import photos, write_photos
from deployments.laptop.stack import command
from tests.journeys.killing import FIRST_DAY

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]

ROOMS = "room-classifier"


@pytest.fixture(scope="module")
def released(journey):
    """The message of a whole retraining on generated photos."""
    with tempfile.TemporaryDirectory() as scratch:
        write_photos(Path(scratch), rooms.ROOMS, 400, FIRST_DAY, 20, seed=1)
        command(journey.laptop, "lake", "deployments.lake", "folder", scratch)
    asked = {"model": ROOMS, "reason": "photos", "epochs": 12}
    return journey.prefect.completed(journey.prefect.start("retrain/manual", asked))


def test_the_photo_model_is_released_with_its_edge_formats(journey, released):
    version = journey.outside.pointer(ROOMS)["version"]
    assert version in released
    journey.outside.only_serves(ROOMS, version)
    assert journey.outside.verified_bundle(ROOMS, version) > 5


def test_its_endpoint_tells_rooms_that_it_has_not_seen(journey, released):
    right = 0
    for name, jpeg in photos(rooms.ROOMS, 20, 999, FIRST_DAY):
        body = json.dumps({"instances": [{"b64": base64.b64encode(jpeg).decode()}]})
        answer = journey.outside.runtime.invoke_endpoint(
            EndpointName=f"sluice-{ROOMS}", Body=body, ContentType="application/json"
        )
        [told] = json.loads(answer["Body"].read())["predictions"]
        right += told["label"] == name
    assert right >= 15, "better than four of five guesses would be luck"
