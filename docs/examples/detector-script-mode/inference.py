"""All four functions of SageMaker's PyTorch container, for photos.

A photo comes as its own bytes, as base64 in JSON, or by its address. Addresses are fetched from the
hosts of SLUICE_IMAGE_HOSTS alone. Sluice's server has fetched them before it asks; the image's own
server (serving.program: inference.py) leaves that to input_fn.
"""

import base64
import json
import os
from pathlib import Path

import framework

from models.runtime.images.fetching import PhotoHosts

PHOTOS = ("image/jpeg", "image/png", "image/webp", "application/x-image")


def model_fn(model_dir):
    """The module with its parameters."""
    return framework.load(Path(model_dir) / "model.pth")


def input_fn(request_body, request_content_type):
    """Tensors of photos."""
    if request_content_type in PHOTOS:
        return [framework.tensor(request_body)]
    if request_content_type != "application/json":
        raise ValueError(f"{request_content_type} is not read")
    request = json.loads(request_body)
    return [framework.tensor(_bytes_of(one)) for one in request.get("instances", [request])]


def predict_fn(input_data, model):
    """Objects of each photo: label, confidence and box, in shares of the photo."""
    return model(input_data)


def output_fn(prediction, accept):
    """The body of the answer, and what it is."""
    return json.dumps({"predictions": [{"objects": objects} for objects in prediction]}), accept


def _bytes_of(instance):
    if "b64" in instance:
        return base64.b64decode(instance["b64"], validate=True)
    return PhotoHosts.of(os.environ).fetch(instance["image_url"])
