"""Delivers the actions of alarms, one after the other, in a thread of its own."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Mapping

from embedded_aws.cloudwatch.alarms.history import History
from embedded_aws.cloudwatch.alarms.messages import event_entry, sns_message, sns_subject
from embedded_aws.cloudwatch.alarms.model import Transition
from embedded_aws.world import World

log = logging.getLogger(__name__)

Carrier = Callable[[Transition, str], str]
"""Takes an action of an alarm, by its ARN; "" or what went wrong."""


class Notifier:
    """Takes transitions and carries out what they ask for.

    SNS actions are published; every transition becomes an event on the default bus. Actions that
    neither SNS nor a carrier takes (Lambda, Systems Manager) stand in the history as failed: the
    embedded AWS has nothing to carry them out with.

    Args:
        world: Its clients reach SNS and EventBridge.
        history: Where outcomes are written.
        carriers: Take the other actions, by the service in their ARN.
    """

    def __init__(
        self, world: World, history: History, carriers: Mapping[str, Carrier] | None = None
    ) -> None:
        self._world = world
        self._history = history
        self._carriers = {} if carriers is None else carriers
        self._queue: queue.SimpleQueue[tuple[Transition, bool] | Callable[[], None] | None] = (
            queue.SimpleQueue()
        )
        self._thread = threading.Thread(target=self._run, name="alarm-actions", daemon=True)
        self._thread.start()

    def announce(self, transition: Transition) -> None:
        """Put the event on the bus."""
        self._queue.put((transition, False))

    def act(self, transition: Transition) -> None:
        """Take the actions of the state that was reached."""
        self._queue.put((transition, True))

    def afterwards(self, work: Callable[[], None]) -> None:
        """Call this when everything that waits now is delivered."""
        self._queue.put(work)

    def close(self) -> None:
        """Deliver what is waiting, then end."""
        self._queue.put(None)
        self._thread.join(timeout=5.0)

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            if callable(item):
                item()
                continue
            transition, act = item
            if not act:
                self._put_event(transition)
                continue
            for action in transition.alarm.actions(transition.after.value):
                error = self._deliver(transition, action)
                outcome = "Failed" if error else "Succeeded"
                now = self._world.clock.now()
                self._history.acted(transition, now, action, outcome, error)

    def _deliver(self, transition: Transition, action: str) -> str:
        """Take one action; "" or what went wrong."""
        service = "".join(action.split(":")[2:3])
        carrier = self._carriers.get(service)
        if service != "sns" and carrier is None:
            return "The embedded AWS has nothing that could carry out this action."
        try:
            if carrier is not None:
                return carrier(transition, action)
            self._world.client("sns").publish(
                TopicArn=action,
                Subject=sns_subject(transition, self._world.region),
                Message=sns_message(transition, self._world.region, self._world.account_id),
            )
        except Exception as error:  # noqa: BLE001  whatever boto3 raises is an outcome here
            return str(error)
        return ""

    def _put_event(self, transition: Transition) -> None:
        entry = event_entry(transition)
        try:
            answer = self._world.client("events").put_events(Entries=[entry])
        except Exception as error:  # noqa: BLE001  an alarm must not end for want of a bus
            log.warning("no event for alarm %s: %s", transition.alarm.name, error)
            return
        if answer.get("FailedEntryCount"):
            log.warning("no event for alarm %s: %s", transition.alarm.name, answer["Entries"])
