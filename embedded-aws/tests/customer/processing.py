"""A customer who runs processing jobs."""

from __future__ import annotations

import json
import textwrap
import time
from dataclasses import dataclass
from typing import Any

from embedded_aws import EmbeddedAws

ROLE = "arn:aws:iam::123456789012:role/processing"
PLACE = "/opt/ml/processing"
PREAMBLE = """\
import json, os, pathlib, signal, sys, time
home = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"])
output = home / "processing" / "output"
"""
TERMINAL = {"Completed", "Failed", "Stopped"}


@dataclass
class Workshop:
    """Submits tiny programs as processing jobs and waits for them."""

    aws: EmbeddedAws
    bucket: str

    def __post_init__(self) -> None:
        self.s3 = self.aws.client("s3")
        self.sagemaker = self.aws.client("sagemaker")
        region = self.aws.environment()["AWS_REGION"]
        where = {} if region == "us-east-1" else {"LocationConstraint": region}
        named = {"CreateBucketConfiguration": where} if where else {}
        self.s3.create_bucket(Bucket=self.bucket, **named)

    def put(self, **objects: str) -> None:
        """Objects below ``in/``, by name."""
        for name, text in objects.items():
            self.s3.put_object(Bucket=self.bucket, Key=f"in/{name}", Body=text.encode())

    def request(self, name: str, script: str, **changes: Any) -> dict[str, Any]:
        """A request whose command is ``script``, brought as the SDK's ScriptProcessor does it.

        ``home`` is there the folder that a container has at ``/opt/ml``.
        """
        key = f"code/{name}/script.py"
        body = PREAMBLE + textwrap.dedent(script)
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body.encode())
        inputs = [self.input("code", key, "input/code"), *changes.pop("inputs", ())]
        outputs = [self.output("out", f"out/{name}", "output"), *changes.pop("outputs", ())]
        return {
            "ProcessingJobName": name,
            "RoleArn": ROLE,
            "ProcessingInputs": inputs,
            "ProcessingOutputConfig": {"Outputs": outputs},
            "ProcessingResources": {
                "ClusterConfig": {
                    "InstanceCount": changes.pop("hosts", 1),
                    "InstanceType": "ml.m5.large",
                    "VolumeSizeInGB": 10,
                }
            },
            "AppSpecification": {
                "ImageUri": "image",
                "ContainerEntrypoint": ["python3", f"{PLACE}/input/code/script.py"],
            },
            **changes,
        }

    def input(self, name: str, key: str, folder: str, **how: Any) -> dict[str, Any]:
        """One of ``ProcessingInputs``."""
        place = {"S3Uri": f"s3://{self.bucket}/{key}", "LocalPath": f"{PLACE}/{folder}"}
        kind = {"S3DataType": "S3Prefix", "S3InputMode": "File"}
        return {"InputName": name, "S3Input": {**place, **kind, **how}}

    def output(self, name: str, key: str, folder: str, mode: str = "EndOfJob") -> dict[str, Any]:
        """One of the outputs."""
        place = {"S3Uri": f"s3://{self.bucket}/{key}", "LocalPath": f"{PLACE}/{folder}"}
        return {"OutputName": name, "S3Output": {**place, "S3UploadMode": mode}}

    def run(self, name: str, script: str, **changes: Any) -> dict[str, Any]:
        """Create a job and wait for its end; its description."""
        self.sagemaker.create_processing_job(**self.request(name, script, **changes))
        return self.ended(name)

    def ended(self, name: str, seconds: float = 60.0) -> dict[str, Any]:
        """A job's description once it is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            told = self.sagemaker.describe_processing_job(ProcessingJobName=name)
            if told["ProcessingJobStatus"] in TERMINAL:
                return dict(told)
            time.sleep(0.05)
        raise AssertionError(f"{name} is still {told['ProcessingJobStatus']}")

    def stored(self, prefix: str) -> dict[str, str]:
        """Texts of the objects below a prefix, by what follows it."""
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return {
            one["Key"].removeprefix(prefix).lstrip("/"): self.s3.get_object(
                Bucket=self.bucket, Key=one["Key"]
            )["Body"].read().decode()
            for one in listed
        }  # fmt: skip

    def told(self, name: str) -> dict[str, Any]:
        """What a job wrote into ``told.json``."""
        return dict(json.loads(self.stored(f"out/{name}")["told.json"]))
