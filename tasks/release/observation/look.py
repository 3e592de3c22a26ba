"""One look at the world: just what the machine needs in the present phase. Thin."""

from __future__ import annotations

from tasks.errors import RegistryError
from tasks.release.desk import Desk
from tasks.release.hosting.requests import alarm_names
from tasks.release.journal.record import Journal, Phase
from tasks.release.machine.seen import ObservedState
from tasks.values import Pointer

DEPLOYS: frozenset[Phase] = frozenset({"shadow", "bring_up", "retiring", "rolling_back"})
GUARDED: frozenset[Phase] = frozenset(
    {"bring_up", "health_check", "canary", "promoting", "watching"}
)


def pointer_of(desk: Desk, model: str) -> tuple[Pointer | None, str]:
    """The pointer, and why there is none that can be read; nobody's damage stops a way back."""
    try:
        return desk.registry.pointer(model), ""
    except RegistryError as error:
        return None, f"the pointer cannot be read: {error.what}"


def look(desk: Desk, journal: Journal) -> ObservedState:
    """Read endpoint, pointer, alarms, and which parts exist."""
    endpoint = None if journal.at_edge else desk.cloud.endpoint(journal.endpoint)
    pointer, unreadable = pointer_of(desk, journal.model)
    seen = ObservedState(
        now=desk.clock.now(), endpoint=endpoint, pointer=pointer, unreadable=unreadable
    )
    if journal.phase in GUARDED and "alarms" in journal.marks:
        ringing = desk.cloud.ringing(alarm_names(journal))
        seen = seen.model_copy(update={"alarms": ringing})
    free = endpoint is None or not endpoint.busy
    if journal.phase in DEPLOYS and not journal.at_edge and free:
        arms = [arm for arm in (journal.candidate, journal.stable) if arm is not None]
        solo = {arm.solo_config for arm in arms}
        configs = {journal.both_config, journal.shadow_config, *solo} - {""}
        serves = endpoint is not None and endpoint.status != "Failed"
        wanted = {endpoint.config} if endpoint is not None and serves else set()
        if configs - wanted:
            seen = seen.model_copy(
                update={
                    "configs": desk.cloud.configs(configs),
                    "models": desk.cloud.models({arm.model_name for arm in arms}),
                }
            )
    return seen
