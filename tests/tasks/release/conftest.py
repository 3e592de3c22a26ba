"""An embedded AWS with an empty registry, and the settings that point to it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.release import testbed
from embedded_aws.fixture import _no_faults_left, aws
from tasks import aws as our_aws
from tasks.release import run, start_release
from tasks.settings import settings

__all__ = ["_no_faults_left", "aws"]


class Place:
    """One endpoint through which releases follow upon each other."""

    def __init__(self, embedded: Any, folder: Path) -> None:
        self.aws = embedded
        self.folder = folder
        self.number = 0

    def publish(self, **how: Any) -> str:
        self.number += 1
        version = testbed.version(self.number)
        testbed.publish(version, self.folder / version, **how)
        return version

    def context(self, owner: str = "ann", **release: Any) -> Any:
        return testbed.context(owner, testbed.spec(**release))

    def release(self, version: str, **release: Any) -> Any:
        context = self.context(**release)
        start_release(context, testbed.MODEL, version, "ann", "weekly")
        return run(context, testbed.MODEL)

    def serves(self) -> dict[str, float]:
        return testbed.what_serves(self.context())

    def told(self) -> dict[str, str]:
        """What people were told since the last look: text by subject."""
        sqs, told = self.aws.client("sqs"), {}
        while messages := sqs.receive_message(QueueUrl=self.mails, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                mail = json.loads(message["Body"])
                told[mail.get("Subject", "")] = mail["Message"]
                sqs.delete_message(QueueUrl=self.mails, ReceiptHandle=message["ReceiptHandle"])
        return told

    def queue(self, name: str) -> str:
        """A queue that hears what the topic says; its address."""
        sqs = self.aws.client("sqs")
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
        self.aws.client("sns").subscribe(
            TopicArn=self.topic, Protocol="sqs", Endpoint=arn["QueueArn"]
        )
        return url

    def pointer(self) -> Any:
        return self.context().registry.pointer(testbed.MODEL)


@contextmanager
def settled(aws: Any, folder: Path) -> Iterator[Place]:
    """A test environment with an empty registry, on this AWS."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in testbed.environment(aws).items():
            patch.setenv(name, value)
        our_aws.client.cache_clear()
        settings.cache_clear()
        topic = aws.client("sns").create_topic(Name="alerts")["TopicArn"]
        patch.setenv("SLUICE_ALERTS_TOPIC_ARN", topic)
        made = Place(aws, folder)
        testbed.prepare()
        made.topic = topic
        made.mails = made.queue("mails")
        yield made
    our_aws.client.cache_clear()
    settings.cache_clear()


@pytest.fixture(scope="module")
def place(aws: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A test environment whose first version serves."""
    with settled(aws, tmp_path_factory.mktemp("bundles")) as made:
        made.first = made.publish()
        journal = made.release(made.first)
        assert journal.phase == "done", journal.verdict
        yield made
