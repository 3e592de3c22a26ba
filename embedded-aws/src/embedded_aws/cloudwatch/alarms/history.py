"""What has happened to alarms: kept for 30 days, also after the alarm is gone."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from embedded_aws.cloudwatch.alarms.model import ACTIONS_OF, Alarm, State, Transition
from embedded_aws.cloudwatch.alarms.reasons import stamp
from embedded_aws.cloudwatch.store import DAY

KEEP = 30 * DAY
_MOST = 20_000
_LARGEST = 4095


class History:
    """History items of all alarms, oldest first. Safe to use from many threads."""

    def __init__(self) -> None:
        self._items: deque[dict[str, Any]] = deque(maxlen=_MOST)
        self._lock = threading.Lock()
        self.listener: Callable[[dict[str, Any]], None] = lambda _item: None

    def put_back(self, item: dict[str, Any]) -> None:
        """Take in an item that an earlier process kept."""
        with self._lock:
            self._items.append(item)

    def configured(self, alarm: Alarm, now: float, change: str) -> None:
        """The alarm was ``Create``-d, ``Update``-d or ``Delete``-d."""
        told = {
            **{member: [] for member in ACTIONS_OF.values()},
            "ActionsEnabled": True,
            **({} if alarm.rule is not None or "Metrics" in alarm.settings else {"Dimensions": []}),
            **alarm.settings,
            "AlarmArn": alarm.arn,
            "AlarmConfigurationUpdatedTimestamp": stamp(alarm.configured),
            "StateValue": alarm.state.value,
        }
        data = {"version": "1.0", "type": change, f"{change.lower()}dAlarm": _camel(told)}
        self._add(
            alarm, now, "ConfigurationUpdate", f'Alarm "{alarm.name}" {change.lower()}d', data
        )

    def changed(self, transition: Transition) -> None:
        """The alarm changed its state."""
        data = {
            "version": "1.0",
            "oldState": _state(transition.before),
            "newState": _state(transition.after),
        }
        summary = f"Alarm updated from {transition.before.value} to {transition.after.value}"
        self._add(transition.alarm, transition.after.since, "StateUpdate", summary, data)

    def acted(
        self, transition: Transition, now: float, action: str, outcome: str, error: str = ""
    ) -> None:
        """An action was taken, failed (``error``), or was held back."""
        data = {
            "actionState": outcome,
            "stateUpdateTimestamp": int(transition.after.since * 1000),
            "notificationResource": action,
            "publishedMessage": None,
            "error": error or None,
        }
        summary = {
            "Succeeded": f"Successfully executed action {action}",
            "Failed": f"Failed to execute action {action}",
        }.get(outcome, f"Suppressed action {action}")
        self._add(transition.alarm, now, "Action", summary, data)

    def items(self) -> list[dict[str, Any]]:
        """All items, oldest first."""
        with self._lock:
            return list(self._items)

    def age(self, now: float) -> None:
        """Forget what is older than 30 days."""
        with self._lock:
            while self._items and self._items[0]["Timestamp"] < now - KEEP:
                self._items.popleft()

    def _add(
        self, alarm: Alarm, now: float, kind: str, summary: str, data: Mapping[str, Any]
    ) -> None:
        text = json.dumps(data)
        if len(text) > _LARGEST:
            text = json.dumps({"version": "1.0", "truncated": True})
        item = {
            "AlarmName": alarm.name,
            "AlarmType": alarm.kind,
            "Timestamp": now,
            "HistoryItemType": kind,
            "HistorySummary": summary[:255],
            "HistoryData": text,
        }
        with self._lock:
            self._items.append(item)
        self.listener(item)


def _camel(value: Any) -> Any:
    """Members as the history spells them: ``alarmName``, and ``okactions``."""
    if isinstance(value, Mapping):
        return {
            "okactions" if name == "OKActions" else name[:1].lower() + name[1:]: _camel(member)
            for name, member in value.items()
        }
    return [_camel(item) for item in value] if isinstance(value, list) else value


def _state(state: State) -> dict[str, Any]:
    document: dict[str, Any] = {"stateValue": state.value, "stateReason": state.reason}
    if state.data:
        document["stateReasonData"] = json.loads(state.data)
    return document
