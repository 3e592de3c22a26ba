"""The acts themselves: each does one thing at AWS, reads it back, and says what to write down."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch
from typing import Any

from tasks.errors import AwsError, BundleCorrupt, ReleaseMismatch
from tasks.release.desk import Desk
from tasks.release.edge import acts as edge
from tasks.release.hosting import requests
from tasks.release.journal.record import ApprovalQuestion, Arm, Journal, Move, Point
from tasks.release.machine import actions
from tasks.release.machine.deploying import config_of
from tasks.release.machine.undoing import reason as undo_reason
from tasks.release.observation import windows

Outcome = tuple[str, Mapping[str, Any]]
SAMPLE = "sample_request.json"
"""File of a bundle that the health check sends, if the bundle has one."""
SETTLE_SECONDS = 60.0
MOST_POINTS = 600


def key_of(journal: Journal, action: actions.Action) -> str:
    """Under which key accepted and refused calls are counted."""
    if isinstance(action, actions.UpdateEndpoint | actions.CreateEndpoint):
        return config_of(journal, action.part)
    return f"{journal.phase}:{actions.named(action)}"


def perform(desk: Desk, journal: Journal, action: actions.Action) -> Outcome:
    """Do one thing; the sentence and the changes for the journal.

    Raises:
        AwsRejected, ReleaseMismatch: AWS refuses, or holds something else under the name.
        AwsThrottled, AwsUnavailable: AWS did not answer.
    """
    if journal.at_edge:
        done = edge.perform(desk, journal, action)
        if done is not None:
            return done
    return _perform(action, desk, journal)


@singledispatch
def _perform(action: object, _desk: Desk, _journal: Journal) -> Outcome:
    raise TypeError(f"{type(action).__name__} is not an act")


@_perform.register
def _(action: actions.CreateModel, desk: Desk, journal: Journal) -> Outcome:
    return desk.cloud.create_model(requests.create_model(journal, _arm(journal, action.arm))), {}


@_perform.register
def _(action: actions.CreateConfig, desk: Desk, journal: Journal) -> Outcome:
    name = config_of(journal, action.part)
    return desk.cloud.create_config(requests.create_config(journal, action.part, name)), {}


@_perform.register
def _(action: actions.CreateEndpoint, desk: Desk, journal: Journal) -> Outcome:
    config = config_of(journal, action.part)
    tags = requests.tags(journal, _arm(journal, action.part).version)
    return desk.cloud.create_endpoint(journal.endpoint, config, tags), _accepted(journal, config)


@_perform.register
def _(action: actions.UpdateEndpoint, desk: Desk, journal: Journal) -> Outcome:
    config = config_of(journal, action.part)
    guard = None
    if action.guarded:
        guard = requests.guardrail(journal, requests.alarm_names(journal))
    said = desk.cloud.update_endpoint(journal.endpoint, config, guard)
    return said, _accepted(journal, config)


@_perform.register
def _(_: actions.DeleteEndpoint, desk: Desk, journal: Journal) -> Outcome:
    return desk.cloud.delete_endpoint(journal.endpoint), {}


@_perform.register
def _(action: actions.SetWeights, desk: Desk, journal: Journal) -> Outcome:
    if journal.stable is None:
        raise ReleaseMismatch("There is one variant only.", "Nothing can be weighed.")
    share = action.share
    weights = {journal.stable.variant: 1.0 - share, journal.candidate.variant: share}
    begun = journal.intent.at if journal.intent else desk.clock.now()
    said = desk.cloud.set_weights(journal.endpoint, weights)
    deadline = desk.clock.now() + SETTLE_SECONDS
    while True:
        endpoint = desk.cloud.endpoint(journal.endpoint)
        if endpoint and not endpoint.busy and endpoint.shares(journal.candidate.variant, share):
            break
        if desk.clock.now() > deadline:
            return f"{said}; not settled yet", {}
        desk.clock.sleep(1.0)
    move = Move(begun=begun, settled=desk.clock.now(), share=share)
    return f"{said}; read back", {"moves": (*journal.moves, move)}


@_perform.register
def _(action: actions.Autoscale, desk: Desk, journal: Journal) -> Outcome:
    variants = [_arm(journal, arm).variant for arm in action.arms]
    said = desk.cloud.autoscale(journal.endpoint, variants, journal.serving.autoscaling)
    return said, _mark(journal, "scaling", "+".join(action.arms) or "none")


@_perform.register
def _(_: actions.CreateAlarms, desk: Desk, journal: Journal) -> Outcome:
    said = desk.cloud.create_alarms(requests.alarms(journal))
    return said, _mark(journal, "alarms", "created")


@_perform.register
def _(_: actions.PullAlarm, desk: Desk, journal: Journal) -> Outcome:
    name = requests.alarm_names(journal)[0]
    said = desk.cloud.pull_alarm(name, f"sluice rolls back: {undo_reason(journal)}")
    return said, _mark(journal, "pulled", "yes")


@_perform.register
def _(_: actions.HealthCheck, desk: Desk, journal: Journal) -> Outcome:
    try:
        body = desk.registry.read_file(journal.model, journal.candidate.version, SAMPLE)
    except BundleCorrupt:
        said = f"pass: InService (the bundle has no {SAMPLE}, so nothing was asked)"
    else:
        said = desk.cloud.ask(journal.endpoint, journal.candidate.variant, body)
    return said, _mark(journal, "health", said)


@_perform.register
def _(_: actions.ReadLogs, desk: Desk, journal: Journal) -> Outcome:
    variant = journal.candidate.variant
    try:
        lines = desk.cloud.last_lines(journal.endpoint, variant, journal.started)
    except AwsError as error:  # they explain; nothing waits for them
        return f"not readable: {error.what}", _mark(journal, "logs", "")
    said = f"{len(lines)} lines" if lines else "the containers of the candidate wrote nothing"
    return said, _mark(journal, "logs", "\n".join(lines))


@_perform.register
def _(action: actions.MovePointer, desk: Desk, journal: Journal) -> Outcome:
    target, other = journal.candidate, journal.stable
    why = f"Release {journal.release_id} ({journal.reason})"
    actor = journal.actor
    if action.to == "stable":
        target, other = _arm(journal, "stable"), journal.candidate
        why = undo_reason(journal)
        actor = journal.order.actor if journal.order else journal.actor
    pointer = desk.registry.move_pointer(
        journal.model,
        target.version,
        expected=other.version if other else None,
        actor=actor,
        reason=why,
        rollback=action.to == "stable",
    )
    return f"latest.json names {pointer.version} (before: {pointer.previous})", {}


@_perform.register
def _(action: actions.Invalidate, desk: Desk, journal: Journal) -> Outcome:
    pointer = desk.registry.pointer(journal.model)
    if pointer is None:
        raise ReleaseMismatch("There is no pointer to invalidate.", "Look who deleted it.")
    said = desk.registry.invalidate(pointer)
    if not edge.shown(desk, pointer):
        return f"{said}; the CDN does not show it yet", {}
    said = f"{said}; {edge.how_seen(desk)}"
    return said, _mark(journal, action.mark, said)


@_perform.register
def _(action: actions.Ask, desk: Desk, journal: Journal) -> Outcome:
    now = desk.clock.now()
    question = ApprovalQuestion(asked=now, until=now + journal.spec.approval_seconds)
    return action.gate, {"approvals": {**journal.approvals, action.gate: question}}


@_perform.register
def _(_: actions.CleanUp, desk: Desk, journal: Journal) -> Outcome:
    candidate, stable = journal.candidate, journal.stable
    if journal.kind == "rollback":
        return desk.cloud.delete_alarms(requests.alarm_names(journal)), _mark(
            journal, "cleaned", "alarms"
        )
    both = {journal.both_config, journal.shadow_config} - {""}
    said = desk.cloud.delete_alarms(requests.alarm_names(journal))
    if journal.captures:
        said = f"{said}; {desk.cloud.forget_captures(journal)}"
    if journal.phase == "rolling_back":
        only = {candidate.model_name, candidate.solo_config, *both}
        keep = {stable.model_name, stable.solo_config} if stable else set()
        said = f"{said}; {desk.cloud.clean(journal.model, keep, only)}"
    else:
        arms = [arm for arm in (candidate, stable) if arm is not None]
        keep = {name for arm in arms for name in (arm.model_name, arm.solo_config)}
        said = f"{said}; {desk.cloud.clean(journal.model, keep)}"
    return said, _mark(journal, "cleaned", said)


@_perform.register
def _(action: actions.Settle, desk: Desk, journal: Journal) -> Outcome:
    which = journal.candidate
    if not which.identity:
        return "the version has no identity", _mark(journal, "ledger", "none")
    why = journal.reason if action.fate == "released" else undo_reason(journal)
    desk.registry.record(
        journal.model,
        which.identity,
        action.fate,
        actor=journal.order.actor if journal.order else journal.actor,
        reason=why,
        version=which.version,
    )
    return f"{which.version}: {action.fate}", _mark(journal, "ledger", action.fate)


@_perform.register
def _(action: actions.Notify, desk: Desk, journal: Journal) -> Outcome:
    said = desk.people.tell(action.subject, action.text)
    return said, _mark(journal, action.mark, said)


def first_window(journal: Journal, now: float) -> float:
    """Where judging begins."""
    return windows.start_of(
        now, float(journal.spec.window_seconds), float(journal.spec.metrics_lag_seconds)
    )


def observe(desk: Desk, journal: Journal) -> Outcome:
    """Read the windows that are due, keep them, and let the judge fold them."""
    spec = journal.spec
    spans = windows.due(
        journal.judged_until or first_window(journal, desk.clock.now()),
        desk.clock.now(),
        float(spec.window_seconds),
        float(spec.metrics_lag_seconds),
    )
    told = desk.feed.read(journal, spans)
    if not told:
        return "no window is told in full yet", {"trouble": 0}
    steady = [w for w in told if windows.steady((w["t0"], w["t1"]), journal.moves)]
    kept = [desk.journals.keep_window(journal, window) for window in steady]
    state, ruling, points = desk.jury.consider(journal, kept)
    left_out = len(told) - len(kept)
    detail = f"{len(kept)} windows: {ruling.reason}"
    if left_out:
        detail += f" ({left_out} left out: the shares moved in them)"
    return detail, {
        "judge_state": state,
        "ruling": ruling,
        "timeline": _thinned((*journal.timeline, *points)),
        "judged_until": float(told[-1]["t1"]),
        "trouble": 0,
    }


def _thinned(points: tuple[Point, ...]) -> tuple[Point, ...]:
    """At most so many points: of the older half every second one goes."""
    if len(points) <= MOST_POINTS:
        return points
    half = len(points) // 2
    return (*points[:half:2], *points[half:])


def _accepted(journal: Journal, config: str) -> Mapping[str, Any]:
    return {"accepted": {**journal.accepted, config: journal.accepted.get(config, 0) + 1}}


def _mark(journal: Journal, mark: str, value: str) -> Mapping[str, Any]:
    return {"marks": {**journal.marks, mark: value}}


def _arm(journal: Journal, which: str) -> Arm:
    if which == "candidate":
        return journal.candidate
    if journal.stable is None:
        raise ReleaseMismatch(
            f"{journal.model}: a first version has no stable arm.", "This is a fault in Sluice."
        )
    return journal.stable
