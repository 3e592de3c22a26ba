"""Events to the targets of a rule: queues, topics and log groups, with what the target asks for.

Buses and archives are left to moto. What cannot be delivered is dropped with a line in the log, as
on AWS once its retries are over; the sender is not told.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import logging
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from embedded_aws.state.pen import backend

log = logging.getLogger(__name__)

OURS = ("sqs", "sns", "logs")


def is_deliverable(arn: str) -> bool:
    """Whether the embedded AWS can deliver to a target."""
    from moto import settings

    service, kind = service_and_kind(arn)
    if service == "events":
        return kind.startswith("event-bus/") or (
            kind.startswith("api-destination/") and bool(settings.events_invoke_http())
        )
    return service in {"sqs", "sns"} or (service == "logs" and kind.startswith("log-group:"))


def service_and_kind(arn: str) -> tuple[str, str]:
    """The service of an ARN, and all that comes behind its account."""
    parts = [*arn.split(":", 5), *[""] * 6]
    return parts[2], parts[5]


def scheduled_event(rule: Any, at: float) -> dict[str, Any]:
    """The event of a rule's schedule; ``at`` is virtual unix time."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": rule.account_id,
        "time": at,
        "region": rule.region_name,
        "resources": [rule.arn],
        "detail": {},
        "ingestion-time": at,
    }


def deliver(rule: Any, event: Mapping[str, Any], theirs: Callable[[Any, Any], None]) -> None:
    """Deliver to all targets of a rule.

    Args:
        rule: Of moto's.
        event: With its time as unix time, as moto has it.
        theirs: Delivers to what is not in ``OURS``.
    """
    others = copy.copy(rule)
    others.targets = []
    for target in list(rule.targets):
        service, _ = service_and_kind(target["Arn"])
        if service not in OURS:
            others.targets.append(target)
            continue
        try:
            _SENDERS[service](target, _body(target, event))
        except Exception as error:  # noqa: BLE001  a queue that is gone, a path that is none
            log.warning("no event of rule %s to %s: %s", rule.name, target["Arn"], error)
    if others.targets:
        theirs(others, event)


def _body(target: Mapping[str, Any], event: Mapping[str, Any]) -> str:
    """What a target gets: the event, a part of it, or what is made of it."""
    import jsonpath_ng.ext
    from moto.events.utils import EventTemplateParser

    paths: Any = jsonpath_ng.ext
    told = {**event, "time": _iso(event["time"])}
    ingested = told.pop("ingestion-time", event["time"])
    if target.get("Input") is not None:
        return str(target["Input"])
    if target.get("InputPath") is not None:
        [match, *_] = paths.parse(target["InputPath"]).find(told)
        return json.dumps(match.value)
    if target.get("InputTransformer"):
        transformer = target["InputTransformer"]
        source: Any = {**told, "ingestion-time": _iso(ingested)}
        made = EventTemplateParser.parse(
            transformer["InputTemplate"], transformer.get("InputPathsMap", {}), source
        )
        return json.dumps(made)
    return json.dumps(told)


def _iso(when: Any) -> str:
    try:
        return dt.datetime.fromtimestamp(float(when), dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (TypeError, ValueError):
        return str(when)


def _to_queue(target: Mapping[str, Any], body: str) -> None:
    _, _, _, region, account, name = target["Arn"].split(":")
    group = target.get("SqsParameters", {}).get("MessageGroupId")
    backend("sqs", account, region).send_message(queue_name=name, message_body=body, group_id=group)


def _to_topic(target: Mapping[str, Any], body: str) -> None:
    _, _, _, region, account, _ = target["Arn"].split(":")
    backend("sns", account, region).publish(message=body, arn=target["Arn"])


def _to_log_group(target: Mapping[str, Any], body: str) -> None:
    import moto.events.models as module

    models: Any = module  # its clock is the virtual one
    _, _, _, region, account, _, group, *_ = target["Arn"].split(":")
    stream = str(uuid.uuid4())
    logs = backend("logs", account, region)
    logs.create_log_stream(group, stream)
    event = {"timestamp": int(models.unix_time_millis()), "message": body}
    logs.put_log_events(group, stream, [event])


_SENDERS: Mapping[str, Callable[[Mapping[str, Any], str], None]] = {
    "sqs": _to_queue,
    "sns": _to_topic,
    "logs": _to_log_group,
}
