"""What goes between an invocation and S3 and SNS, as the role of the endpoint's model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.hosting.asynchronous.configuration import topic_of, topics_in
from embedded_aws.hosting.asynchronous.notices import Outcome, notice
from embedded_aws.hosting.asynchronous.places import place_of
from embedded_aws.hosting.asynchronous.requests import MOST_INPUT_BYTES, Invocation
from embedded_aws.hosting.shared import SharedState
from embedded_aws.protocol.service import AwsFault

_ERRORS = (ClientError, BotoCoreError, AwsFault)


class DeliveryError(Exception):
    """S3 or SNS does not do it; the message says what was to be done, and why not."""


class Delivery:
    """Reads payloads, stores responses, tells topics.

    Args:
        shared: Gives clients that act as a role.
        role: ARN of the model's execution role.
    """

    def __init__(self, shared: SharedState, role: str) -> None:
        self._shared = shared
        self._role = role

    def fetch(self, uri: str) -> bytes:
        """A payload.

        Raises:
            DeliveryError: it is not there, may not be read, or is too large.
        """
        place = place_of(uri)
        try:
            s3 = self._shared.client_of("s3", self._role)
            found = s3.get_object(Bucket=place.bucket, Key=place.key)
            size = int(found["ContentLength"])
            if size > MOST_INPUT_BYTES:
                found["Body"].close()
                raise DeliveryError(
                    f"The payload {uri} has {size} bytes, and can have up to {MOST_INPUT_BYTES} "
                    "bytes (1 GB)"
                )
            body: bytes = found["Body"].read()
        except _ERRORS as error:
            raise DeliveryError(f"Unable to download {uri}: {_reason(error)}") from error
        return body

    def store(self, uri: str, body: bytes, content_type: str, key_id: str) -> None:
        """Store a response, under a key of KMS where one is named.

        Raises:
            DeliveryError: with what S3 said.
        """
        place = place_of(uri)
        more: dict[str, Any] = {"ContentType": content_type} if content_type else {}
        if key_id:
            more |= {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id}
        try:
            s3 = self._shared.client_of("s3", self._role)
            s3.put_object(Bucket=place.bucket, Key=place.key, Body=body, **more)
        except _ERRORS as error:
            raise DeliveryError(f"Unable to upload to {uri}: {_reason(error)}") from error

    def tell(self, one: Invocation, outcome: Outcome) -> None:
        """Publish an outcome to the topic for it, if there is one.

        Raises:
            DeliveryError: with what SNS said.
        """
        topic, included = topic_of(one.config, success=not outcome.failure)
        if not topic:
            return
        world = self._shared.world
        message = notice(one, outcome, at=world.clock.now(), region=world.region, included=included)
        try:
            self._shared.client_of("sns", self._role).publish(TopicArn=topic, Message=message)
        except _ERRORS as error:
            raise DeliveryError(f"Unable to publish to {topic}: {_reason(error)}") from error


def check_topics(shared: SharedState, params: Mapping[str, Any]) -> None:
    """Refuse topics of a CreateEndpointConfig that are not there.

    Raises:
        AwsFault: ``ValidationException`` that names the topic.
    """
    for member, topic in topics_in(params).items():
        try:
            shared.client("sns").get_topic_attributes(TopicArn=topic)
        except ClientError as error:
            reason = error.response["Error"]["Message"]
            raise AwsFault(
                "ValidationException", f"{member} {topic} cannot be used: {reason}"
            ) from error


def _reason(error: Exception) -> str:
    return str(error.message if isinstance(error, AwsFault) else error)
