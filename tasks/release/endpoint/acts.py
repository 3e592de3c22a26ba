"""The acts of an endpoint: each does one thing at SageMaker, reads it back, and says so."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import singledispatch
from typing import Any

from models.runtime.model_files import LISTING
from tasks.errors import AwsError, BundleCorrupt, ReleaseMismatch
from tasks.release.context import ReleaseContext
from tasks.release.delivery import Outcome
from tasks.release.endpoint.deploying import NOTHING_SCALES, config_of
from tasks.release.hosting import requests
from tasks.release.journal.record import Arm, Journal, Move
from tasks.release.machine import actions
from tasks.release.machine.undoing import reason as undo_reason

SAMPLE = "sample_request.json"
"""File of a bundle that the health check sends, if the bundle has one."""
SETTLE_SECONDS = 60.0


def perform(context: ReleaseContext, journal: Journal, action: actions.Action) -> Outcome | None:
    """Do one thing; None when it is done as in every other release.

    Raises:
        AwsRejected, ReleaseMismatch: AWS refuses, or holds something else under the name.
        AwsThrottled, AwsUnavailable: AWS did not answer.
    """
    return _perform(action, context, journal)


@singledispatch
def _perform(_action: object, _context: ReleaseContext, _journal: Journal) -> Outcome | None:
    return None


@_perform.register
def _(action: actions.CreateModel, context: ReleaseContext, journal: Journal) -> Outcome:
    arm = _arm(journal, action.arm)
    request = requests.create_model(journal, arm, _listing(context, journal.model, arm))
    return context.cloud.create_model(request), {}


def _listing(context: ReleaseContext, model: str, arm: Arm) -> bytes:
    """What model.tar.gz unpacks to, for the names in a container's refusal."""
    if not arm.files:
        return b""
    try:
        listing = context.registry.read_file(model, arm.version, LISTING)
    except BundleCorrupt:
        return b""
    # The digest, which was verified when this began, decides; another list would mislead.
    return listing if hashlib.sha256(listing).hexdigest() == arm.files else b""


@_perform.register
def _(action: actions.CreateConfig, context: ReleaseContext, journal: Journal) -> Outcome:
    name = config_of(journal, action.part)
    return context.cloud.create_config(requests.create_config(journal, action.part, name)), {}


@_perform.register
def _(action: actions.CreateEndpoint, context: ReleaseContext, journal: Journal) -> Outcome:
    config = config_of(journal, action.part)
    tags = requests.tags(journal, _arm(journal, action.part).version)
    return context.cloud.create_endpoint(journal.endpoint, config, tags), _accepted(journal, config)


@_perform.register
def _(action: actions.UpdateEndpoint, context: ReleaseContext, journal: Journal) -> Outcome:
    config = config_of(journal, action.part)
    guard = None
    if action.guarded:
        guard = requests.guardrail(journal, requests.alarm_names(journal))
    detail = context.cloud.update_endpoint(journal.endpoint, config, guard)
    return detail, _accepted(journal, config)


@_perform.register
def _(_: actions.DeleteEndpoint, context: ReleaseContext, journal: Journal) -> Outcome:
    return context.cloud.delete_endpoint(journal.endpoint), {}


@_perform.register
def _(action: actions.SetWeights, context: ReleaseContext, journal: Journal) -> Outcome:
    if journal.stable is None:
        raise ReleaseMismatch("There is one variant only.", "Nothing can be weighed.")
    share = action.share
    weights = {journal.stable.variant: 1.0 - share, journal.candidate.variant: share}
    begun = journal.intent.at if journal.intent else context.clock.now()
    detail = context.cloud.set_weights(journal.endpoint, weights)
    deadline = context.clock.now() + SETTLE_SECONDS
    while True:
        endpoint = context.cloud.endpoint(journal.endpoint)
        if endpoint and not endpoint.busy and endpoint.shares(journal.candidate.variant, share):
            break
        if context.clock.now() > deadline:
            return f"{detail}; not settled yet", {}
        context.clock.sleep(1.0)
    move = Move(begun=begun, settled=context.clock.now(), share=share)
    return f"{detail}; read back", {"moves": (*journal.moves, move)}


@_perform.register
def _(action: actions.Autoscale, context: ReleaseContext, journal: Journal) -> Outcome:
    variants = [_arm(journal, arm).variant for arm in action.arms]
    detail = context.cloud.autoscale(journal.endpoint, variants, journal.serving.autoscaling)
    return detail, _mark(journal, "scaling", "+".join(action.arms) or NOTHING_SCALES)


@_perform.register
def _(_: actions.PullAlarm, context: ReleaseContext, journal: Journal) -> Outcome:
    name = requests.alarm_names(journal)[0]
    detail = context.cloud.pull_alarm(name, f"sluice rolls back: {undo_reason(journal)}")
    return detail, _mark(journal, "pulled", "yes")


@_perform.register
def _(_: actions.HealthCheck, context: ReleaseContext, journal: Journal) -> Outcome:
    try:
        body = context.registry.read_file(journal.model, journal.candidate.version, SAMPLE)
    except BundleCorrupt:
        health = f"pass: InService (the bundle has no {SAMPLE}, so nothing was asked)"
    else:
        begun, spec = context.clock.now(), journal.spec
        health = context.cloud.load_test(
            journal.endpoint,
            journal.candidate.variant,
            body,
            spec.load_test,
            spec.load_test.p95_ms or spec.max_latency_ms,
        )
        # Our own questions are no users' traffic: windows that hold them are left out.
        asked = Move(begun=begun, settled=context.clock.now(), share=0.0)
        return health, {**_mark(journal, "health", health), "moves": (*journal.moves, asked)}
    return health, _mark(journal, "health", health)


@_perform.register
def _(_: actions.ReadLogs, context: ReleaseContext, journal: Journal) -> Outcome:
    variant = journal.candidate.variant
    try:
        lines = context.cloud.last_lines(journal.endpoint, variant, journal.started)
    except AwsError as error:  # they explain; nothing waits for them
        return f"not readable: {error.what}", _mark(journal, "logs", "")
    detail = f"{len(lines)} lines" if lines else "the containers of the candidate wrote nothing"
    return detail, _mark(journal, "logs", "\n".join(lines))


@_perform.register
def _(_: actions.CleanUp, context: ReleaseContext, journal: Journal) -> Outcome:
    candidate, stable = journal.candidate, journal.stable
    if journal.kind == "rollback":
        return context.cloud.delete_alarms(requests.alarm_names(journal)), _mark(
            journal, "cleaned", "alarms"
        )
    both = {journal.both_config, journal.shadow_config} - {""}
    detail = context.cloud.delete_alarms(requests.alarm_names(journal))
    if journal.captures:
        detail = f"{detail}; {context.cloud.forget_captures(journal)}"
    if journal.phase == "rolling_back":
        only = {candidate.model_name, candidate.solo_config, *both}
        keep = {stable.model_name, stable.solo_config} if stable else set()
        detail = f"{detail}; {context.cloud.clean(journal.model, keep, only)}"
    else:
        arms = [arm for arm in (candidate, stable) if arm is not None]
        keep = {name for arm in arms for name in (arm.model_name, arm.solo_config)}
        detail = f"{detail}; {context.cloud.clean(journal.model, keep)}"
    return detail, _mark(journal, "cleaned", detail)


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
