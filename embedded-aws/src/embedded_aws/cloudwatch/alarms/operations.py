"""The operations that change alarms."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from embedded_aws.clock import Clock
from embedded_aws.cloudwatch.alarms.actions import check_actions
from embedded_aws.cloudwatch.alarms.alarm_store import AlarmStore
from embedded_aws.cloudwatch.alarms.model import INSUFFICIENT_DATA, Alarm, State
from embedded_aws.cloudwatch.alarms.reasons import INITIAL
from embedded_aws.cloudwatch.alarms.rule import Rule, RuleError, parse_rule
from embedded_aws.cloudwatch.alarms.settings import Watch, read_watch
from embedded_aws.protocol.service import AwsFault

_MAX_ALARMS = 5000


@dataclass
class AlarmOperations:
    """PutMetricAlarm and its like.

    Args:
        alarm_store: Where alarms are kept.
        clock: Virtual clock.
        arn_prefix: ``arn:aws:cloudwatch:<region>:<account>:alarm:``.
        wake: Called when an alarm should be evaluated soon.
    """

    alarm_store: AlarmStore
    clock: Clock
    arn_prefix: str
    wake: Callable[[], None] = field(default=lambda: None)

    def put_metric_alarm(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Create a metric alarm, or replace the settings of one; its state stays.

        Raises:
            AwsFault: when the settings make no sense.
        """
        watch = read_watch(params)
        account = self.arn_prefix.split(":")[4]
        if any(query.account not in ("", account) for query in watch.queries):
            raise _invalid(f"The embedded AWS has no account but {account}.")
        self._put(params, watch, None)
        self.wake()
        return {}

    def put_composite_alarm(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Create a composite alarm, or replace the settings of one.

        Raises:
            AwsFault: ``ValidationError`` for a rule that cannot be read, names alarms that do not
                exist, or would depend on itself.
        """
        try:
            rule = parse_rule(params["AlarmRule"])
        except RuleError as error:
            raise _invalid(str(error)) from None
        with self.alarm_store.lock:
            if params["AlarmName"] in rule.children:
                raise _invalid(
                    "A composite alarm cannot have a child relation with itself via its AlarmRule, "
                    "as it would introduce a circular dependency"
                )
            suppressor = params.get("ActionsSuppressor")
            _check_suppressor(params, suppressor)
            unknown = [rule.written[n] for n in rule.children if self.alarm_store.find(n) is None]
            if suppressor is not None and self.alarm_store.find(suppressor) is None:
                unknown.append(suppressor)
            if unknown:
                raise _invalid(
                    f"Could not save the composite alarm as alarms [{', '.join(unknown)}] in the "
                    "alarm rule do not exist"
                )
            if self._reaches(rule, params["AlarmName"]):
                raise _invalid(
                    f"The alarm rule of {params['AlarmName']} would make it depend on itself."
                )
            change = "updated" if params["AlarmName"] in self.alarm_store.alarms else "created"
            alarm = self._put(params, None, rule)
            self.alarm_store.follow(alarm, self.clock.now(), change=change)
        return {}

    def delete_alarms(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Delete alarms; names without an alarm are passed over.

        Raises:
            AwsFault: ``ValidationError`` for more than one composite, or where a composite that
                stays depends on one of them.
        """
        with self.alarm_store.lock:
            alarms = [a for n in params["AlarmNames"] if (a := self.alarm_store.alarms.get(n))]
            if sum(1 for alarm in alarms if alarm.rule is not None) > 1:
                raise _invalid("Exactly one composite alarm can be deleted at a time.")
            going = {alarm.name for alarm in alarms}
            needed = [
                name
                for name in going
                if any(p.name not in going for p in self.alarm_store.parents(name))
            ]
            if needed:
                what = "it" if len(needed) == 1 else "them"
                raise _invalid(
                    f"Cannot delete {','.join(sorted(needed))} as there are composite alarm(s) "
                    f"depending on {what}."
                )
            for alarm in alarms:
                del self.alarm_store.alarms[alarm.name]
                self.alarm_store.history.configured(alarm, self.clock.now(), "Delete")
        return {}

    def set_alarm_state(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Bring an alarm into a state until its next evaluation.

        Raises:
            AwsFault: ``ResourceNotFound``, or ``InvalidFormat`` for data that is no JSON.
        """
        data = params.get("StateReasonData", "")
        if data:
            try:
                json.loads(data)
            except ValueError:
                raise AwsFault("InvalidFormat", "StateReasonData must be JSON.") from None
        with self.alarm_store.lock:
            alarm = self._existing(params["AlarmName"])
            now = self.clock.now()
            if not self.alarm_store.move(
                alarm, params["StateValue"], params["StateReason"], data, now
            ):
                since = alarm.state.since
                alarm.state = State(alarm.state.value, params["StateReason"], data, since, now)
        return {}

    def enable_alarm_actions(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Let alarms act again."""
        return self._switch(params, on=True)

    def disable_alarm_actions(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Keep alarms from acting; their states go on changing."""
        return self._switch(params, on=False)

    def _switch(self, params: Mapping[str, Any], *, on: bool) -> dict[str, Any]:
        with self.alarm_store.lock:
            for name in params["AlarmNames"]:
                if (alarm := self.alarm_store.alarms.get(name)) is not None and alarm.acts != on:
                    alarm.settings = {**alarm.settings, "ActionsEnabled": on}
                    self.alarm_store.history.configured(alarm, self.clock.now(), "Update")
        return {}

    def _put(self, params: Mapping[str, Any], watch: Watch | None, rule: Rule | None) -> Alarm:
        name = params["AlarmName"]
        if any(ord(c) < 32 or ord(c) == 127 for c in name):
            raise _invalid("AlarmName must not contain ASCII Control characters")
        check_actions(params, self.arn_prefix.split(":")[3])
        settings = {k: v for k, v in params.items() if k != "Tags"}
        now = self.clock.now()
        with self.alarm_store.lock:
            old = self.alarm_store.alarms.get(name)
            if old is not None:
                if (old.rule is None) != (rule is None):
                    raise _invalid(f"An alarm named {name} of the other type exists already.")
                old.settings, old.watch, old.rule, old.configured = settings, watch, rule, now
                self.alarm_store.history.configured(old, now, "Update")
                return old
            if len(self.alarm_store.alarms) >= _MAX_ALARMS:
                raise AwsFault("LimitExceeded", f"There are {_MAX_ALARMS} alarms already.")
            tags = {tag["Key"]: tag["Value"] for tag in params.get("Tags", [])}
            state = State(INSUFFICIENT_DATA, INITIAL, "", since=now, updated=now)
            alarm = Alarm(
                name, f"{self.arn_prefix}{name}", settings, now, now, state, watch, rule, tags
            )
            self.alarm_store.alarms[name] = alarm
            self.alarm_store.history.configured(alarm, now, "Create")
            return alarm

    def _existing(self, name: str) -> Alarm:
        alarm = self.alarm_store.alarms.get(name)
        if alarm is None:
            # AWS says nothing beside the code.
            raise AwsFault("ResourceNotFound", "", 404)
        return alarm

    def _reaches(self, rule: Rule, name: str) -> bool:
        open_, names = list(rule.children), set[str]()
        while open_:
            child = open_.pop()
            if child == name:
                return True
            if child not in names:
                names.add(child)
                alarm = self.alarm_store.alarms.get(child)
                open_.extend(alarm.rule.children if alarm is not None and alarm.rule else ())
        return False


def _check_suppressor(params: Mapping[str, Any], suppressor: str | None) -> None:
    """A suppressor has both its periods, and only a suppressor has any."""
    for member in ("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod"):
        if suppressor is None and member in params:
            raise _invalid(f"{member} requires an ActionSuppressor")
        if suppressor is not None and member not in params:
            raise _invalid(f"{member} must not be null")
    if suppressor is not None and suppressor.startswith("arn:") and ":alarm:" not in suppressor:
        raise _invalid("ActionsSuppressor must be a valid CloudWatch Alarm ARN or an Alarm name")


def _invalid(message: str) -> AwsFault:
    return AwsFault("ValidationError", message)
