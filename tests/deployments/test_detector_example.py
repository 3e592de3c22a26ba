"""The example of a detector in PyTorch's form: trained, asked in each way, tried as a whole."""

import base64
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from datetime import date
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deployments.demo.facades import FACADES
from deployments.demo.photos import photos, write_photos
from deployments.models.check import check_model
from models.runtime.images.fetching import HOSTS
from models.runtime.tables.cells import BadInput
from tests.deployments.test_new_model import place
from tests.models.trained import ROOT

__all__ = ["place"]
NAME = "detector-script-mode"
pytestmark = pytest.mark.seconds(15)


@pytest.fixture(scope="module")
def learned(tmp_path_factory):
    """Folder of the code, and what it learned of a few photos."""
    base = tmp_path_factory.mktemp("detector")
    code = base / "code"
    shutil.copytree(ROOT / "docs/examples" / NAME, code, ignore=shutil.ignore_patterns("*.pyc"))
    write_photos(base / "photos", FACADES, 30, date(2026, 1, 5), 1, seed=2)
    (base / "model").mkdir()
    given = {"SM_CHANNEL_TRAINING": base / "photos", "SM_MODEL_DIR": base / "model",
             "SAGEMAKER_BASE_DIR": base, "SLUICE_LABEL": "objects"}  # fmt: skip
    environment = {**os.environ, **{name: str(value) for name, value in given.items()}}
    said = [
        subprocess.run(
            [sys.executable, "train.py", "--epochs", epochs],
            cwd=code, env=environment, capture_output=True, text=True, check=True,
        ).stdout
        for epochs in ("2", "3")
    ]  # fmt: skip
    # The second job goes on from what the first one has: it has nothing left to do.
    assert [re.findall(r"photos=(\d+)", text) for text in said] == [["15", "30"], []]
    return code, base / "model"


@pytest.fixture
def inference(learned, monkeypatch):
    code, model = learned
    monkeypatch.syspath_prepend(str(code))
    for name in ("inference", "framework"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    module = importlib.import_module("inference")
    yield module, module.model_fn(str(model))
    for name in ("inference", "framework"):
        sys.modules.pop(name, None)


def test_a_photo_comes_as_bytes_as_base64_or_by_its_address(inference, tmp_path, monkeypatch):
    module, model = inference
    ((_, body),) = photos(FACADES, 1, seed=2)
    (tmp_path / "a.jpg").write_bytes(body)

    class Quiet(SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(tmp_path))

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Quiet)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/a.jpg"
    try:
        with pytest.raises(BadInput, match=HOSTS):
            module.input_fn(json.dumps({"image_url": url}), "application/json")
        monkeypatch.setenv(HOSTS, f"127.0.0.1:{server.server_port}")
        sent = {"b64": base64.b64encode(body).decode()}
        asked = [
            module.input_fn(body, "image/jpeg"),
            module.input_fn(json.dumps({"instances": [sent]}), "application/json"),
            module.input_fn(json.dumps({"instances": [{"image_url": url}]}), "application/json"),
            module.input_fn(json.dumps({"image_url": url}), "application/json"),
        ]
    finally:
        server.shutdown()
        server.server_close()
    answers = [
        module.output_fn(module.predict_fn(data, model), "application/json") for data in asked
    ]
    assert len({text for text, _ in answers}) == 1
    (told,) = json.loads(answers[0][0])["predictions"]
    assert {one["label"] for one in told["objects"]} <= set(FACADES.labels)
    assert all(0 <= one["confidence"] <= 1 for one in told["objects"])
    with pytest.raises(ValueError, match="text/csv is not read"):
        module.input_fn("1,2", "text/csv")


def test_it_is_tried_as_sagemaker_would_run_it(place):
    shutil.copytree(ROOT / "docs/examples" / NAME, place.models_dir / NAME,
                    ignore=shutil.ignore_patterns("__pycache__"))  # fmt: skip
    said = list(check_model(place, NAME))
    assert [sentence for outcome, sentence in said if outcome == "FAULT"] == []
    assert any("it trains, and measures lowest_ap, map50" in sentence for _, sentence in said)
    assert said[-1] == ("ok", "it answers its own example, and measures itself as a champion")
