"""What an alarm is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from embedded_aws.cloudwatch.alarms.rule import Rule
from embedded_aws.cloudwatch.alarms.settings import Watch

OK = "OK"
ALARM = "ALARM"
INSUFFICIENT_DATA = "INSUFFICIENT_DATA"
ACTIONS_OF = {
    OK: "OKActions",
    ALARM: "AlarmActions",
    INSUFFICIENT_DATA: "InsufficientDataActions",
}


@dataclass(frozen=True)
class State:
    """The state of an alarm at some time.

    Args:
        value: ``OK``, ``ALARM`` or ``INSUFFICIENT_DATA``.
        reason: In words.
        data: The evidence, as JSON; "" where there is none.
        since: When it last came to this value, virtual unix seconds.
        updated: When value, reason or evaluation last changed.
    """

    value: str
    reason: str
    data: str
    since: float
    updated: float


@dataclass
class Alarm:
    """One alarm; ``watch`` makes it a metric alarm, ``rule`` a composite one.

    Args:
        name: Unique in the region.
        arn: Its ARN.
        settings: The members that it was put with.
        created: When it was first put.
        configured: When it was last put.
        state: Its present state.
        watch: What a metric alarm looks at.
        rule: What a composite alarm follows.
        tags: Its tags.
        suppressed: Why a composite's actions are held back: ``Alarm``, ``WaitPeriod``,
            ``ExtensionPeriod``, or "".
    """

    name: str
    arn: str
    settings: Mapping[str, Any]
    created: float
    configured: float
    state: State
    watch: Watch | None = None
    rule: Rule | None = None
    tags: dict[str, str] = field(default_factory=dict)
    suppressed: str = ""

    @property
    def kind(self) -> str:
        """``MetricAlarm`` or ``CompositeAlarm``."""
        return "CompositeAlarm" if self.rule is not None else "MetricAlarm"

    @property
    def acts(self) -> bool:
        """Whether its actions are enabled."""
        return bool(self.settings.get("ActionsEnabled", True))

    def actions(self, state: str) -> list[str]:
        """The ARNs to act on when it comes to a state."""
        return list(self.settings.get(ACTIONS_OF[state], []))


@dataclass(frozen=True)
class Transition:
    """An alarm has changed from one state to another."""

    alarm: Alarm
    before: State
    after: State
