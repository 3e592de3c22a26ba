"""A CloudWatch whose time stands still, asked over the wire by botocore's own client half."""

from __future__ import annotations

import json
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from rooms.alarms import START, StoppedClock

from embedded_aws.cloudwatch import CloudWatch
from embedded_aws.cloudwatch.alarms.messages import event_entry, sns_message
from embedded_aws.cloudwatch.wire.model import service_model
from embedded_aws.faults import Faults
from embedded_aws.protocol.service import Request, Response

PROTOCOLS = {"cbor": "smithy-rpc-v2-cbor", "json": "json", "query": "query"}
ACCOUNT = "123456789012"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:topic"


class Stage:
    """One CloudWatch, in one protocol.

    Args:
        protocol: ``cbor``, ``json`` or ``query``.
    """

    def __init__(self, protocol: str) -> None:
        self.protocol = protocol
        self.clock = StoppedClock()
        self.cloudwatch = CloudWatch(self.clock, Faults())
        self.transitions: list[Any] = []
        self.cloudwatch.alarm_store.listeners.append(self.transitions.append)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.cloudwatch.close()

    def call(self, action: str, **params: Any) -> dict[str, Any]:
        """An answer as boto3 shows it; of an error also its ``status``."""
        model = service_model().operation_model(action)
        response = self.raw(action, **params)
        parser = create_parser(PROTOCOLS[self.protocol])
        raw = {
            "status_code": response.status,
            "headers": {k.lower(): v for k, v in response.headers.items()},
            "body": response.body,
        }
        parsed: dict[str, Any] = parser.parse(raw, model.output_shape)
        parsed.pop("ResponseMetadata", None)
        return parsed | ({"status": response.status} if response.status >= 400 else {})

    def raw(self, action: str, *, query_mode: bool = True, **params: Any) -> Response:
        """The answer as it travels."""
        model = service_model().operation_model(action)
        serializer = create_serializer(PROTOCOLS[self.protocol], include_validation=False)
        made = serializer.serialize_to_request(params, model)
        headers = {k.lower(): v for k, v in made["headers"].items()}
        if query_mode:
            headers["x-amzn-query-mode"] = "true"
        else:
            headers.pop("x-amzn-query-mode", None)
        body = made["body"]
        body = urlencode(body).encode() if isinstance(body, dict) else body
        body = body.encode() if isinstance(body, str) else body
        request = Request(
            "monitoring", "", "POST", made["url_path"], "", headers, body, "us-east-1"
        )
        return self.cloudwatch.handle(request)

    def put(self, value: float, *, at: float = 0, name: str = "m", **more: Any) -> dict[str, Any]:
        """Publish a value, ``at`` seconds after the start."""
        datum = {"MetricName": name, "Value": float(value), "Timestamp": START + at, **more}
        return self.publish(datum)

    def publish(self, *data: dict[str, Any], namespace: str = "N") -> dict[str, Any]:
        """PutMetricData."""
        return self.call("PutMetricData", Namespace=namespace, MetricData=list(data))

    def alarm(self, name: str = "a", **settings: Any) -> dict[str, Any]:
        """PutMetricAlarm, over the sum of N's m by the minute; None takes a setting away."""
        params = {
            "AlarmName": name, "Namespace": "N", "MetricName": "m", "Statistic": "Sum",
            "Period": 60, "EvaluationPeriods": 1, "Threshold": 30.0,
            "ComparisonOperator": "GreaterThanThreshold", **settings,
        }  # fmt: skip
        return self.call("PutMetricAlarm", **{k: v for k, v in params.items() if v is not None})

    def composite(self, rule: str, name: str = "top", **settings: Any) -> dict[str, Any]:
        """PutCompositeAlarm."""
        return self.call("PutCompositeAlarm", AlarmName=name, AlarmRule=rule, **settings)

    def force(self, name: str, state: str, reason: str = "testing") -> dict[str, Any]:
        """SetAlarmState."""
        return self.call("SetAlarmState", AlarmName=name, StateValue=state, StateReason=reason)

    def described(self, name: str = "a", kind: str = "MetricAlarm") -> dict[str, Any]:
        """One alarm as DescribeAlarms tells it."""
        answer = self.call("DescribeAlarms", AlarmNames=[name], AlarmTypes=[kind])
        found: dict[str, Any] = answer[f"{kind}s"][0]
        return found

    def until(self, seconds: float) -> None:
        """Let time pass to ``seconds`` after the start, alarms being judged on their time."""
        clock, evaluator = self.clock, self.cloudwatch._evaluator
        while clock.time < START + seconds:
            clock.time = min(START + seconds, evaluator.round(clock.time))
        evaluator.round(clock.time)

    def message(self) -> dict[str, Any]:
        """What SNS would be told of the last transition."""
        content: dict[str, Any] = json.loads(
            sns_message(self.transitions[-1], "us-east-1", ACCOUNT)
        )
        return content

    def event(self) -> dict[str, Any]:
        """What EventBridge would be told of the last transition."""
        entry = event_entry(self.transitions[-1])
        return entry | {"Detail": json.loads(entry["Detail"])}
