"""What a stranger trains and serves: a model that multiplies. And the requests that say so."""

from __future__ import annotations

import io
import tarfile
from typing import Any

ROLE = "arn:aws:iam::123456789012:role/any"
TRAIN = """
import json, os, shutil
channel, model = os.environ["SM_CHANNEL_NUMBERS"], os.environ["SM_MODEL_DIR"]
rows = sum(len(open(os.path.join(channel, name)).readlines()) for name in os.listdir(channel))
settings = os.path.join(os.environ["SM_INPUT_CONFIG_DIR"], "hyperparameters.json")
factor = json.load(open(settings))["factor"]
with open(os.path.join(model, "factor.txt"), "w") as file:
    file.write(factor)
os.makedirs(os.path.join(model, "code"))
shutil.copy("inference.py", os.path.join(model, "code"))
print("learned from %d rows: factor=%s" % (rows, factor))
"""
SERVE = """
import http.server, os
factor = float(open(os.path.join(os.environ["SM_MODEL_DIR"], "factor.txt")).read())

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.answer(b"")
    def do_POST(self):
        number = float(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(str(number * factor).encode())
    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

here = ("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"]))
http.server.HTTPServer(here, Handler).serve_forever()
"""


def code() -> bytes:
    """``sourcedir.tar.gz``: the two programs."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in (("train.py", TRAIN), ("inference.py", SERVE)):
            entry = tarfile.TarInfo(name)
            entry.size = len(text.encode())
            tar.addfile(entry, io.BytesIO(text.encode()))
    return out.getvalue()


def training_job(name: str, bucket: str, factor: int) -> dict[str, Any]:
    """A ``CreateTrainingJob`` that reads ``s3://bucket/numbers/``."""
    return {
        "TrainingJobName": name,
        "RoleArn": ROLE,
        "AlgorithmSpecification": {"TrainingImage": "any", "TrainingInputMode": "File"},
        "HyperParameters": {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": f"s3://{bucket}/code/sourcedir.tar.gz",
            "factor": str(factor),
        },
        "InputDataConfig": [
            {
                "ChannelName": "numbers",
                "DataSource": {
                    "S3DataSource": {
                        "S3DataType": "S3Prefix",
                        "S3Uri": f"s3://{bucket}/numbers/",
                        "S3DataDistributionType": "FullyReplicated",
                    }
                },
            }
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/jobs"},
        "ResourceConfig": {
            "InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1,
        },
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    }  # fmt: skip


def variants(*models: str, **weights: float) -> list[dict[str, Any]]:
    """``ProductionVariants``, one of each model's name; the first has all of the traffic."""
    return [
        {
            "VariantName": model,
            "ModelName": model,
            "InstanceType": "ml.m5.large",
            "InitialInstanceCount": 1,
            "InitialVariantWeight": weights.get(model, float(place == 0)),
        }
        for place, model in enumerate(models)
    ]
