"""What CloudWatch keeps: alarms with their states, their history, dashboards, and measurements.

Measurements are added to a journal as they come; from time to time the metrics that have changed
are written as a whole and the journal begins anew, in one transaction.
"""

from __future__ import annotations

import json
import logging
import pickle
import threading
from collections.abc import Sequence
from typing import Any

from embedded_aws.cloudwatch.alarms.alarm_store import AlarmStore
from embedded_aws.cloudwatch.alarms.model import Alarm, State
from embedded_aws.cloudwatch.alarms.rule import RuleError, parse_rule
from embedded_aws.cloudwatch.alarms.settings import read_watch
from embedded_aws.cloudwatch.dashboards import Dashboard, Dashboards
from embedded_aws.cloudwatch.frozen import frozen, thawed
from embedded_aws.cloudwatch.store import MetricKey, MetricStore, Point
from embedded_aws.protocol.service import AwsFault
from embedded_aws.state.store import Store

log = logging.getLogger(__name__)

ALARM = "cloudwatch.alarm"
BOARD = "cloudwatch.dashboard"
SERIES = "cloudwatch.series"
HISTORY = "cloudwatch.history"
POINTS = "cloudwatch.points"
# Rows of the journal of measurements after which it begins anew.
LONGEST_JOURNAL = 20_000
_HISTORY_ROWS = 20_000

_Measured = tuple[MetricKey, str, Point]


class CloudWatchKeeper:
    """Keeps one CloudWatch.

    Args:
        store: Where.
        alarm_store: Alarms and their history.
        boards: Dashboards.
        metrics: Measurements.
    """

    def __init__(
        self, store: Store, alarm_store: AlarmStore, boards: Dashboards, metrics: MetricStore
    ) -> None:
        self._store = store
        self._alarm_store = alarm_store
        self._boards = boards
        self._metrics = metrics
        self._lock = threading.RLock()
        self._known: dict[tuple[str, str], bytes] = {}
        self._waiting: list[_Measured] = []
        self._touched: set[tuple[MetricKey, str]] = set()
        self._rows = 0

    def restore(self, now: float) -> None:
        """Put back what was kept; ``now`` is virtual unix time."""
        for _, name, value in self._store.records(ALARM):
            self._known[ALARM, name] = value
            try:
                self._alarm_store.alarms[name] = _alarm(json.loads(value))
            except (AwsFault, RuleError) as error:
                # Kept by an earlier version, which took what CloudWatch refuses.
                log.error("alarm %s is not there any more: %s", name, error)  # noqa: TRY400
        for _, name, value in self._store.records(BOARD):
            self._boards.boards[name] = Dashboard(**json.loads(value))
            self._known[BOARD, name] = value
        for _, value in self._store.journal(HISTORY)[-_HISTORY_ROWS:]:
            self._alarm_store.history.put_back(json.loads(value))
        for _, _, value in self._store.records(SERIES):
            key, unit, state = pickle.loads(value)  # noqa: S301  our own folder
            self._metrics.put_back(MetricKey(*key), unit, thawed(state))
        for _, value in self._store.journal(POINTS):
            self._rows += 1
            for key, unit, timestamp, values, sets in pickle.loads(value):  # noqa: S301
                metric = MetricKey(*key)
                self._metrics.add(metric, unit, Point(timestamp, values, sets), now)
                self._touched.add((metric, unit))
        self._alarm_store.history.listener = self._keep_item

    def keep_settings(self) -> None:
        """Keep alarms and dashboards, where they have changed.

        Raises:
            AwsFault: the disk does not take it.
        """
        with self._lock:
            current = self._settings()
            news = {key: value for key, value in current.items() if self._known.get(key) != value}
            strays = set(self._known) - set(current)
            if not news and not strays:
                return
            with self._store.write():
                for (kind, name), value in news.items():
                    self._store.put(kind, "", name, value)
                for kind, name in strays:
                    self._store.drop(kind, "", name)
            self._known = current

    def _settings(self) -> dict[tuple[str, str], bytes]:
        with self._alarm_store.lock:
            records = {
                (ALARM, alarm.name): json.dumps(_document(alarm)).encode()
                for alarm in self._alarm_store.all()
            }
        for name, board in list(self._boards.boards.items()):
            records[BOARD, name] = json.dumps(vars(board)).encode()
        return records

    def keep_settings_later(self) -> None:
        """The same, after something that has happened whatever the disk says."""
        try:
            self.keep_settings()
        except AwsFault as fault:
            log.exception("alarms: %s", fault.message)

    def add_all(self, points: Sequence[_Measured], now: float) -> None:
        """Keep measurements that somebody waits to hear kept, then count them.

        Raises:
            AwsFault: the disk does not take it; nothing was counted.
        """
        with self._lock:
            before = len(self._waiting)
            self._waiting += points
            try:
                self._flush()
            except AwsFault:
                del self._waiting[before:]
                raise
            self._metrics.add_all(points, now)

    def add(self, key: MetricKey, unit: str, point: Point, now: float) -> None:
        """Count a measurement of our own services; it is kept with the next :meth:`flush`."""
        with self._lock:
            self._waiting.append((key, unit, point))
            self._metrics.add(key, unit, point, now)

    def flush(self) -> None:
        """Keep what waits, and begin the journal anew when it has become long."""
        try:
            with self._lock:
                self._flush()
                if self._rows > LONGEST_JOURNAL:
                    self._begin_anew()
        except AwsFault as fault:
            log.exception("metrics: %s", fault.message)

    def _flush(self) -> None:
        if not self._waiting:
            return
        rows = [(tuple(k), u, p.timestamp, list(p.values), list(p.sets)) for k, u, p in
                self._waiting]  # fmt: skip
        self._store.append(POINTS, "", pickle.dumps(rows, 5))
        self._touched |= {(key, unit) for key, unit, _ in self._waiting}
        self._waiting = []
        self._rows += 1

    def _begin_anew(self) -> None:
        with self._store.write() as database:
            for key, unit in self._touched:
                name = json.dumps([*key, unit])
                series = self._metrics.series_of(key, unit)
                if series is None:
                    self._store.drop(SERIES, "", name)
                else:
                    record = pickle.dumps((tuple(key), unit, frozen(series)), 5)
                    self._store.put(SERIES, "", name, record)
            database.execute("DELETE FROM journal WHERE kind = ?", (POINTS,))
            database.execute(
                "DELETE FROM journal WHERE kind = ? AND id <= (SELECT max(id) FROM journal "
                "WHERE kind = ?) - ?",
                (HISTORY, HISTORY, _HISTORY_ROWS * 10),
            )
        self._touched.clear()
        self._rows = 0

    def _keep_item(self, item: dict[str, Any]) -> None:
        try:
            self._store.append(HISTORY, "", json.dumps(item).encode())
        except AwsFault as fault:
            log.exception("history of alarms: %s", fault.message)


def _document(alarm: Alarm) -> dict[str, Any]:
    return {
        "name": alarm.name,
        "arn": alarm.arn,
        "settings": dict(alarm.settings),
        "created": alarm.created,
        "configured": alarm.configured,
        "state": vars(alarm.state),
        "composite": alarm.rule is not None,
        "tags": alarm.tags,
    }


def _alarm(record: dict[str, Any]) -> Alarm:
    composite = record.pop("composite")
    settings = record["settings"]
    return Alarm(
        **{**record, "state": State(**record["state"])},
        watch=None if composite else read_watch(settings),
        rule=parse_rule(settings["AlarmRule"].strip()) if composite else None,
    )
