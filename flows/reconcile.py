"""Finish or undo what a dead run left half done. Started by the reconciler, or after a crash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from prefect import flow
from prefect.states import Completed, Failed

from flows.forms import ALL, OneOrAll
from flows.release import experiment_of
from tasks.model_spec import known_models
from tasks.registry import Registry
from tasks.registry.tasks import keep_packages_in_step
from tasks.release import ReleaseContext
from tasks.release.tasks import (
    alarms_due,
    context_of,
    keep_alarms,
    keep_checklist,
    monitor,
    monitor_due,
    sweep_alarms,
)
from tasks.release.tasks import reconcile as look_after
from tasks.settings import settings
from tasks.training.tasks import stop_orphans
from tasks.uploads.tasks import listen


@flow(name="reconcile", flow_run_name="{model} · looked after")
def reconcile(model: OneOrAll = ALL) -> Any:
    """Look after models; a frozen release or a change by hand fails the run, to be seen.

    One thing in trouble does not stop the others. Safe to repeat, and beside other runs of itself.

    Args:
        model: Which model; its release is then looked after until it has ended, and its standing
            alarms. All takes every one once, its champion beside its own past, the uploaded
            artefacts, and training jobs whose run was cancelled.
    """
    sentences: list[str] = []
    wrong = False
    if model == ALL:
        for chore in (listen, stop_orphans):
            end = chore(return_state=True)
            wrong |= end.is_failed()
            sentences += [f"{chore.name}: {end.message}"] if end.is_failed() else end.result()
    context = context_of(Registry.here())
    names = [model] if model != ALL else known_models(settings().models_dir)
    settled: list[str] = []
    for name in names:
        if not _released(context, name):
            continue
        state = look_after(context, name, to_the_end=model != ALL, return_state=True)
        if state.is_failed():
            wrong = True
            sentences.append(f"{name}: {state.message}")
            continue
        report = state.result()
        wrong |= report.needs_person
        if report.state in {"finished", "undone"}:
            keep_checklist(context, name, report.release_id, experiment_of, return_state=True)
        if report.state != "nothing":
            sentences.append(f"{name} {report.state}: {report.detail}")
        settled.append(name)
        if model == ALL and monitor_due(context, name):
            compared = monitor(context, name, return_state=True)
            wrong |= compared.is_failed()
            if compared.is_failed():
                sentences.append(f"{name}: {compared.message}")
            elif compared.result().rings:
                sentences.append(compared.result().sentence)
    said, failed = _alarms(context, settled, names if model == ALL else None)
    sentences += said
    wrong |= failed
    packages = keep_packages_in_step(*names, return_state=True)
    sentences += [str(packages.message)] if packages.is_failed() else packages.result()
    message = "; ".join(sentences) or "Nothing was left half done."
    return Failed(message=message) if wrong else Completed(message=message)


def _alarms(
    context: ReleaseContext, settled: Sequence[str], known: Sequence[str] | None
) -> tuple[list[str], bool]:
    """Keep the standing alarms once all releases were looked after; what was said, what failed.

    No release waits for CloudWatch, and where it does not answer for one model, no other is asked
    for.
    """
    sentences, wrong = [], False
    for name in alarms_due(context, settled):
        kept = keep_alarms(context, name, return_state=True)
        if kept.is_failed():
            wrong = True
            sentences.append(f"{name}: {kept.message}")
            continue
        found = kept.result()
        sentences += [found.said] if found.said else []
        if found.away:
            return sentences, wrong
    if known is not None:
        swept = sweep_alarms(context, known, return_state=True)
        wrong |= swept.is_failed()
        sentences += [str(swept.message)] if swept.is_failed() else swept.result()
    return sentences, wrong


def _released(context: ReleaseContext, model: str) -> bool:
    """Whether a release of it was ever begun; what cannot be read is for the task to tell.

    Most models of an installation rest. A task run of each, for nothing, costs Prefect's server
    more than the look costs AWS.
    """
    try:
        return context.journals.read(model) is not None
    except Exception:  # noqa: BLE001  the task meets the same, and reports it
        return True
