"""The actions on metric filters, which moto keeps and nothing more; and on subscription filters.

moto keeps two filters of one name, passes over pages, lets a filter outlive its group, and sends
every line to a subscription whatever its pattern says.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any

from embedded_aws.logs.metric_filters import invalid, publisher, read_metric_filter
from embedded_aws.logs.patterns import PatternError, parse_pattern
from embedded_aws.protocol.service import AwsFault
from embedded_aws.protocol.validation import validate_request

MAX_FILTERS = 100
MAX_REGEX_FILTERS = 5
PAGE = 50
_KEPT = ("filterName", "filterPattern", "logGroupName", "metricTransformations")
# Of centralized and transformed logs, which the embedded AWS has none of.
_ABSENT = ("applyOnTransformedLogs", "fieldSelectionCriteria", "emitSystemFieldDimensions")
_DELIVERED = ("kinesis", "firehose")


def teach_metric_filters() -> None:
    """Let moto's CloudWatch Logs have metric filters that count. Safe to repeat."""
    from moto.logs.models import LogGroup, LogsBackend, LogStream
    from moto.logs.responses import LogsResponse

    if hasattr(LogsResponse, "test_metric_filter"):
        return
    for owner, name, taught in (
        (LogsResponse, "put_metric_filter", _put_metric_filter),
        (LogsResponse, "describe_metric_filters", _describe_metric_filters),
        (LogsResponse, "delete_metric_filter", _delete_metric_filter),
        (LogsResponse, "test_metric_filter", _test_metric_filter),
        (LogsResponse, "put_subscription_filter", _checked_subscription(
            LogsResponse.put_subscription_filter)),
        (LogStream, "_send_log_events", _only_matching(getattr(LogStream, "_send_log_events"))),  # noqa: B009
        (LogGroup, "put_log_events", _publishing(LogGroup.put_log_events)),
        (LogGroup, "to_describe_dict", _counting(LogGroup.to_describe_dict)),
        (LogsBackend, "delete_log_group", _with_its_filters(LogsBackend.delete_log_group)),
    ):  # fmt: skip
        setattr(owner, name, taught)


def _put_metric_filter(self: Any) -> str:
    asked = _members(self, "PutMetricFilter")
    for member in _ABSENT:
        if asked.get(member):
            raise invalid(
                f"The embedded AWS has no {member}: it has no logs that this could be of."
            )
    [transformation] = asked["metricTransformations"]
    read = read_metric_filter(asked["filterPattern"], transformation)
    _existing_group(self, asked["logGroupName"])
    records = self.logs_backend.filters.metric_filters
    others = [r for r in _of_group(records, asked["logGroupName"])
              if r["filterName"] != asked["filterName"]]  # fmt: skip
    with_regexes = sum(map(_holds_regex, others))
    if len(others) >= MAX_FILTERS or (read.pattern.regexes and with_regexes >= MAX_REGEX_FILTERS):
        raise AwsFault("LimitExceededException", "Resource limit exceeded.")
    record = {member: asked[member] for member in _KEPT}
    record["creationTime"] = _now()
    _drop(records, asked["logGroupName"], asked["filterName"])
    records.append(record)
    return ""


def _describe_metric_filters(self: Any) -> str:
    asked = _members(self, "DescribeMetricFilters")
    group, metric = asked.get("logGroupName"), asked.get("metricName")
    if (metric is None) != (asked.get("metricNamespace") is None):
        raise invalid("Give both metricName and metricNamespace, or none of them.")
    if group is not None:
        _existing_group(self, group)
    found = sorted(
        self.logs_backend.describe_metric_filters(
            asked.get("filterNamePrefix"), group, metric, asked.get("metricNamespace")
        ),
        key=lambda record: (record["filterName"], record["logGroupName"]),
    )
    token = asked.get("nextToken", "0")
    if not token.isdecimal():
        raise invalid("The specified nextToken is invalid.")
    start, limit = int(token), asked.get("limit", PAGE)
    answer: dict[str, Any] = {"metricFilters": found[start : start + limit]}
    if start + limit < len(found):
        answer["nextToken"] = str(start + limit)
    return json.dumps(answer)


def _delete_metric_filter(self: Any) -> str:
    asked = _members(self, "DeleteMetricFilter")
    _existing_group(self, asked["logGroupName"])
    records = self.logs_backend.filters.metric_filters
    if not _drop(records, asked["logGroupName"], asked["filterName"]):
        raise AwsFault("ResourceNotFoundException", "The specified metric filter does not exist.")
    return ""


def _test_metric_filter(self: Any) -> str:
    asked = _members(self, "TestMetricFilter")
    pattern = _checked(asked["filterPattern"])
    matches = [
        {"eventNumber": number, "eventMessage": message, "extractedValues": dict(found.extracted)}
        for number, message in enumerate(asked["logEventMessages"], 1)
        if (found := pattern.find(message)) is not None
    ]
    return json.dumps({"matches": matches})


def _checked_subscription(plain: Callable[[Any], str]) -> Callable[[Any], str]:
    @functools.wraps(plain)
    def put_subscription_filter(self: Any) -> str:
        asked = _members(self, "PutSubscriptionFilter")
        _checked(asked["filterPattern"])
        service = [*asked["destinationArn"].split(":"), "", "", ""][2]
        if service not in _DELIVERED:
            raise invalid(
                "The embedded AWS delivers log events to Kinesis and Firehose streams only, not to "
                f"{asked['destinationArn']}."
            )
        return plain(self)

    return put_subscription_filter


def _only_matching(plain: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(plain)
    def send(self: Any, **sent: Any) -> None:
        subscription = self.log_group.subscription_filters[sent["filter_name"]]
        try:
            pattern = parse_pattern(subscription.filter_pattern or "")
        except PatternError:  # from a state folder of a time when anything was taken
            return
        events = [event for event in sent["log_events"] if pattern.matches(event["message"])]
        if events:
            plain(self, **{**sent, "log_events": events})

    return send


def _publishing(plain: Callable[..., str]) -> Callable[..., str]:
    @functools.wraps(plain)
    def put_log_events(self: Any, log_stream_name: str, log_events: list[dict[str, Any]]) -> str:
        token = plain(self, log_stream_name, log_events)
        box = publisher.get()
        if box is not None:
            box.publish(_filters_of(self), log_events)
        return token

    return put_log_events


def _counting(plain: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    @functools.wraps(plain)
    def to_describe_dict(self: Any) -> dict[str, Any]:
        return {**plain(self), "metricFilterCount": len(_filters_of(self))}

    return to_describe_dict


def _with_its_filters(plain: Callable[[Any, str], None]) -> Callable[[Any, str], None]:
    @functools.wraps(plain)
    def delete_log_group(self: Any, log_group_name: str) -> None:
        plain(self, log_group_name)
        for record in _of_group(self.filters.metric_filters, log_group_name):
            self.filters.metric_filters.remove(record)

    return delete_log_group


def _members(self: Any, action: str) -> dict[str, Any]:
    members: dict[str, Any] = json.loads(self.body or "{}")
    validate_request("logs", action, members, "InvalidParameterException")
    return members


def _checked(pattern: str) -> Any:
    try:
        return parse_pattern(pattern)
    except PatternError as error:
        raise invalid(str(error)) from error


def _holds_regex(record: dict[str, Any]) -> bool:
    try:
        return parse_pattern(record["filterPattern"]).regexes > 0
    except PatternError:  # from a state folder of a time when anything was taken
        return False


def _existing_group(self: Any, name: str) -> None:
    if name not in self.logs_backend.groups:
        raise AwsFault("ResourceNotFoundException", "The specified log group does not exist.")


def _filters_of(group: Any) -> list[dict[str, Any]]:
    from moto.logs.models import logs_backends

    records = logs_backends[group.account_id][group.region].filters.metric_filters
    return _of_group(records, group.name)


def _of_group(records: list[dict[str, Any]], group: str) -> list[dict[str, Any]]:
    return [record for record in records if record["logGroupName"] == group]


def _drop(records: list[dict[str, Any]], group: str, name: str) -> bool:
    """Forget a filter; whether there was one."""
    for record in _of_group(records, group):
        if record["filterName"] == name:
            records.remove(record)
            return True
    return False


def _now() -> int:
    """Virtual time, in milliseconds, as moto's own log groups have it."""
    import moto.logs.models as module  # its own name of the function asks the virtual clock

    models: Any = module
    return int(models.unix_time_millis())
