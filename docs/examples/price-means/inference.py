"""All four functions of SageMaker's PyTorch container."""

import json
from pathlib import Path

import framework


def model_fn(model_dir):
    """The module with its parameters."""
    return framework.load(Path(model_dir) / "model.pth")


def input_fn(request_body, request_content_type):
    """A tensor of grades."""
    if request_content_type != "application/json":
        raise ValueError(f"{request_content_type} is not read")
    return [instance["grade"] for instance in json.loads(request_body)["instances"]]


def predict_fn(input_data, model):
    """A price for each grade."""
    return model(input_data)


def output_fn(prediction, accept):
    """The body of the answer, and what it is."""
    return json.dumps({"predictions": prediction}), accept
