"""The release's door: Prefect tasks. Thin: each calls one verb and shows what came of it.

A flow makes its context with ``context_of(registry)`` (stages do not import each other), then::

    journal = begin(context, model, version, reason)
    with LiveTimeline(model) as timeline: …

Tasks are not retried by Prefect and their results are never cached: the journal is what
remembers, and calling again is always safe.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.clock import system_clock
from tasks.errors import BundleCorrupt, ReleaseInProgress, SluiceError, VersionUnknown
from tasks.release import verbs
from tasks.release.context import ReleaseContext, who
from tasks.release.corrections import bring_up_to_date, owner_state
from tasks.release.deliveries import delivery_of
from tasks.release.journal.leases import current, kept
from tasks.release.journal.record import Gate, Journal, Report
from tasks.release.monitoring import look as monitoring
from tasks.release.monitoring.look import PastComparison
from tasks.release.monitoring.memory import Memory
from tasks.release.pages import checklist, summary, timeline
from tasks.release.ports import RegistryPort
from tasks.release.reconcile import reconcile as reconcile_once
from tasks.release.standing import keeping
from tasks.reports.artifacts import LivePage, current_flow_run_id, key_for, logger, show
from tasks.reports.showing import Showing
from tasks.retrying import if_it_helps
from tasks.settings import settings
from tasks.values import Frozen, Manifest, Verdict

STAY_REAL_SECONDS = 50.0
LEFT_FREE_REAL_SECONDS = 10.0
SILENT = ("Wait", "Observe")
"""Acts that come by the hundred: the page shows what they found, the log need not."""


def if_aws_may_answer(_task: Any, _run: Any, state: Any) -> bool:
    """A retry condition: model.yaml says whether to wait for another release, not Prefect."""
    if isinstance(state.result(raise_on_failure=False), ReleaseInProgress):
        return False
    return if_it_helps(_task, _run, state)


def context_of(registry: RegistryPort) -> ReleaseContext:
    """This flow run's context; its leases bear the run's id, so that a retry owns them again."""
    run_id = current_flow_run_id()
    return ReleaseContext.here(registry, owner=f"flow-run/{run_id}" if run_id else who())


@task(
    name="start release",
    cache_policy=NO_CACHE,
    retries=2,
    retry_delay_seconds=10,
    retry_condition_fn=if_aws_may_answer,
)
def begin(
    context: ReleaseContext, model: str, version: str, actor: str, reason: str, direct: bool = False
) -> Journal:
    """See `verbs.start_release`."""
    journal = verbs.start_release(context, model, version, actor, reason, direct=direct)
    logger().info(f"Release {journal.release_id}: {journal.entries[0].detail}")
    return journal


@task(name="carry release", cache_policy=NO_CACHE)
def carry(context: ReleaseContext, begun: Journal, until_asked: bool = True) -> Journal:
    """Advance until the release has ended, or until a person has to answer.

    The timeline artifact is updated after each thing done. When somebody else takes the release
    over (a person's rollback, or reconcile while this run was paused), this run follows what they
    do, and goes on once they let go.
    """
    model = begun.model
    live = LivePage(key_for("release", model), "How the release goes")
    with Showing(live) as page:
        while True:
            step = verbs.follow(context, model, begun.release_id)
            if not step.did.startswith(SILENT):
                logger().info(f"{step.journal.phase}: {step.did}")
            waiting = until_asked and step.waiting_for is not None
            if step.ended or waiting or not step.did.startswith("Wait"):
                page.update(timeline.page(step.journal))
            if step.ended or waiting:
                return step.journal
            context.clock.sleep(step.wake_in)


@task(name="answer", cache_policy=NO_CACHE)
def answer(
    context: ReleaseContext, release: Journal, gate: Gate, granted: bool, by: str, note: str = ""
) -> Journal:
    """See `verbs.answer`."""
    return verbs.answer(context, release, gate, granted=granted, by=by, note=note)


@task(name="roll back", cache_policy=NO_CACHE)
def roll_back(
    context: ReleaseContext, model: str, actor: str, reason: str, to_version: str | None = None
) -> Journal:
    """See `verbs.roll_back`."""
    journal = verbs.roll_back(context, model, actor, reason, to_version)
    bring_up_to_date(journal)
    show(key_for("release", model), timeline.page(journal), "How the rollback went")
    return journal


@task(name="reconcile", cache_policy=NO_CACHE)
def reconcile(context: ReleaseContext, model: str, to_the_end: bool = False) -> Report:
    """See `reconcile.reconcile`.

    Never raises for one model's sake: what cannot be read of it, or done for it, is its report.
    Pages that others left half way are brought up to date.

    Args:
        context: What to work with.
        model: Which model.
        to_the_end: Stay with a release that nobody owns until it has ended, letting go of it now
            and then, so that the run which waits for a person can go on once there is an answer.
    """
    while True:
        report = _looked_after(context, model)
        logger().info(f"{model}: {report.state}: {report.detail}")
        _tell_who_can_mend(context, report)
        if not to_the_end or report.state not in {"waiting", "ongoing"}:
            return report
        time.sleep(LEFT_FREE_REAL_SECONDS)


def _looked_after(context: ReleaseContext, model: str) -> Report:
    stay = STAY_REAL_SECONDS * system_clock().scale
    try:
        report = reconcile_once(context, model, stay, owner_state)
        if report.did:
            standing = current(context, model).journal
            same = standing.release_id == report.release_id
            bring_up_to_date(standing if same else kept(context, model, report.release_id))
    except SluiceError as error:
        # An AWS that is away for a while is no damage: the next look asks again.
        state = "unreachable" if error.retryable else "unreadable"
        return Report(model=model, state=state, detail=str(error))
    except Exception as error:  # noqa: BLE001  one model's fault must not leave the others alone
        logger().exception(f"{model} could not be looked after")
        detail = f"{type(error).__name__}: {error}. Next: Look at this run's log."
        return Report(model=model, state="unreadable", detail=detail)
    return report


def _tell_who_can_mend(context: ReleaseContext, report: Report) -> None:
    """Tell people what no release's own steps tell them: a release that freezes has done so."""
    if report.state not in {"unreadable", "drifted"}:
        return
    try:
        said = context.people.tell(f"{report.model}: release {report.state}", report.detail)
    except SluiceError as error:
        said = f"people could not be told: {error}"
    logger().info(f"{report.model}: {said}")


def monitor_due(context: ReleaseContext, model: str) -> bool:
    """Whether the champion has not been compared with its past for a window.

    What cannot be read counts as due: the task then meets it, and says so.
    """
    try:
        return monitoring.is_due(context, Memory(settings().work_bucket), model)
    except SluiceError:
        return True


@task(name="compare with its past", cache_policy=NO_CACHE)
def monitor(context: ReleaseContext, model: str) -> PastComparison:
    """See `monitoring.look.look`; the page is made when an alarm begins or ends.

    An AWS that is away for a while is no damage: the next look asks for what this one missed.
    """
    try:
        found = monitoring.look(context, Memory(settings().work_bucket), model)
    except SluiceError as error:
        if not error.retryable:
            raise
        found = PastComparison(sentence=f"{model}: its past could not be asked for: {error}")
    logger().info(found.sentence)
    if found.changed:
        mark = "✗" if found.rings else "✓"
        page = f"# {mark} {model} beside its own past\n\n{found.sentence}"
        show(key_for("monitor", model), page, "The champion beside past weeks")
    return found


def alarms_due(context: ReleaseContext, models: Sequence[str]) -> tuple[str, ...]:
    """Models whose standing alarms are not what they should be; CloudWatch is asked once.

    What cannot be read counts as due: the task then meets it, and says so.
    """
    try:
        read = keeping.every() if models else {}
    except Exception:  # noqa: BLE001  one fault must end no run that looks after releases
        return tuple(models)
    return tuple(model for model in models if _alarms_differ(context, model, read))


def _alarms_differ(context: ReleaseContext, model: str, read: keeping.Standing) -> bool:
    try:
        return bool(keeping.due(context, model, read))
    except Exception:  # noqa: BLE001  as above
        return True


class KeptAlarms(Frozen):
    """``away``: AWS does not answer, and would not for the next model either."""

    said: str = ""
    away: bool = False


@task(name="keep standing alarms", cache_policy=NO_CACHE)
def keep_alarms(context: ReleaseContext, model: str) -> KeptAlarms:
    """See `standing.keeping.keep`; an AWS that is away for a while is no damage."""
    try:
        kept = KeptAlarms(said=keeping.keep(context, model))
    except SluiceError as error:
        if not error.retryable:
            raise
        said = f"{model}: its standing alarms could not be looked at: {error}"
        kept = KeptAlarms(said=said, away=True)
    logger().info(kept.said or f"{model}: its standing alarms are what they should be")
    return kept


@task(name="alarms of models that are gone", cache_policy=NO_CACHE)
def sweep_alarms(context: ReleaseContext, known: Collection[str]) -> list[str]:
    """See `standing.keeping.sweep`."""
    try:
        return list(keeping.sweep(context, known))
    except SluiceError as error:
        if not error.retryable:
            raise
        return [f"Standing alarms could not be listed: {error}"]


@task(name="checklist", cache_policy=NO_CACHE)
def keep_checklist(
    context: ReleaseContext,
    model: str,
    release_id: str,
    taking_part: Callable[[str], frozenset[str]],
) -> str:
    """Make the checklist of an ended release from what is known of it, keep it and show it.

    Args:
        context: What to work with.
        model: Which model.
        release_id: Which release.
        taking_part: Versions of a model that an experiment compares.

    Returns:
        Where it is kept; "" for a rollback, which brings no version before users.

    Raises:
        SluiceError: what it is made of cannot be read.
    """
    journal = current(context, model).journal
    if journal.release_id != release_id:
        journal = kept(context, model, release_id)
    if journal.kind != "release" or not journal.ended:
        return ""
    registry, version = context.registry, journal.candidate.version
    manifest, back = registry.manifest(model, version), registry.way_back(model)
    intact = {one: _damage(registry, model, one) for one in (version, back) if one is not None}
    verdict = checklist.checklist(
        journal,
        manifest,
        _evidence(registry, manifest, checklist.ROWS),
        _evidence(registry, manifest, checklist.GATE),
        intact,
        back,
        taking_part(model),
    )
    address = context.journals.keep_checklist(journal, verdict.model_dump_json(indent=1))
    show(key_for("checklist", model), checklist.page(verdict, address), "What was shown of it")
    return address


def _damage(registry: RegistryPort, model: str, version: str) -> str:
    try:
        registry.verify(model, version)
    except (BundleCorrupt, VersionUnknown) as error:
        return error.what
    return ""


def _evidence(registry: RegistryPort, manifest: Manifest, path: str) -> Verdict | None:
    """A verdict that a bundle keeps; None where the bundle has no such file."""
    if path not in {file.path for file in manifest.files}:
        return None
    body = registry.read_file(manifest.model, manifest.version, path)
    return Verdict.model_validate_json(body)


@task(name="summary", cache_policy=NO_CACHE)
def summarise(context: ReleaseContext, model: str, outcome: str) -> str:
    """Say what serves now, what served before and how to undo it, at the end of a run.

    Never fails: a summary that cannot be made says why.
    """
    try:
        spec = context.spec(model)
        pointer = context.registry.pointer(model)
        back = context.registry.way_back(model) if pointer is not None else None
        where = delivery_of(spec.release).where(spec)
        page = summary.page(model, outcome, pointer, back, where)
    except SluiceError as error:
        page = f"# {model}: what serves cannot be read\n\n{outcome}\n\n{error}"
    show(key_for("summary", model), page, "What serves now, and how to undo it")
    return page
