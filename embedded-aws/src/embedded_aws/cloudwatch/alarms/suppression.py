"""Composite alarms whose actions another alarm holds back (``ActionsSuppressor``)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from embedded_aws.cloudwatch.alarms.alarm_store import AlarmStore
from embedded_aws.cloudwatch.alarms.model import ALARM, Alarm, Transition


@dataclass
class _Held:
    transition: Transition
    since: float
    covered: bool = False
    uncovered: float = 0.0


@dataclass
class Suppression:
    """Decides when the actions of a transition are taken.

    When a composite changes its state, its actions wait up to ``WaitPeriod`` for the suppressor to
    go into ALARM. While it is there they are held; when it leaves, they wait ``ExtensionPeriod``
    more. They are then taken if the composite is still in the same state.

    Args:
        alarm_store: The alarms.
        act: Takes the actions of a transition.
    """

    alarm_store: AlarmStore
    act: Callable[[Transition], None]
    _held: dict[str, _Held] = field(default_factory=dict)

    def take(self, transition: Transition, now: float) -> None:
        """Take the actions of a transition now, or hold them back. Needs the alarm store's lock."""
        alarm = transition.alarm
        self._held.pop(alarm.name, None)
        if not alarm.acts or not alarm.actions(transition.after.value):
            return
        if "ActionsSuppressor" not in alarm.settings:
            self.act(transition)
            return
        self._held[alarm.name] = _Held(transition, since=now)
        self.look(now)

    def foresee(self, transition: Transition, now: float) -> str:
        """What :meth:`take` will hold the actions of a transition back for; "" for nothing."""
        alarm = transition.alarm
        if "ActionsSuppressor" not in alarm.settings or not alarm.acts:
            return ""
        if not alarm.actions(transition.after.value):
            return ""
        return self._reason(alarm, _Held(transition, since=now), now)

    def look(self, now: float) -> None:
        """Take what need not be held any longer. Needs the alarm store's lock."""
        for name, entry in list(self._held.items()):
            alarm = self.alarm_store.alarms.get(name)
            if alarm is None or alarm.state.value != entry.transition.after.value:
                del self._held[name]
                if alarm is not None:
                    alarm.suppressed = ""
                continue
            alarm.suppressed = self._reason(alarm, entry, now)
            if not alarm.suppressed:
                del self._held[name]
                self.act(entry.transition)

    def _reason(self, alarm: Alarm, entry: _Held, now: float) -> str:
        """Why the actions are still held: ``Alarm``, ``WaitPeriod``, ``ExtensionPeriod`` or ""."""
        settings = alarm.settings
        if self.alarm_store.state_of(settings["ActionsSuppressor"]) == ALARM:
            entry.covered, entry.uncovered = True, 0.0
            return "Alarm"
        if not entry.covered:
            wait = settings.get("ActionsSuppressorWaitPeriod", 0)
            return "WaitPeriod" if now < entry.since + wait else ""
        entry.uncovered = entry.uncovered or now
        extension = settings.get("ActionsSuppressorExtensionPeriod", 0)
        return "ExtensionPeriod" if now < entry.uncovered + extension else ""
