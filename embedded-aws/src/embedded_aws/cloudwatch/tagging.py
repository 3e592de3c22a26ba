"""Tags of alarms and dashboards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedded_aws.cloudwatch.alarms.alarm_store import AlarmStore
from embedded_aws.cloudwatch.dashboards import Dashboards
from embedded_aws.protocol.service import AwsFault

_MOST = 50


def tag_resource(
    alarm_store: AlarmStore, boards: Dashboards, params: Mapping[str, Any]
) -> dict[str, Any]:
    """Add tags, or replace those of the same key.

    Raises:
        AwsFault: ``ResourceNotFoundException``, or ``InvalidParameterValue`` above 50 tags.
    """
    tags = _tags(alarm_store, boards, params["ResourceARN"])
    additions = {tag["Key"]: tag["Value"] for tag in params["Tags"]}
    if len(tags | additions) > _MOST:
        raise AwsFault("InvalidParameterValue", f"A resource must not have more than {_MOST} tags.")
    tags.update(additions)
    return {}


def untag_resource(
    alarm_store: AlarmStore, boards: Dashboards, params: Mapping[str, Any]
) -> dict[str, Any]:
    """Remove tags; keys that are not there are passed over."""
    tags = _tags(alarm_store, boards, params["ResourceARN"])
    for key in params["TagKeys"]:
        tags.pop(key, None)
    return {}


def list_tags(
    alarm_store: AlarmStore, boards: Dashboards, params: Mapping[str, Any]
) -> dict[str, Any]:
    """The tags of a resource; an alarm that is not there, or no longer, has none."""
    arn = params["ResourceARN"]
    if arn.startswith(alarm_store.arn_prefix) and alarm_store.find(arn) is None:
        return {"Tags": []}
    tags = _tags(alarm_store, boards, arn)
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _tags(alarm_store: AlarmStore, boards: Dashboards, arn: str) -> dict[str, str]:
    alarm = alarm_store.find(arn)
    if alarm is not None and alarm.arn == arn:
        return alarm.tags
    for board in list(boards.boards.values()):
        if board.arn == arn:
            return board.tags
    raise AwsFault("ResourceNotFoundException", f"{arn} does not exist", 404)
