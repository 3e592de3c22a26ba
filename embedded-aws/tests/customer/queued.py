"""A customer of asynchronous inference: payloads in S3, responses in S3, notices in a queue."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from customer.shop import BUCKET, Shop, soon

OUT = f"s3://{BUCKET}/out"
FAILED = f"s3://{BUCKET}/failed"


class Counter:
    """Asynchronous endpoints by short calls.

    Args:
        client: Gives a boto3 client by service name.
        shop: Makes models.
    """

    def __init__(self, client, shop: Shop) -> None:
        self.shop = shop
        self.sns = client("sns")
        self.sqs = client("sqs")
        self.heard: list[dict[str, Any]] = []
        queue = self.sqs.create_queue(QueueName=shop.name("notices"))["QueueUrl"]
        self.queue = queue
        attributes = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
        self.topics = {}
        for kind in ("SuccessTopic", "ErrorTopic"):
            topic = self.sns.create_topic(Name=shop.name(kind))["TopicArn"]
            self.sns.subscribe(
                TopicArn=topic, Protocol="sqs", Endpoint=attributes["Attributes"]["QueueArn"]
            )
            self.topics[kind] = topic

    def reconnect(self, client) -> None:
        """Go on with an AWS that has moved to another port."""
        self.sns, self.sqs = client("sns"), client("sqs")
        self.shop.sm, self.shop.s3 = client("sagemaker"), client("s3")
        self.shop.rt = client("sagemaker-runtime")

    def config(self, model: str, most: int | None = 1, count: int = 1, **output: Any) -> str:
        client = {} if most is None else {"MaxConcurrentInvocationsPerInstance": most}
        places = {"S3OutputPath": OUT, "S3FailurePath": FAILED, "NotificationConfig": self.topics}
        return self.shop.config(
            self.shop.variant("main", model, count=count),
            AsyncInferenceConfig={"ClientConfig": client, "OutputConfig": {**places, **output}},
        )

    def endpoint(
        self, most: int | None = 1, count: int = 1, model: str | None = None, **output: Any
    ) -> str:
        """An asynchronous endpoint in service; its model is a new one."""
        name = self.shop.name("queued")
        config = self.config(model or self.shop.model(), most, count, **output)
        self.shop.sm.create_endpoint(EndpointName=name, EndpointConfigName=config)
        self.shop.wait(name)
        return name

    def put(self, wish: Any) -> str:
        """A payload in S3; its address."""
        key = f"in/{uuid.uuid4()}.json"
        self.shop.s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(wish).encode())
        return f"s3://{BUCKET}/{key}"

    def ask(self, endpoint: str, wish: Any = None, **more: Any) -> Any:
        """Queue an invocation, its payload in S3 unless a ``Body`` is given."""
        place = {} if "Body" in more else {"InputLocation": self.put(wish or {})}
        return self.shop.rt.invoke_endpoint_async(
            EndpointName=endpoint, ContentType="application/json", **{**place, **more}
        )

    def stored(self, uri: str) -> bytes | None:
        """What lies at an address; None when nothing does."""
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        try:
            return self.shop.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        except self.shop.s3.exceptions.NoSuchKey:
            return None

    def response(self, answer: Any) -> Any:
        """What the model told, once it is there."""
        return json.loads(soon(lambda: self.stored(answer["OutputLocation"])))

    def failure(self, answer: Any) -> str:
        """What is stored of a failure, once it is there."""
        return soon(lambda: self.stored(answer["FailureLocation"])).decode()

    def notice(self, answer: Any) -> dict[str, Any]:
        """What SNS told of an invocation, once it did."""

        def found():
            self._listen()
            mine = [one for one in self.heard if one["inferenceId"] == answer["InferenceId"]]
            assert len(mine) <= 1, mine
            return mine[0] if mine else None

        return soon(found)

    def next_notice(self) -> dict[str, Any] | None:
        """A notice that nobody has asked for yet, if there is one now."""
        before = len(self.heard)
        self._listen()
        return self.heard[before] if len(self.heard) > before else None

    def _listen(self) -> None:
        told = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        for message in told.get("Messages", []):
            outer = json.loads(message["Body"])
            self.heard.append({"topic": outer["TopicArn"], **json.loads(outer["Message"])})
            self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])


def refused(call, **request):
    """Code and message of a refusal."""
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]
