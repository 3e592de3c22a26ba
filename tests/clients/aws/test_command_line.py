"""The AWS CLI, as people type it, against the AWS in the box: lake, job, endpoint, canary, back."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from pathlib import Path

import pytest

from embedded_aws.fixture import _no_faults_left, aws
from tests.clients.aws import programs

__all__ = ["_no_faults_left", "aws"]
pytestmark = [pytest.mark.timeout(600), pytest.mark.seconds(60)]

BUCKET = "command-line"
COMMAND = Path(sys.prefix) / "bin" / "aws"
REFUSED = 255
"""What the CLI ends with when the service refused."""
MOST_CALLS = 60
"""Until a variant with half of the traffic was met; by chance it is not in one of 10^18 tries."""


class CommandLine:
    """A shell with the AWS in the box in its environment, in a folder of its own."""

    def __init__(self, aws, folder):
        self.folder = folder
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "AWS_PAGER": "",
            "NO_PROXY": "127.0.0.1,localhost",
            **aws.environment(),
        }

    def ended(self, *words):
        return subprocess.run(
            [str(COMMAND), *words], cwd=self.folder, env=self.environment, capture_output=True,
            text=True, timeout=300,
        )  # fmt: skip

    def __call__(self, *words):
        ran = self.ended(*words)
        assert ran.returncode == 0, f"aws {' '.join(words)}: {ran.stdout}{ran.stderr}"
        return ran.stdout

    def read(self, *words):
        return json.loads(self(*words, "--output", "json"))

    def until(self, wanted, *words):
        """What a waiter of the CLI does, with less than its half minute between two questions."""
        deadline = time.monotonic() + 300
        while (now := self(*words, "--output", "text").strip()) != wanted:
            assert time.monotonic() < deadline, f"aws {' '.join(words)}: {now}, not {wanted}"
            time.sleep(0.2)

    def asked(self, name, folder):
        (self.folder / name).write_text(json.dumps(folder), "utf-8")
        return ("--cli-input-json", f"file://{name}")


@pytest.fixture(scope="module")
def typed(aws, tmp_path_factory):
    return CommandLine(aws, tmp_path_factory.mktemp("command-line"))


@pytest.fixture(scope="module")
def lake(typed):
    """Code and data, put there by the CLI."""
    typed("s3", "mb", f"s3://{BUCKET}")
    (typed.folder / "numbers").mkdir()
    for day in range(3):
        (typed.folder / "numbers" / f"2026-01-0{day + 1}.csv").write_text("1\n2\n")
    (typed.folder / "sourcedir.tar.gz").write_bytes(programs.code())
    typed("s3", "sync", "numbers", f"s3://{BUCKET}/numbers/")
    typed("s3", "cp", "sourcedir.tar.gz", f"s3://{BUCKET}/code/")
    return f"s3://{BUCKET}"


@pytest.fixture(scope="module")
def endpoint(typed, lake):
    """Two models, trained; an endpoint whose first variant has all of the traffic."""
    for factor in (2, 3):
        job = programs.training_job(f"times-{factor}", BUCKET, factor)
        typed("sagemaker", "create-training-job", *typed.asked(f"job-{factor}.json", job))
    for factor in (2, 3):
        name = f"times-{factor}"
        described = ("sagemaker", "describe-training-job", "--training-job-name", name)
        typed.until("Completed", *described, "--query", "TrainingJobStatus")
        typed("sagemaker", "wait", "training-job-completed-or-stopped", "--training-job-name", name)
        archive = typed(
            *described, "--query", "ModelArtifacts.S3ModelArtifacts", "--output", "text"
        )
        typed(
            "sagemaker", "create-model", "--model-name", name, "--execution-role-arn",
            programs.ROLE, "--primary-container", f"Image=any,ModelDataUrl={archive.strip()}",
        )  # fmt: skip
    for config, models in {"both": ("times-2", "times-3"), "stable": ("times-2",)}.items():
        request = {
            "EndpointConfigName": config,
            "ProductionVariants": programs.variants(*models),
        }
        typed("sagemaker", "create-endpoint-config", *typed.asked(f"{config}.json", request))
    typed(
        "sagemaker", "create-endpoint", "--endpoint-name", "times", "--endpoint-config-name", "both"
    )
    in_service(typed)
    return "times"


def in_service(typed):
    asked = ("sagemaker", "describe-endpoint", "--endpoint-name", "times", "--query")
    typed.until("InService", *asked, "EndpointStatus")
    typed("sagemaker", "wait", "endpoint-in-service", "--endpoint-name", "times")


def answer(typed, endpoint, *more):
    """(what it answered, which variant)."""
    (typed.folder / "seven").write_bytes(b"7")
    told = typed.read(
        "sagemaker-runtime", "invoke-endpoint", "--endpoint-name", endpoint, "--body", "fileb://seven",
        "--content-type", "text/plain", *more, "answer",
    )  # fmt: skip
    return (typed.folder / "answer").read_text(), told["InvokedProductionVariant"]


def counted(typed, endpoint):
    """Invocations of the canary, as CloudWatch tells them."""
    told = typed.read(
        "cloudwatch", "get-metric-statistics", "--namespace", "AWS/SageMaker", "--metric-name",
        "Invocations", "--dimensions", f"Name=EndpointName,Value={endpoint}",
        "Name=VariantName,Value=times-3", "--start-time", "2020-01-01T00:00:00Z", "--end-time",
        "2099-01-01T00:00:00Z", "--period", str(100 * 366 * 86_400), "--statistics", "Sum",
    )  # fmt: skip
    return sum(point["Sum"] for point in told["Datapoints"])


def test_files_go_to_the_lake_and_come_back(typed, lake):
    large = os.urandom(20 * 2**20)  # beyond the CLI's 8 MB: a multipart upload
    (typed.folder / "large").write_bytes(large)
    typed("s3", "cp", "large", f"{lake}/files/large")
    typed("s3", "cp", f"{lake}/files/large", "back")
    assert (typed.folder / "back").read_bytes() == large
    head = typed.read("s3api", "head-object", "--bucket", BUCKET, "--key", "files/large")
    assert (head["ContentLength"], head["ETag"].endswith('-3"')) == (len(large), True)
    listed = typed("s3", "ls", f"{lake}/numbers/", "--summarize")
    assert "Total Objects: 3" in listed
    assert "2026-01-02.csv" in listed
    assert typed("s3", "sync", "numbers", f"{lake}/numbers/") == "", "nothing is new"
    address = typed("s3", "presign", f"{lake}/numbers/2026-01-01.csv").strip()
    with urllib.request.urlopen(address, timeout=60) as told:
        assert told.read() == b"1\n2\n"
    typed("s3", "mv", f"{lake}/files/large", f"{lake}/files/moved")
    typed("s3", "rm", f"{lake}/files/", "--recursive")
    assert typed.ended("s3", "ls", f"{lake}/files/").returncode == 1


def test_a_job_is_seen_in_its_logs_and_in_the_list(typed, endpoint):
    said = typed(
        "logs", "filter-log-events", "--log-group-name", "/aws/sagemaker/TrainingJobs",
        "--log-stream-name-prefix", "times-3", "--query", "events[].message", "--output", "text",
    )  # fmt: skip
    assert "learned from 6 rows: factor=3" in said
    listed = typed.read("sagemaker", "list-training-jobs", "--status-equals", "Completed")
    names = {job["TrainingJobName"] for job in listed["TrainingJobSummaries"]}
    assert names == {"times-2", "times-3"}


def test_a_canary_gets_its_share_and_goes_back(typed, endpoint):
    assert answer(typed, endpoint) == ("14.0", "times-2")
    assert answer(typed, endpoint, "--target-variant", "times-3") == ("21.0", "times-3")
    typed(
        "sagemaker", "update-endpoint-weights-and-capacities", "--endpoint-name", endpoint,
        "--desired-weights-and-capacities", "VariantName=times-2,DesiredWeight=1",
        "VariantName=times-3,DesiredWeight=1",
    )  # fmt: skip
    in_service(typed)
    met = Counter()
    while len(met) < 2 and met.total() < MOST_CALLS:
        met[answer(typed, endpoint)] += 1
    assert set(met) == {("14.0", "times-2"), ("21.0", "times-3")}
    # An invocation is counted a moment after it was answered.
    deadline = time.monotonic() + 60
    while counted(typed, endpoint) < met["21.0", "times-3"] + 1:
        assert time.monotonic() < deadline
    assert counted(typed, endpoint) == met["21.0", "times-3"] + 1
    typed(
        "sagemaker", "update-endpoint", "--endpoint-name", endpoint, "--endpoint-config-name",
        "stable",
    )  # fmt: skip
    in_service(typed)
    assert {answer(typed, endpoint) for _ in range(4)} == {("14.0", "times-2")}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("sagemaker", "describe-training-job", "--training-job-name", "nobody"),
            "Requested resource not found",
        ),
        (("sagemaker", "describe-endpoint", "--endpoint-name", "nobody"), "not find endpoint"),
        (("s3api", "head-object", "--bucket", BUCKET, "--key", "nothing"), "(404)"),
        (("sagemaker", "list-monitoring-schedules"), "ListMonitoringSchedules"),
        (("athena", "list-work-groups"), "athena"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_refused_in_words(typed, lake, words, said):
    ran = typed.ended(*words)
    assert ran.returncode == REFUSED, ran.stdout + ran.stderr
    assert said in ran.stderr


def test_what_was_made_goes(typed, endpoint, aws):
    typed("sagemaker", "delete-endpoint", "--endpoint-name", endpoint)
    deadline = time.monotonic() + 60
    while typed.read("sagemaker", "list-endpoints")["Endpoints"]:
        assert time.monotonic() < deadline
    for config in ("both", "stable"):
        typed("sagemaker", "delete-endpoint-config", "--endpoint-config-name", config)
    for model in ("times-2", "times-3"):
        typed("sagemaker", "delete-model", "--model-name", model)
    typed("s3", "rb", f"s3://{BUCKET}", "--force")
    assert aws.client("s3").list_buckets()["Buckets"] == []
    assert aws.client("sagemaker").list_models()["Models"] == []
