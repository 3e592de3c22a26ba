"""What is watched of a model, on one page: its data, its answers, its errors, its canaries. Pure.

Written from model.yaml, contract and task, so that the page of the documentation and the one in the
UI cannot say anything else than what is done.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

from tasks.contracts.model import Contract
from tasks.metrics import ERROR, least_right, task_class, told_as
from tasks.model_spec import ModelSpec
from tasks.reports.figures import counted, number, percent
from tasks.reports.markdown import table
from tasks.specs.gates import GateSpec

NAMED = 12
"""Columns that are named; of more, so many and how many there are."""


def page(spec: ModelSpec, contract: Contract, where: str) -> str:
    """The whole page.

    Args:
        spec: The model.
        contract: Of its data.
        where: Who answers users (`tasks.release.delivery.Delivery.where`).
    """
    return "\n\n".join(
        [
            f"# {spec.name}: what is watched",
            spec.description,
            table(("what", "here"), list(_facts(spec, contract, where))),
            "## Before users meet a version",
            table(("what", "held to"), list(_gates(spec))),
            "## While a version meets users",
            table(("stream", "what counts"), list(_canary(spec))),
            "## Every day after",
            table(("what", "how"), list(_daily(spec, contract))),
            "## When it is trained anew",
            table(("because of", "when"), list(_due(spec))) + "\n",
        ]
    )


def _facts(spec: ModelSpec, contract: Contract, where: str) -> Iterator[tuple[str, str]]:
    data, family = spec.data, spec.family
    yield "owner", spec.owner
    yield "answers", f"{family.task} from {family.input}, by {family.backend}"
    yield "learns from", f"`{contract.dataset}`, its label `{data.label}`"
    if data.holdout_days:
        held = f"the newest {counted(data.holdout_days, 'day')}"
    else:
        held = f"{percent(data.holdout_share)} of the rows, by a hash"
    yield "held out", held + (f"; a `{data.split_by}` is on one side" if data.split_by else "")
    delay = data.label_delay_days
    yield "labels come", f"within {counted(delay, 'day')}" if delay else "with their rows"
    yield "answered by", where


def _gates(spec: ModelSpec) -> Iterator[tuple[str, str]]:
    for gate in spec.gates:
        yield f"`{gate.metric}`", _bounds(gate)
    for rule in spec.behaviour:
        yield rule.title, f"{percent(rule.at_least)} of up to {rule.rows} changed rows"
    if spec.trial is not None:
        limits = [
            (spec.trial.p95_ms, "ms in 95 % of requests"),
            (spec.trial.memory_mb, "MB"),
            (spec.trial.cold_start_seconds, "s to its first answer"),
        ]
        kept = [f"≤ {number(most)} {unit}" for most, unit in limits if most is not None]
        errors = f"errors ≤ {percent(spec.trial.error_share)}"
        yield "serving program, tried", ", ".join([errors, *kept])
    for name, limit in spec.conversion:
        if limit is not None:
            yield name, f"≤ {limit.max_bytes:,} bytes, and it answers as the original does"


def _bounds(gate: GateSpec) -> str:
    told = []
    if gate.at_least is not None:
        told.append(f"≥ {number(gate.at_least)}")
    if gate.at_most is not None:
        told.append(f"≤ {number(gate.at_most)}")
    for rival, loss in (
        ("champion", gate.no_worse_than_champion),
        ("baseline", gate.no_worse_than_baseline),
    ):
        if loss is not None:
            told.append(f"no more than {percent(loss)} worse than the {rival}")
    if gate.confidence is not None:
        told.append(f"at {percent(gate.confidence)} confidence")
    told += [f"in each `{one.column}`" for one in gate.slices]
    return ", ".join(told)


def _canary(spec: ModelSpec) -> Iterator[tuple[str, str]]:
    release = spec.release
    tolerated, most = release.tolerance.errors, release.max_error_rate
    yield "errors", f"{percent(tolerated)} more are not worse; ≤ {percent(most)} in any case"
    yield (
        "latency",
        f"share of slow answers at the stable version's p50, p90 and p99; mean ≤ "
        f"{number(release.max_latency_ms)} ms in any case",
    )
    what = _said(task_class(spec.family.task).scores)
    edges = release.prediction_bins
    between = ", ".join(map(number, edges)) or "the tenths of the served version's held-out rows"
    yield "answers", f"{what} Counted between {between}, where both versions count alike."


def _daily(spec: ModelSpec, contract: Contract) -> Iterator[tuple[str, str]]:
    policy = contract.drift_policy
    if spec.monitor.enabled and spec.release.assigns_requests:
        yield (
            "errors and latency of the endpoint",
            "four times an hour, beside the same hour of past weeks: "
            f"{percent(spec.monitor.errors)} more errors, or a slowest tenth "
            f"{percent(spec.monitor.slower)} slower, tell nobody; at most "
            f"{number(spec.monitor.false_alarms_per_year)} false alarms a year",
        )
    if spec.alarms.enabled and spec.release.assigns_requests:
        bounds = ", ".join([*_alarms(spec), "nothing serves"])
        yield "alarms that stand", f"two times five minutes in a row tell people once: {bounds}"
    names = [column.name for column in contract.columns if column.name != spec.data.label]
    told = ", ".join(f"`{name}`" for name in names[:NAMED])
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    yield "drift of the data", f"{told}{more}, against the champion's baseline"
    if policy:
        yield "drift policy", ", ".join(f"{key}: {value}" for key, value in sorted(policy.items()))
    task = task_class(spec.family.task)
    yield "error, on labels that came", _said(task.errors)
    tracked = task.metrics[task.tracked]
    yield "quality", f"`{task.tracked}` ({tracked.better} is better): {tracked.meaning}"
    if spec.data.label_delay_days:
        yield (
            "error, before labels come",
            "estimated: the errors of labelled rows, weighted by the scores of the new ones",
        )
        yield "rows younger than the delay", "neither learned from nor measured on, labelled or not"


def _alarms(spec: ModelSpec) -> Iterator[str]:
    alarms, task = spec.alarms, spec.family.task
    told = told_as(task)
    right = least_right(task, spec.alarms.accuracy, spec.promised_accuracy)
    if told == ERROR and alarms.error:
        yield f"`{told}` is above {number(alarms.error)}"
    if told != ERROR and right:
        yield f"`{told}` is below {percent(right)}"
    for bound, what in (
        (percent(alarms.error_rate) if alarms.error_rate else "", "errors"),
        (f"{number(alarms.latency_ms)} ms" if alarms.latency_ms else "", "mean latency"),
        (f"{number(alarms.slow_ms)} ms" if alarms.slow_ms else "", "the slowest twentieth"),
        (f"{number(alarms.memory_percent)} %" if alarms.memory_percent else "", "memory"),
    ):
        if bound:
            yield f"{what} above {bound}"


def _due(spec: ModelSpec) -> Iterator[tuple[str, str]]:
    when = spec.retrain_when
    yield "its age", f"more than {counted(when.max_age_days, 'day')}"
    if when.min_new_rows:
        yield "new rows", f"at least {when.min_new_rows:,}"
    yield "its error", f"grown by more than {percent(when.max_metric_loss)}"
    yield "drift", "an alarm, by itself"


def _said(method: object) -> str:
    """What a task says of itself, in its first paragraph."""
    text = inspect.getdoc(method) or ""
    return " ".join(text.split("\n\n")[0].split())
