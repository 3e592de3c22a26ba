"""The failsafe alarm: an alarm of the release takes the candidate out of the traffic.

It needs neither Prefect nor a living owner. The release's CloudWatch alarms publish to the alerts
topic; a queue subscribed to it wakes either an AWS Lambda function (``handler``) or, where there is
none, this module as a process of its own (``python -m tasks.release.failsafe_alarm <queue-url>``).
It moves the traffic and leaves an order in the journal; the owner, or ``reconcile``, does the rest.
"""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterator, Mapping
from typing import Any

from tasks.aws import asking, client
from tasks.clock import system_clock
from tasks.errors import AwsRejected, LeaseLost, SluiceError
from tasks.release.deliveries import delivery_of
from tasks.release.hosting.names import VARIANT
from tasks.release.journal.record import JournalEntry, RollbackOrder
from tasks.release.journal.store import S3Journals
from tasks.release.ports import Journals

ACTOR = "failsafe alarm"
WHY = "an alarm of the release rang"
ALARM = re.compile(rf"sluice-release-(?P<model>.+)-(?P<variant>{VARIANT})-(?:errors|latency)")
TRIES = 20
LONG_POLL = 20
PAUSE = 5.0


def handler(event: Mapping[str, Any], _context: object = None) -> list[str]:
    """Entry point of the Lambda function: SNS records, or SQS records that carry them."""
    journals = _journals()
    return [done for alarm in raised(event) if (done := withdraw(journals, *alarm))]


def raised(event: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Model and variant of each release alarm in an event that went to ALARM. Pure."""
    for record in event.get("Records", []):
        text = record.get("Sns", {}).get("Message") or record.get("body", "")
        for _ in range(2):  # SQS wraps the SNS envelope, which wraps the alarm
            try:
                envelope = json.loads(text)
            except ValueError:
                break
            if not isinstance(envelope, dict) or "Message" not in envelope:
                break
            text = envelope["Message"]
        try:
            alarm = json.loads(text)
        except ValueError:
            continue
        if not isinstance(alarm, dict):
            continue
        named = ALARM.fullmatch(str(alarm.get("AlarmName", "")))
        if named and alarm.get("NewStateValue") == "ALARM":
            yield named["model"], named["variant"]


def withdraw(journals: Journals, model: str, variant: str) -> str:
    """Take one candidate out of the traffic, if it still is a release's candidate.

    Returns:
        What was done, or "" when the alarm is of no live release.
    """
    stored = journals.read(model)
    if stored is None or stored.journal.ended or stored.journal.candidate.variant != variant:
        return ""
    ordered = _order(journals, model)
    try:
        moved = delivery_of(stored.journal.spec).withdraw(stored.journal, ACTOR, WHY)
    except AwsRejected as error:
        moved = f"the traffic could not be moved ({error.what}); the order stands"
    return f"{model}: {moved}; {ordered}"


def _order(journals: Journals, model: str) -> str:
    for _ in range(TRIES):
        stored = journals.read(model)
        if stored is None or stored.journal.ended or stored.journal.order is not None:
            return "an order stands already"
        now = system_clock().now()
        line = JournalEntry(at=now, actor=ACTOR, kind="note", action="roll_back", detail=WHY)
        order = RollbackOrder(actor=ACTOR, reason=WHY, at=now)
        try:
            journals.write(stored, stored.journal.noted(line, order=order))
        except LeaseLost:
            continue  # the owner is alive and wrote; read again
        return "ordered the rollback"
    return "the journal was written by others all the time"


def serve(queue_url: str) -> None:
    """Read alarms from a queue for ever; a message that fails comes again."""
    while True:
        try:
            with asking(f"ReceiveMessage {queue_url}"):
                answer = client("sqs").receive_message(
                    QueueUrl=queue_url, WaitTimeSeconds=LONG_POLL, MaxNumberOfMessages=10
                )
        except SluiceError as error:
            sys.stderr.write(f"{error}\n")
            time.sleep(PAUSE)  # a failsafe that gives up is none
            continue
        for message in answer.get("Messages", []):
            try:
                done = handler({"Records": [{"body": message["Body"]}]})
            except SluiceError as error:
                sys.stderr.write(f"{error}\n")
                continue
            for line in done:
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()
            with asking(f"DeleteMessage {queue_url}"):
                client("sqs").delete_message(
                    QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"]
                )


def _journals() -> Journals:
    from tasks.settings import settings

    return S3Journals(settings().registry_bucket)


if __name__ == "__main__":
    serve(sys.argv[1])
