"""The parts of an observed state that every delivery has. Thin."""

from __future__ import annotations

from tasks.errors import RegistryError
from tasks.release.context import ReleaseContext
from tasks.release.hosting.requests import alarm_names
from tasks.release.journal.record import Journal, Phase
from tasks.release.machine.observed import ObservedEndpoint, ObservedState
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
