"""One look at the world: just what the machine needs in the present phase. Thin."""

from __future__ import annotations

from tasks.release.desk import Desk
from tasks.release.journal import Journal, Phase
from tasks.release.requests import alarm_names
from tasks.release.seen import Seen

DEPLOYS: frozenset[Phase] = frozenset({"shadow", "bring_up", "retiring", "rolling_back"})
GUARDED: frozenset[Phase] = frozenset(
    {"bring_up", "health_check", "canary", "promoting", "watching"}
)


def look(desk: Desk, journal: Journal) -> Seen:
    """Read endpoint, pointer, alarms, and which parts exist."""
    endpoint = None if journal.at_edge else desk.cloud.endpoint(journal.endpoint)
    seen = Seen(
        now=desk.clock.now(), endpoint=endpoint, pointer=desk.registry.pointer(journal.model)
    )
    if journal.phase in GUARDED and "alarms" in journal.marks:
        ringing = desk.cloud.ringing(alarm_names(journal))
        seen = seen.model_copy(update={"alarms": ringing})
    if journal.phase in DEPLOYS and not journal.at_edge and (endpoint is None or not endpoint.busy):
        arms = [arm for arm in (journal.candidate, journal.stable) if arm is not None]
        solo = {arm.solo_config for arm in arms}
        configs = {journal.both_config, journal.shadow_config, *solo} - {""}
        wanted = {endpoint.config} if endpoint is not None else set()
        if configs - wanted:
            seen = seen.model_copy(
                update={
                    "configs": desk.cloud.configs(configs),
                    "models": desk.cloud.models({arm.model_name for arm in arms}),
                }
            )
    return seen
