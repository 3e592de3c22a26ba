"""Schedules go on firing in the process that opens the folder next, and what they sent is kept."""

import datetime as dt
import json
import time

import pytest

pytestmark = pytest.mark.timeout(300)
SCALE = ("--time-scale", "60")


def waiting(sqs, url):
    told = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
    return int(told["Attributes"]["ApproximateNumberOfMessages"])


def times(sqs, url, after):
    """Of all messages until one that is later, sorted."""
    found, deadline = set(), time.monotonic() + 60
    while max(found, default=0) <= after:
        assert time.monotonic() < deadline, found
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            when = json.loads(message["Body"])["time"]
            found.add(dt.datetime.fromisoformat(when).timestamp())
        time.sleep(0.1)
    return sorted(found)


def test_a_schedule_goes_on_after_a_kill(box):
    box.end()
    box.start(*SCALE)
    sqs, events = box.client("sqs"), box.client("events")
    url = sqs.create_queue(QueueName="q")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:123456789012:q"
    events.put_rule(Name="often", ScheduleExpression="rate(1 minute)")
    events.put_targets(Rule="often", Targets=[{"Id": "1", "Arn": arn}])
    deadline = time.monotonic() + 60
    while waiting(sqs, url) < 3:  # it is seen a moment before it is kept: an earlier one is
        assert time.monotonic() < deadline
        time.sleep(0.1)
    before = box.admin("clock")["now"]
    box.kill()
    box.start(*SCALE)
    path = url.partition("://")[2].partition("/")[2]
    told = times(box.client("sqs"), f"{box.url}/{path}", before)
    assert told[0] < before
    assert len({moment % 60 for moment in told}) == 1  # it counts from when it was made
