"""CloudWatch Logs: lines are added to a journal, stream by stream, and never written twice."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from embedded_aws.state.pen import backend, read, written
from embedded_aws.state.store import Store

KIND = "logs"
_lock = threading.Lock()
_keeping: list[Store] = []


def begin(store: Store) -> None:
    """From now on keep every line that comes to any stream."""
    _teach()
    _keeping[:] = [store]


def end() -> None:
    """Keep nothing any more."""
    _keeping.clear()


def restore_lines(store: Store) -> None:
    """Put the lines back into their streams, which must be there already."""
    for scope, value in store.journal(KIND):
        account, region, group, stream = json.loads(scope)
        log_group = backend("logs", account, region).groups.get(group)
        if log_group is not None and stream in log_group.streams:
            log_group.streams[stream].events += read(store, value)


def forget_lines(store: Store, account: str, region: str) -> None:
    """Forget the lines of groups and streams that were deleted."""
    groups = backend("logs", account, region).groups
    with store.write() as database:
        scopes = database.execute(
            "SELECT DISTINCT scope FROM journal WHERE kind = ?", (KIND,)
        ).fetchall()
        for (scope,) in scopes:
            owner, where, group, stream = json.loads(scope)
            if (owner, where) != (account, region):
                continue
            if group not in groups or stream not in groups[group].streams:
                database.execute("DELETE FROM journal WHERE kind = ? AND scope = ?", (KIND, scope))


def _teach() -> None:
    """Let moto's log streams tell of what is added to them. Safe to repeat."""
    from moto.logs.models import LogStream

    if hasattr(LogStream.put_log_events, "kept"):
        return
    stock: Callable[..., str] = LogStream.put_log_events

    def put_log_events(self: Any, log_events: list[dict[str, Any]]) -> str:
        if not _keeping:
            return stock(self, log_events)
        with _lock:
            before = len(self.events)
            token = stock(self, log_events)
            store = _keeping[0]
            scope = json.dumps(
                [self.account_id, self.region, self.log_group.name, self.log_stream_name]
            )
            try:
                store.append(KIND, scope, written(store, self.events[before:]))
            except BaseException:
                del self.events[before:]
                raise
        return token

    put_log_events.kept = True  # type: ignore[attr-defined]
    setattr(LogStream, "put_log_events", put_log_events)  # noqa: B010
