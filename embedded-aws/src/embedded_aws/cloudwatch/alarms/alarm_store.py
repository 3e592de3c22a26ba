"""The alarm store: every alarm by its name, its state, and who must hear of a change."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from embedded_aws.cloudwatch.alarms.history import History
from embedded_aws.cloudwatch.alarms.messages import composite_data, composite_reason
from embedded_aws.cloudwatch.alarms.model import ALARM, Alarm, State, Transition
from embedded_aws.cloudwatch.alarms.rule import name_of

Listener = Callable[[Transition], None]


@dataclass
class AlarmStore:
    """All alarms. ``lock`` is held for every change, and by whoever reads several at once.

    Args:
        arn_prefix: ``arn:aws:cloudwatch:<region>:<account>:alarm:``.
    """

    arn_prefix: str = ""
    history: History = field(default_factory=History)
    lock: threading.RLock = field(default_factory=threading.RLock)
    alarms: dict[str, Alarm] = field(default_factory=dict)
    listeners: list[Listener] = field(default_factory=list)

    def find(self, reference: str) -> Alarm | None:
        """The alarm with this name or ARN."""
        return self.alarms.get(name_of(reference))

    def state_of(self, reference: str) -> str | None:
        """The state of the alarm with this name or ARN, None where there is none."""
        alarm = self.find(reference)
        return None if alarm is None else alarm.state.value

    def all(self) -> list[Alarm]:
        """Every alarm, by name."""
        with self.lock:
            return [self.alarms[name] for name in sorted(self.alarms)]

    def parents(self, name: str) -> list[Alarm]:
        """The composite alarms that depend on an alarm, by rule or as their suppressor."""
        return [
            alarm
            for alarm in self.all()
            if (alarm.rule is not None and name in alarm.rule.children)
            or name_of(alarm.settings.get("ActionsSuppressor", "")) == name
        ]

    def move(self, alarm: Alarm, value: str, reason: str, data: str, now: float) -> bool:
        """Bring an alarm into a state, and its parents after it; whether its value changed.

        A reason that changes without the state is not told to anybody, as with the real service.
        """
        with self.lock:
            if self.alarms.get(alarm.name) is not alarm:
                return False
            before = alarm.state
            if before.value == value:
                return False
            alarm.state = State(value, reason, data, since=now, updated=now)
            transition = Transition(replace(alarm), before, alarm.state)
            self.history.changed(transition)
            for listener in self.listeners:
                listener(transition)
            for parent in self.parents(alarm.name):
                self.follow(parent, now, because=alarm)
            return True

    def follow(
        self, alarm: Alarm, now: float, because: Alarm | None = None, change: str = "updated"
    ) -> None:
        """Bring a composite alarm into the state that its rule asks for.

        Args:
            alarm: The composite.
            now: Virtual unix time.
            because: The child whose change asks for it; None where the composite was put.
            change: Then ``created`` or ``updated``.
        """
        if alarm.rule is None:
            return
        with self.lock:
            value = ALARM if alarm.rule.holds(self.state_of) else "OK"
            children = [c for n in alarm.rule.children if (c := self.find(n)) is not None]
            told = children if because is None else [because]
            reason = composite_reason(alarm, value, because, change, now)
            self.move(alarm, value, reason, composite_data(told), now)
