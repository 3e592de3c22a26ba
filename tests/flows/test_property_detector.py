"""property-detector from the lake to an endpoint: photos with boxes, and one by its address."""

from __future__ import annotations

import base64
import json
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from botocore.exceptions import ClientError

from benchmarks.release import testbed
from deployments.demo.facades import FACADES
from deployments.demo.photos import photos, write_photos
from deployments.lake import planned, upload
from tasks.registry import Registry
from tasks.settings import settings
from tests.flows.test_added_models import FIRST, ROOT, TIME_SCALE, Place, place

__all__ = ["TIME_SCALE", "place"]
pytestmark = [pytest.mark.timeout(900), pytest.mark.tensorflow, pytest.mark.seconds(90)]

MODEL = "property-detector"
PHOTOS = 240
FEW = {"side": 48, "grid": 12, "filters": "16,32,48", "epochs": 20, "batch_size": 8, "light": 0}
ENOUGH = [{"metric": "map50", "at_least": 0.15, "no_worse_than_baseline": 0}]
"""Of so few photos in so few epochs: what the shipped gate asks takes minutes of training."""


@pytest.fixture
def photo_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, Path]]:
    """Address and folder of a server of photos, which endpoints may ask."""
    folder = tmp_path / "photos"
    folder.mkdir()
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"127.0.0.1:{server.server_port}"
    monkeypatch.setenv("SLUICE_IMAGE_HOSTS", host)
    yield f"http://{host}", folder
    server.shutdown()
    server.server_close()


def test_boxes_go_to_users_without_a_line_of_python(
    photo_host: tuple[str, Path], place: Place
) -> None:
    folder = settings().models_dir / MODEL
    shutil.copytree(ROOT / "models" / MODEL, folder)
    described = yaml.safe_load((folder / "model.yaml").read_text("utf-8"))
    described["release"] = testbed.spec().release.model_dump(mode="json")
    described["training"]["hyperparameters"] |= FEW
    described["gates"], described["behaviour"] = ENOUGH, []
    described["conversion"] = {"tflite_float16": {"max_error": 0.02}}
    (folder / "model.yaml").write_text(yaml.safe_dump(described))
    made = place.folder / "made"
    write_photos(made, FACADES, PHOTOS, FIRST, 10, seed=3, defects=0.04)
    upload(planned(made)[0], "sluice-lake")

    good, said = place.retrain(MODEL)
    assert good, said
    pointer = Registry.here().pointer(MODEL)
    assert pointer is not None
    manifest = Registry.here().manifest(MODEL, pointer.version)
    assert manifest.metrics["map50"] > manifest.metrics["lowest_ap"] >= 0

    address, shared = photo_host
    ((objects, photo),) = photos(FACADES, 1, seed=99)
    (shared / "home.jpg").write_bytes(photo)
    [sent] = place.ask(MODEL, {"b64": base64.b64encode(photo).decode()})["predictions"]
    [fetched] = place.ask(MODEL, {"image_url": f"{address}/home.jpg"})["predictions"]
    assert fetched == sent
    assert objects
    assert sent["objects"], "something stands on that photo"
    for found in sent["objects"]:
        x0, y0, x1, y1 = found["box"]
        assert found["label"] in FACADES.labels
        assert 0 <= x0 < x1 <= 1
        assert 0 <= y0 < y1 <= 1
    with pytest.raises(ClientError) as refused:
        place.ask(MODEL, {"image_url": "http://169.254.169.254/latest"})
    told = refused.value.response
    assert told["OriginalStatusCode"] == 400
    assert "SLUICE_IMAGE_HOSTS" in json.loads(told["OriginalMessage"])["error"]
