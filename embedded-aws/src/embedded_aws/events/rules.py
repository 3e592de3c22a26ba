"""Rules of EventBridge that keep to what they say.

moto takes any cron expression, lets a rule without a pattern match every event and a disabled one
fire, and finds out that it cannot deliver to a target when an event is sent.
"""

from __future__ import annotations

import functools
import weakref
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

from embedded_aws.events.delivery import deliver, is_deliverable
from embedded_aws.events.expressions import ScheduleError, parse_schedule
from embedded_aws.protocol.service import AwsFault

# Whose request moto serves: several embedded AWS may share its rules, and one of them fires each.
serving: ContextVar[object | None] = ContextVar("rules_of", default=None)
_owners: weakref.WeakKeyDictionary[Any, object] = weakref.WeakKeyDictionary()


def is_owner(box: object, rule: Any) -> bool:
    """Whether a rule is this one's to fire; one from a state folder is its finder's."""
    return _owners.setdefault(rule, box) is box


def teach_rules() -> None:
    """Let moto's EventBridge have rules like that. Safe to repeat."""
    from moto.events.models import EventsBackend, Rule
    from moto.events.responses import EventsHandler

    if hasattr(EventsBackend.put_rule, "__wrapped__"):
        return
    for owner, name, taught in (
        (EventsBackend, "put_rule", _scheduled(EventsBackend.put_rule)),
        (EventsBackend, "enable_rule", _starting_anew(EventsBackend.enable_rule)),
        (EventsHandler, "put_targets", _deliverable(EventsHandler.put_targets)),
        (Rule, "send_to_targets", _matching(Rule.send_to_targets)),
        (Rule, "send_scheduled", _unasked(Rule.send_to_targets)),
    ):
        setattr(owner, name, taught)


def start_anew(rule: Any) -> None:
    """Let a rule's rate count from now, and be fired by who serves this request."""
    import moto.events.models as module

    models: Any = module
    rule.scheduled_since = float(models.unix_time())
    if (box := serving.get()) is not None:
        _owners[rule] = box


def _scheduled(plain: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(plain)
    def put_rule(self: Any, name: str, **settings: Any) -> Any:
        if expression := settings.get("scheduled_expression"):
            try:
                parse_schedule(expression)
            except ScheduleError as error:
                raise AwsFault(
                    "ValidationException", "Parameter ScheduleExpression is not valid."
                ) from error
        rule = plain(self, name, **settings)
        start_anew(rule)
        return rule

    return put_rule


def _starting_anew(plain: Callable[..., bool]) -> Callable[..., bool]:
    @functools.wraps(plain)
    def enable_rule(self: Any, name: str, event_bus_arn: str | None) -> bool:
        bus = self.event_buses.get(self._normalize_event_bus_arn(event_bus_arn))
        rule = bus.rules.get(name) if bus else None
        if rule is not None and rule.state == "DISABLED":
            start_anew(rule)
        return plain(self, name, event_bus_arn)

    return enable_rule


def _deliverable(plain: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(plain)
    def put_targets(self: Any) -> Any:
        for target in self._get_param("Targets") or []:
            arn = target["Arn"]
            if arn.startswith("arn:") and not is_deliverable(arn):
                raise AwsFault(
                    "ValidationException",
                    "The embedded AWS delivers events to SQS queues, SNS topics, log groups and "
                    f"event buses only, not to {arn}.",
                )
        return plain(self)

    return put_targets


def _matching(plain: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(plain)
    def send_to_targets(self: Any, original_event: Any, transform_input: bool = True) -> None:
        pattern = self.event_pattern
        if self.state == "DISABLED" or not pattern.dump():
            return
        if not transform_input:  # a replay of an archive
            plain(self, original_event, transform_input)
        elif pattern.matches_event(original_event):
            deliver(self, original_event, plain)

    return send_to_targets


def _unasked(plain: Callable[..., None]) -> Callable[..., None]:
    def send_scheduled(self: Any, event: Any) -> None:
        """Deliver whatever the pattern of the rule says."""
        everything = type(self.event_pattern).load(None)

        def theirs(others: Any, event: Any) -> None:
            others.event_pattern = everything
            plain(others, event)

        deliver(self, event, theirs)

    return send_scheduled
