"""The queue that S3 tells: receive and delete. Thin."""

from __future__ import annotations

from collections.abc import Iterator

from tasks.aws import asking, client
from tasks.values import Frozen

MOST_BATCHES = 50
BATCH = 10


class Message(Frozen):
    """One message; it comes again until it is deleted by its receipt."""

    body: str
    receipt: str


def batches(url: str) -> Iterator[tuple[Message, ...]]:
    """What the queue holds now, ten at a time."""
    for _ in range(MOST_BATCHES):
        with asking(f"ReceiveMessage {url}"):
            answer = client("sqs").receive_message(
                QueueUrl=url, MaxNumberOfMessages=BATCH, WaitTimeSeconds=0
            )
        messages = tuple(
            Message(body=item["Body"], receipt=item["ReceiptHandle"])
            for item in answer.get("Messages", [])
        )
        if not messages:
            return
        yield messages


def delete(url: str, message: Message) -> None:
    """The message is dealt with."""
    with asking(f"DeleteMessage {url}"):
        client("sqs").delete_message(QueueUrl=url, ReceiptHandle=message.receipt)
