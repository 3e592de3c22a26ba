"""Every test below asks for ``aws``, an embedded AWS of its module, and ``lab`` for its jobs."""

import io
import json
import os
import tarfile
import textwrap
import time
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import settings

from embedded_aws import EmbeddedAws
from embedded_aws.fixture import _no_faults_left, aws, aws_environment

__all__ = ["_no_faults_left", "aws", "aws_environment", "lab"]

# A test has the same world in every shell: not a person's profiles, keys and proxies.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
for name in ("NO_PROXY", "no_proxy"):
    os.environ[name] = ",".join(filter(None, ["127.0.0.1", "localhost", os.environ.get(name)]))
# Long enough at every test's time scale for a busy machine to see an endpoint Updating.
os.environ["EMBEDDED_AWS_HOSTING_WEIGHTS_SECONDS"] = "20"

# A deadline on a shared machine measures the neighbours, not the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

ROLE = "arn:aws:iam::123456789012:role/sluice-training"


@dataclass
class Lab:
    """Submits tiny training programs and waits for them, as any customer would."""

    aws: EmbeddedAws
    bucket: str

    def __post_init__(self) -> None:
        self.s3 = self.aws.client("s3")
        self.sagemaker = self.aws.client("sagemaker")
        self.logs = self.aws.client("logs")

    def request(self, name: str, script: str, **changes: Any) -> dict[str, Any]:
        """A CreateTrainingJob request that runs ``script`` in script mode."""
        code = f"code/{name}.tar.gz"
        self.s3.put_object(Bucket=self.bucket, Key=code, Body=archive({"train.py": script}))
        request = {
            "TrainingJobName": name,
            "RoleArn": ROLE,
            "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
            "HyperParameters": {
                "sagemaker_program": "train.py",
                "sagemaker_submit_directory": f"s3://{self.bucket}/{code}",
            },
            "OutputDataConfig": {"S3OutputPath": f"s3://{self.bucket}/jobs"},
            "ResourceConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 1,
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 86_400},
        }
        for member, value in changes.items():
            known = request.get(member)
            both = isinstance(known, dict) and isinstance(value, dict)
            request[member] = {**known, **value} if both else value
        return request

    def submit(self, name: str, script: str, **changes: Any) -> str:
        """Create the job; returns its ARN."""
        return self.sagemaker.create_training_job(**self.request(name, script, **changes))[
            "TrainingJobArn"
        ]

    def describe(self, name: str) -> dict[str, Any]:
        return self.sagemaker.describe_training_job(TrainingJobName=name)

    def wait(self, name: str, *, until: tuple[str, ...] = ("Completed", "Failed", "Stopped")):
        """Wait for a primary or secondary status; returns the description."""
        deadline = time.monotonic() + 30
        while True:
            told = self.describe(name)
            if told["TrainingJobStatus"] in until or told["SecondaryStatus"] in until:
                return told
            assert told["TrainingJobStatus"] not in {"Completed", "Failed", "Stopped"}, told
            assert time.monotonic() < deadline, told
            time.sleep(0.05)

    def run(self, name: str, script: str, **changes: Any) -> dict[str, Any]:
        self.submit(name, script, **changes)
        return self.wait(name)

    def output(self, name: str, file: str = "model.tar.gz") -> dict[str, bytes]:
        """The members of an artefact, by name."""
        key = f"jobs/{name}/output/{file}"
        body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as tar:
            return {m.name: tar.extractfile(m).read() for m in tar.getmembers() if m.isfile()}

    def told(self, name: str) -> Any:
        """What a program wrote as JSON into ``told.json`` of its model folder."""
        return json.loads(self.output(name)["told.json"])

    def keys(self, prefix: str) -> list[str]:
        found = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return [entry["Key"] for entry in found]

    def lines(self, name: str, host: str = "algo-1") -> list[str]:
        group = "/aws/sagemaker/TrainingJobs"
        streams = self.logs.describe_log_streams(
            logGroupName=group, logStreamNamePrefix=f"{name}/{host}-"
        )["logStreams"]
        return [
            event["message"]
            for stream in streams
            for event in self.logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
        ]

    def wait_for_line(self, name: str, line: str) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                if line in self.lines(name):
                    return
            except self.logs.exceptions.ResourceNotFoundException:
                pass
            time.sleep(0.05)
        raise AssertionError(f"{name} never printed {line!r}")


def archive(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            data = textwrap.dedent(text).encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            info.mode = 0o755
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def channel(name: str, uri: str, **changes: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, **changes}
    return {"ChannelName": name, "DataSource": {"S3DataSource": source}}


@pytest.fixture(scope="module")
def lab(aws: EmbeddedAws) -> Lab:
    laboratory = Lab(aws, "sluice-contract")
    laboratory.s3.create_bucket(Bucket=laboratory.bucket)
    return laboratory


@pytest.fixture(scope="session")
def make_channel():
    return channel


@pytest.fixture(scope="session")
def make_archive():
    return archive


@pytest.fixture(scope="session")
def make_lab():
    return Lab
