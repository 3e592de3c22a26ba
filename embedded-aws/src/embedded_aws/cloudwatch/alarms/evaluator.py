"""Evaluates metric alarms in virtual time, each at the ends of its own windows."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from embedded_aws.clock import Clock
from embedded_aws.cloudwatch.alarms.alarm_store import AlarmStore
from embedded_aws.cloudwatch.alarms.judge import Judgement, judge, tick_of
from embedded_aws.cloudwatch.alarms.model import INSUFFICIENT_DATA, Alarm
from embedded_aws.cloudwatch.alarms.reasons import reason, reason_data
from embedded_aws.cloudwatch.alarms.settings import Watch
from embedded_aws.cloudwatch.math.syntax import MathError
from embedded_aws.cloudwatch.store import MetricStore

log = logging.getLogger(__name__)

# A window is judged this long (virtual) after its end, so that its last measurements are in.
SETTLE = 1.0
# A new alarm is first judged this long (virtual) after it was put, so that its first state, or the
# one it had before, can be seen.
FIRST = 10.0
# Never more often than this (real seconds), however fast virtual time runs.
SHORTEST = 0.05
HOUSEKEEPING = 300.0


class Evaluator:
    """A thread that looks at each alarm once per window.

    Args:
        clock: Virtual clock.
        store: Metrics.
        alarm_store: Alarms.
        look: Called on every round with the virtual time, the alarm store's lock held.
        gather: Called before alarms are judged, so that at any time scale the minute that has
            just ended is complete.
    """

    def __init__(
        self,
        clock: Clock,
        store: MetricStore,
        alarm_store: AlarmStore,
        look: Callable[[float], None],
        gather: Callable[[], None] = lambda: None,
    ) -> None:
        self._clock = clock
        self._store = store
        self._alarm_store = alarm_store
        self._look = look
        self._gather = gather
        self._due: dict[str, float] = {}
        self._wake = threading.Event()
        self._closed = False
        self._swept = clock.now()
        self._thread = threading.Thread(target=self._run, name="alarm-evaluator", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """Look at once: an alarm was put."""
        self._wake.set()

    def close(self) -> None:
        """End."""
        self._closed = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def round(self, now: float) -> float:
        """Evaluate what is due; when something is due next, virtual time."""
        following = now + 10.0
        alarms = self._alarm_store.all()
        gathered = False
        for alarm in alarms:
            if alarm.watch is None:
                continue
            key = f"{alarm.name}@{alarm.configured}"
            due = self._due.setdefault(key, alarm.configured + FIRST)
            if due <= now:
                if not gathered:
                    self._gather()
                    gathered = True
                self._evaluate(alarm, now)
                tick = tick_of(alarm.watch)
                due = self._due[key] = now - (now - SETTLE) % tick + tick
            following = min(following, due)
        keys = {f"{alarm.name}@{alarm.configured}" for alarm in alarms}
        self._due = {key: due for key, due in self._due.items() if key in keys}
        with self._alarm_store.lock:
            self._look(now)
        return following

    def _run(self) -> None:
        while not self._closed:
            now = self._clock.now()
            try:
                following = self.round(now)
                if now - self._swept >= HOUSEKEEPING:
                    self._swept = now
                    self._store.age(now)
                    self._alarm_store.history.age(now)
            except Exception:
                # One broken round must not end the watch over every other alarm.
                log.exception("a round of alarm evaluations failed")
                following = now + 10.0
            wait = self._clock.real_seconds(following - self._clock.now())
            self._wake.wait(max(wait, SHORTEST))
            self._wake.clear()

    def _evaluate(self, alarm: Alarm, now: float) -> None:
        watch = alarm.watch
        if watch is None:
            return
        warming = now < alarm.created + watch.warm_up
        if warming and watch.warm_up_whole:
            return
        try:
            judgement = judge(self._store, watch, now)
        except MathError as error:
            text = f"Error in expression: {error}"
            self._alarm_store.move(alarm, INSUFFICIENT_DATA, text, "", now)
            return
        if warming and len(judgement.decision.judged) < watch.periods:
            return
        with self._alarm_store.lock:
            # The alarm may have been put anew while it was judged by what it was before.
            if alarm.watch is watch:
                self._move(alarm, watch, judgement, now)

    def _move(self, alarm: Alarm, watch: Watch, judgement: Judgement, now: float) -> None:
        state = judgement.decision.state
        if state is None or state == alarm.state.value:
            return
        decision, points = judgement.decision, judgement.points
        why = reason(watch, decision, points)
        self._alarm_store.move(alarm, state, why, reason_data(watch, decision, points, now), now)
