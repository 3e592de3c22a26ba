"""The parts of an observed state that every delivery has. Thin."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from tasks.errors import RegistryError
from tasks.release.context import ReleaseContext
from tasks.release.hosting.requests import alarm_names
from tasks.release.journal.record import Journal, Phase
from tasks.release.machine.observed import ObservedEndpoint, ObservedState
from tasks.release.observation.latency_edges import HISTORY_SECONDS, PERIOD_SECONDS
from tasks.values import Pointer

GUARDED: frozenset[Phase] = frozenset(
    {"bring_up", "health_check", "canary", "promoting", "watching"}
)


def pointer_of(context: ReleaseContext, model: str) -> tuple[Pointer | None, str]:
    """The pointer, and why there is none that can be read; nobody's damage stops a way back."""
    try:
        return context.registry.pointer(model), ""
    except RegistryError as error:
        return None, f"the pointer cannot be read: {error.what}"


def with_pointer(
    context: ReleaseContext, journal: Journal, endpoint: ObservedEndpoint | None
) -> ObservedState:
    """The pointer, beside an endpoint that was read just before."""
    pointer, unreadable = pointer_of(context, journal.model)
    return ObservedState(
        now=context.clock.now(), endpoint=endpoint, pointer=pointer, unreadable=unreadable
    )


def with_alarms(
    context: ReleaseContext, journal: Journal, observed: ObservedState
) -> ObservedState:
    """The alarms that ring, while there are any and users may meet the candidate."""
    if journal.phase not in GUARDED or "alarms" not in journal.marks:
        return observed
    return observed.model_copy(update={"alarms": context.cloud.ringing(alarm_names(journal))})


def lately(
    context: ReleaseContext,
    subject: str,
    questions: Sequence[Mapping[str, Any]],
    seconds: float = HISTORY_SECONDS,
) -> Mapping[str, tuple[float, ...]]:
    """What the last hours answer to each of the questions, the oldest first.

    Args:
        context: Where.
        subject: Whose metrics they are, for an error's text.
        questions: MetricDataQueries.
        seconds: How far back; a day where nothing else is said.

    Raises:
        AwsRejected, AwsThrottled, AwsUnavailable: CloudWatch did not answer.
    """
    now = context.clock.now()
    begin = math.floor((now - seconds) / PERIOD_SECONDS) * PERIOD_SECONDS
    values = context.feed.values(subject, questions, max(begin, 0.0), now)
    return {name: tuple(values[name][at] for at in sorted(values[name])) for name in values}
