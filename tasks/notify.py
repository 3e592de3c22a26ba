"""Telling people: one SNS topic; mail, chat and pagers subscribe to it."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.aws import asking, client

LONGEST_SUBJECT = 100


@dataclass(frozen=True)
class Topic:
    """An SNS topic; "" tells nobody, and says so."""

    arn: str

    def tell(self, subject: str, text: str) -> str:
        """Publish a message; its id, or a sentence in brackets when there is no topic."""
        if not self.arn:
            return "(nobody told: SLUICE_ALERTS_TOPIC_ARN is empty)"
        with asking(f"Publish {self.arn}"):
            answer = client("sns").publish(
                TopicArn=self.arn, Subject=subject[:LONGEST_SUBJECT], Message=text
            )
        return str(answer["MessageId"])
