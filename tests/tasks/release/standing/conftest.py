"""What tests of the standing alarms on the embedded AWS begin and end with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tasks.release.standing import keeping
from tasks.release.standing.requests import PREFIX
from tests.tasks.release.standing.place import (
    MODEL,
    context,
    standing,
)


@pytest.fixture
def mails(place: Any) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What the topic said of standing alarms since the last look."""
    url = place.queue("standing-mails")
    sqs = place.aws.client("sqs")

    def read() -> list[dict[str, Any]]:
        told = []
        while got := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for one in got:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
                text = json.loads(one["Body"])["Message"]
                if text.startswith("{") and json.loads(text)["AlarmName"].startswith(PREFIX):
                    told.append(json.loads(text))
        return told

    yield read
    sqs.delete_queue(QueueUrl=url)


@pytest.fixture
def none_left(place: Any) -> Iterator[None]:
    """Each test begins and ends without a standing alarm."""
    keeping.keep(context(enabled=False), MODEL)
    yield
    keeping.keep(context(enabled=False), MODEL)
    assert standing() == {}
