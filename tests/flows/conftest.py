"""A Prefect server, and an installation of one toy model whose first version serves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.release import testbed
from deployments.laptop import resources
from embedded_aws.fixture import _no_faults_left, aws
from tasks import aws as our_aws
from tasks.release import release_version
from tasks.settings import settings

__all__ = ["_no_faults_left", "aws"]
TABLE = "sluice-experiments"


class Installation:
    """The installation as the tests see it."""

    def __init__(self, embedded: Any, folder: Path) -> None:
        self.aws = embedded
        self.folder = folder
        self.number = 0

    def publish(self, **how: Any) -> str:
        """A new version in the registry."""
        self.number += 1
        version = testbed.version(self.number)
        testbed.publish(version, self.folder / version, **how)
        return version

    def upload(self, name: str, lines: list[dict[str, Any]]) -> str:
        """A file of records; its address."""
        body = "\n".join(json.dumps(line) for line in lines).encode()
        self.aws.client("s3").put_object(Bucket="sluice-work", Key=name, Body=body)
        return f"s3://sluice-work/{name}"

    def read_json(self, key: str) -> dict[str, Any]:
        """An object of the registry."""
        found = self.aws.client("s3").get_object(Bucket=testbed.BUCKET, Key=key)
        return dict(json.loads(found["Body"].read()))

    def told(self) -> dict[str, list[str]]:
        """What people were told since the last look: texts by subject."""
        sqs = self.aws.client("sqs")
        told: dict[str, list[str]] = {}
        while messages := sqs.receive_message(QueueUrl=self.mails, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                mail = json.loads(message["Body"])
                told.setdefault(mail.get("Subject", ""), []).append(mail["Message"])
                sqs.delete_message(QueueUrl=self.mails, ReceiptHandle=message["ReceiptHandle"])
        return told

    def serves(self) -> str | None:
        """The version that the pointer names."""
        return str(self.read_json(f"{testbed.MODEL}/latest.json")["version"])


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A server of our own, in a database that nobody else has."""
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=300):
        yield


@pytest.fixture(scope="module")
def installation(
    aws: Any, prefect_server: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    models = tmp_path_factory.mktemp("models")
    (models / testbed.MODEL).mkdir()
    # JSON is YAML, too.
    (models / testbed.MODEL / "model.yaml").write_text(
        testbed.spec(keep_versions=2).model_dump_json()
    )
    with pytest.MonkeyPatch.context() as patch:
        for name, value in testbed.environment(aws).items():
            patch.setenv(name, value)
        variables = aws.environment()
        patch.setenv("SLUICE_MODELS_DIR", str(models))
        buckets = (testbed.BUCKET, "sluice-work")
        made = resources.create(variables, buckets, testbed.BUCKET)
        patch.setenv("SLUICE_ALERTS_TOPIC_ARN", made["alerts_topic_arn"])
        our_aws.client.cache_clear()
        settings.cache_clear()
        home = Installation(aws, tmp_path_factory.mktemp("bundles"))
        home.mails = made["alarms_queue_url"]
        home.first = home.publish()
        context = testbed.context("ann", testbed.spec())
        journal = release_version(context, testbed.MODEL, home.first, "ann", "the first")
        assert journal.phase == "done", journal.verdict
        home.told()
        yield home
    our_aws.client.cache_clear()
    settings.cache_clear()
