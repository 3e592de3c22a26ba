"""One look at a champion: what it answered since the last one, folded, kept, and told."""

from __future__ import annotations

import json
from typing import Any

from tasks.release.context import ReleaseContext
from tasks.release.deliveries import delivery_of
from tasks.release.hosting.names import variant_of
from tasks.release.journal.record import Journal
from tasks.release.monitoring.memory import MEND, Memory, MonitorRecord
from tasks.specs.monitor import MonitorSpec
from tasks.stored import parsed
from tasks.values import Frozen

WINDOW_SECONDS = 300
"""As the monitor has it; the look itself is not imported before there is something to look at."""
LOOK_SECONDS = 900
"""Three windows a look: CloudWatch is paid by the question, however many windows it answers."""
NEWS_SECONDS = 86_400
"""An alarm that is older is no news: a monitor that was away, or begins, reads what was before."""
BACK_SECONDS = 8 * 7 * 86_400
"""How far back it reads: CloudWatch keeps five minutes for 63 days."""
LATE_SECONDS = 60.0
"""Beyond the lag that model.yaml states: nobody waits for what the monitor says."""


class PastComparison(Frozen):
    """What a look found: a sentence, whether an alarm rings, and whether that is new."""

    sentence: str
    rings: bool = False
    changed: bool = False


def champion_of(context: ReleaseContext, model: str) -> tuple[Journal, str] | None:
    """The ended release and the version that serves alone since; None while there is none."""
    stored = context.journals.read(model)
    if stored is None or not stored.journal.ended or stored.journal.ended_at is None:
        return None
    spec = context.spec(model)
    if not spec.monitor.enabled or not delivery_of(spec.release).monitored:
        return None
    pointer = context.registry.pointer(model)
    return None if pointer is None else (stored.journal, pointer.version)


def is_due(context: ReleaseContext, memory: Memory, model: str) -> bool:
    """Whether it is time for another look, or people do not know of the last one's alarm yet."""
    if champion_of(context, model) is None:
        return False
    kept, _ = memory.read(model)
    seen = kept.seen_until if kept is not None else 0.0
    untold = kept is not None and not kept.told
    lag = context.spec(model).release.metrics_lag_seconds + LATE_SECONDS
    return untold or context.clock.now() - seen >= LOOK_SECONDS + lag


def look(context: ReleaseContext, memory: Memory, model: str) -> PastComparison:
    """Fold what is new, and tell people once of what is worse than it was.

    Safe to repeat and beside others: who comes second finds the object changed, and leaves it.

    Raises:
        RecordUnreadable: what is kept does not parse.
        AwsError: AWS did not answer.
    """
    from tasks.judge.monitor import MonitorState, observe, standing
    from tasks.judge.monitor.fold import of_version
    from tasks.release.monitoring.questions import due, of_variant, windows

    found = champion_of(context, model)
    if found is None:
        return PastComparison(sentence=f"{model}: no version serves alone")
    journal, version = found
    spec = context.spec(model)
    policy = policy_of(spec.monitor)
    kept, etag = memory.read(model)
    state = MonitorState()
    if kept is not None:
        state = parsed(MonitorState, json.dumps(kept.state), memory.name(model), mend=MEND)
    state = of_version(state, version)
    before = state.alarm
    now = context.clock.now()
    lag = spec.release.metrics_lag_seconds + LATE_SECONDS
    since = max(state.seen_until, journal.ended_at or 0.0, now - BACK_SECONDS)
    begins = due(since, now, lag)
    if begins:
        values = context.feed.values(
            spec.endpoint_name,
            of_variant(spec.endpoint_name, variant_of(version)),
            begins[0],
            begins[-1] + WINDOW_SECONDS,
        )
        for begin, totals in windows(values, begins):
            state = observe(policy, state, begin, totals)
    known = kept is None or kept.told
    alarm = state.alarm
    old = alarm is None or alarm.rang < now - NEWS_SECONDS
    told = old or (known and alarm == before)
    etag_after = memory.write(model, _kept(state, told=told), etag)
    if etag_after is None:
        return PastComparison(sentence=f"{model}: somebody else looked at the same time")
    said = standing(policy, state)
    if not told:
        context.people.tell(f"Worse than it was: {model} {version}", _letter(model, said, state))
        memory.write(model, _kept(state, told=True), etag_after)
    rings = state.alarm is not None
    changed = rings != (before is not None)
    return PastComparison(sentence=f"{model} {version}: {said}", rings=rings, changed=changed)


def policy_of(spec: MonitorSpec) -> Any:
    """The monitor's policy (`tasks.judge.monitor.MonitorPolicy`) of a model."""
    from tasks.judge.monitor import MonitorPolicy

    return MonitorPolicy(
        false_alarms_per_year=spec.false_alarms_per_year, errors=spec.errors, slower=spec.slower
    )


def _kept(state: Any, *, told: bool) -> MonitorRecord:
    return MonitorRecord(
        seen_until=state.seen_until, told=told, state=state.model_dump(mode="json")
    )


def _letter(model: str, said: str, state: Any) -> str:
    from tasks.clock import utc, wall

    since = utc(wall(state.alarm.since))
    return (
        f"{model} {state.version}: {said} Since {since:%Y-%m-%d %H:%M} UTC.\n\n"
        "It is compared with the same hour of past weeks, whichever version served then; nothing "
        "was rolled back, since what is around a model may be at fault as well.\n\n"
        "Next: look at the endpoint's metrics and logs; where the version is at fault, run "
        f"rollback/manual for {model} (docs/operations.md)."
    )
