"""What SNS is told of an invocation that is over, in the documented form. Pure.

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-check-predictions.html
"""

from __future__ import annotations

import base64
import datetime as dt
import json
from dataclasses import dataclass
from typing import Any

from embedded_aws.hosting.asynchronous.requests import Invocation

MOST_INCLUDED_BYTES = 128 * 1024
"""A response that is larger is not included in a notification."""
_ELSEWHERE = "Check S3 path location(if configured) or Cloudwatch for additional details."


@dataclass(frozen=True)
class Outcome:
    """What has come of an invocation.

    Args:
        failure: ``failureReason``; "" of one that is completed.
        body: What the model answered.
        content_type: Its content type.
        stored: Where it lies now; "" where it was not stored.
    """

    failure: str = ""
    body: bytes = b""
    content_type: str = ""
    stored: str = ""


def notice(one: Invocation, outcome: Outcome, *, at: float, region: str, included: bool) -> str:
    """The message.

    Args:
        one: The invocation.
        outcome: What has come of it.
        at: Virtual unix time of its end.
        region: Of the endpoint.
        included: Whether the topic gets the model's response, too.
    """
    told: dict[str, Any] = {
        "awsRegion": region,
        "eventTime": _time(at),
        "receivedTime": _time(one.received),
        "invocationStatus": "Failed" if outcome.failure else "Completed",
    }
    if outcome.failure:
        told["failureReason"] = outcome.failure
    told["requestParameters"] = _without_nothing(
        accept=one.accept,
        contentType=one.content_type,
        endpointName=one.endpoint,
        inputLocation=one.input,
    )
    if outcome.failure and outcome.stored:
        told["failureLocation"] = outcome.stored
    elif not outcome.failure:
        told["responseParameters"] = _without_nothing(
            contentType=outcome.content_type, outputLocation=outcome.stored
        )
    if included:
        told["responseBody"] = _response(outcome.body)
    told["inferenceId"] = one.id
    told["eventVersion"] = "1.0"
    told["eventSource"] = "aws:sagemaker"
    told["eventName"] = "InferenceResult"
    return json.dumps(told, separators=(",", ":"))


def _response(body: bytes) -> dict[str, str]:
    if len(body) > MOST_INCLUDED_BYTES:
        return {"message": _ELSEWHERE}
    return {
        "content": base64.b64encode(body).decode(),
        "message": _ELSEWHERE,
        "encoding": "BASE64",
    }


def _without_nothing(**members: str) -> dict[str, str]:
    return {name: value for name, value in members.items() if value}


def _time(moment: float) -> str:
    told = dt.datetime.fromtimestamp(moment, dt.UTC).replace(tzinfo=None)
    return f"{told.isoformat(timespec='milliseconds')}Z"
