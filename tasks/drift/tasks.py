"""The drift stage's door: Prefect tasks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from prefect.client.orchestration import get_client
from prefect.events.schemas.events import Event, Resource

from tasks.artefacts.place import place_of
from tasks.aws import asking, client
from tasks.clock import system_clock, utc, wall
from tasks.drift.alarms.announcing import EVENT, LISTENER, tell
from tasks.drift.alarms.claims import claim, confirm, told_columns
from tasks.drift.alarms.consequence import consequence
from tasks.drift.alarms.following import going_on, told_after, with_followed
from tasks.drift.alarms.watch import (
    LastWatch,
    keep_watch,
    labelled_lately,
    last_watch,
    unanswered,
)
from tasks.drift.bundle import (
    ERRORS,
    baseline_of,
    errors_of,
    keep_report,
    model_of,
)
from tasks.drift.check import compare
from tasks.drift.comparison.rows import compare_rows, keep_rows
from tasks.drift.history import NOTIFY_STEP, Watching, periods, write_baseline
from tasks.drift.policy import DriftPolicy
from tasks.drift.profiles.partitions import daily_profiles
from tasks.drift.quality.champion import (
    Followed,
    follow,
    reference_errors,
)
from tasks.drift.quality.metric_data import LATELY, metric_data
from tasks.drift.reports.markdown import followed_page, markdown
from tasks.drift.reports.report import DriftReport
from tasks.drift.scoring import score_periods, split_periods
from tasks.errors import ArtefactError, DataError
from tasks.notify import Topic
from tasks.objects import download
from tasks.reports.artifacts import key_for, logger, show
from tasks.retrying import retried
from tasks.settings import settings
from tasks.values import Manifest, ValidatedData

BASELINE = "drift/baseline.json"
CLOCKS_APART = timedelta(seconds=5)
"""What the clocks of the Prefect server and of this process may differ by."""
NEXT_STEPS = {
    "cannot tell": "Nobody watches these inputs until more rows come, or leastRows is lowered.",
    "notice": NOTIFY_STEP,
    "retrain": DriftPolicy().next_step,
}


@retried("drift")
def compare_with_baseline(
    model: str,
    champion: Manifest | None,
    data: ValidatedData,
) -> DriftReport | None:
    """Profile what is new and compare it with what the champion was trained on.

    Returns:
        The report; None when nothing serves yet, or nothing came after the champion's data.
    """
    pinned, columns, good = data.snapshot, data.kinds, data.good
    watching = Watching.of(pinned.dataset, data.drift_policy)
    bucket = settings().lake_bucket
    standing = baseline_of(champion)
    if standing is None:
        daily_profiles(bucket, pinned, data.contract_version, columns, good)
        logger().info(f"No baseline yet: {model} has no champion to compare with")
        return None
    reference, last = standing
    daily = daily_profiles(
        bucket, pinned, data.contract_version, columns, good, grid=reference[0].grid
    )
    fresh = {day: profile for day, profile in daily.items() if day > last}
    if not fresh:
        logger().info(f"Nothing came after {last}, the champion's last day")
        return None
    run = periods(fresh, pinned.end, watching.partition)
    report = compare(reference, run, watching.policy)
    if report.drifted and champion is not None:
        told = told_columns(settings().work_bucket, model, champion.version)
        same = going_on(report, told, reference, run, watching.policy)
        report = with_followed(report, same)
    if watching.rowsTogether and champion is not None:
        together = compare_rows(
            bucket=bucket,
            dataset=pinned.dataset,
            snapshot=champion.snapshot_fingerprint,
            columns=columns,
            good=good,
            after=last,
            grid=reference[0].grid,
            alpha=watching.policy.alpha,
        )
        report = report.model_copy(update={"together": together})
    title = f"{model}: {min(fresh)} to {max(fresh)} against the data of {champion_name(champion)}"
    show(key_for("drift", model), markdown(report, title), "What changed in the data")
    logger().info(f"Drift: {report.outcome}. {report.reason}")
    return report


@retried("drift expectations", times=1)
def drift_expectations(dataset: str, report: DriftReport | None) -> tuple[dict[str, Any], ...]:
    """The report as results of Great Expectations, one a column; none without a report."""
    if report is None or not report.columns:
        return ()
    from tasks.drift.reports.expectations import validate_drift

    validation = validate_drift(report, f"{dataset}-drift")
    return tuple(item.to_json_dict() for item in validation.results)


@retried("baseline")
def keep_baseline(data: ValidatedData) -> Path:
    """Write the profiles of this snapshot into a file that travels in the bundle."""
    pinned, columns, good = data.snapshot, data.kinds, data.good
    watching = Watching.of(pinned.dataset, data.drift_policy)
    daily = daily_profiles(settings().lake_bucket, pinned, data.contract_version, columns, good)
    if watching.rowsTogether:
        bucket = settings().lake_bucket
        kept = keep_rows(bucket, pinned.dataset, pinned.fingerprint, columns, good)
        logger().info(f"{kept:,} rows are kept for comparing rows together")
    chosen = periods(daily, pinned.end, watching.partition)
    target = data.work / BASELINE
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(write_baseline(chosen, pinned.start, pinned.end), encoding="utf-8")
    return target


@retried("reference errors", times=1)
def keep_errors(model: str, data: ValidatedData, candidate: Path, holdout: str) -> dict[str, Path]:
    """Score the candidate on its held-out rows; a file for the bundle, by its path there.

    Without it the champion's error cannot be followed later, and every watch says so; it is no
    reason to keep a good model from users.

    Args:
        model: Its name.
        data: What the candidate was trained on.
        candidate: Its model.tar.gz.
        holdout: S3 address of the held-out channel.
    """
    pinned, work = data.snapshot, data.work
    watching = Watching.of(pinned.dataset, data.drift_policy)
    try:
        rows = download(holdout, work / "held-out")
        periods = work / "held-out-periods"
        split_periods(rows, periods, pinned.end, watching.days, pinned.end)
        scored = score_periods(candidate, periods, work / "scoring", place_of(model))
        errors = reference_errors(scored, pinned.end, watching.days)
    except (DataError, ArtefactError) as error:
        logger().warning(f"The champion's error will not be followed: {error}")
        return {}
    target = work / ERRORS
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(errors.model_dump_json(indent=1), encoding="utf-8")
    logger().info(f"Held-out errors of {len(errors.error)} periods travel in the bundle")
    return {ERRORS: target}


@retried("follow champion")
def follow_champion(champion: Manifest, data: ValidatedData) -> Followed:
    """Error and bias of the champion on what came since its data, and what to expect of the rest.

    Returns:
        The state of the monitors; ``inconclusive`` or ``error`` when they could not be fed.
    """
    pinned, work = data.snapshot, data.work
    watching = Watching.of(pinned.dataset, data.drift_policy)
    reference = errors_of(champion)
    if reference is None:
        followed = Followed(
            outcome="inconclusive",
            reason=f"{champion.version} carries no held-out errors to compare with",
        )
    else:
        try:
            archive = model_of(champion)
            periods = work / "periods"
            split_periods(data.good, periods, reference.end, reference.days, pinned.end)
            scored = score_periods(archive, periods, work / "scoring", place_of(champion.model))
            followed = follow(reference, scored, watching.concept)
        except (DataError, ArtefactError) as error:
            followed = Followed(outcome="error", reason=str(error))
    logger().info(f"Champion {champion.version}: {followed.outcome}. {followed.reason}")
    title = f"{champion.model} {champion.version} on what came since its data"
    show(key_for("champion", champion.model), followed_page(title, followed), "Its error, its bias")
    return followed


@retried("tell quality")
def tell_quality(champion: Manifest, variant: str, task: str, followed: Followed) -> None:
    """Tell CloudWatch what labels say of the champion: its standing alarm watches that.

    Args:
        champion: The version that was judged.
        variant: What serves it.
        task: What it predicts.
        followed: What the watch found.
    """
    model = champion.model
    now = system_clock().now()
    watch = last_watch(settings().work_bucket, model, champion.version)
    told = labelled_lately(watch, now, LATELY)
    data = metric_data(model, variant, task, followed, now, told)
    if not data:
        logger().info("No labelled period has ended since it was told: CloudWatch is told nothing")
        return
    with asking(f"PutMetricData {model}"):
        client("cloudwatch").put_metric_data(
            Namespace=settings().metrics_namespace, MetricData=data
        )
    logger().info(f"{data[0]['MetricName']}: {data[0]['Value']:.4g} {data[0]['Unit']}")


@retried("alarm")
def alarm(
    champion: Manifest,
    data: ValidatedData,
    report: DriftReport | None,
    followed: Followed | None,
) -> str:
    """Decide what follows, write it down, and tell the world once; what was done, in a sentence.

    The event starts the retraining; with ``notifyOnly``, or for drift that the policy wants
    confirmed and the champion's error does not confirm, people are told and nothing starts. The
    same model, baseline and window never raise two alarms, what goes on as it was told raises none,
    a cooldown keeps a champion's error from starting a retraining a day, and a week has an upper
    bound.
    """
    pinned = data.snapshot
    watching = Watching.of(pinned.dataset, data.drift_policy)
    chosen, now, model = settings(), system_clock().now(), champion.model
    decision = consequence(report, followed, watching, str(pinned.start))
    window = f"{pinned.start}_{pinned.end}"
    bucket = chosen.work_bucket
    keep_watch(bucket, model, champion.version, now, window, decision, followed)
    if decision.kind == "nothing":
        return f"{model}: {decision.reason}."
    address = keep_report(bucket, model, str(pinned.end), report, followed)
    told = told_columns(bucket, model, champion.version, (decision.kind,))
    if report is not None and decision.repeats:
        if told.keys() >= set(report.followed):
            names = ", ".join(report.followed[:5])
            return f"{model}: the drift of {names} was told, and goes on as it was told."
        # It was told in an alarm of the other kind, and is told in this one now.
        every = told_columns(bucket, model, champion.version)
        told |= {name: every[name] for name in report.followed if name in every}
    refused = claim(
        bucket,
        model,
        champion.version,
        window,
        now,
        watching.cooldownDays,
        per_week=watching.alarmsPerWeek,
        kind=decision.kind,
        columns=told if report is None else told_after(report, told),
    )
    if refused:
        return refused
    payload = {
        "model": model,
        "dataset": pinned.dataset,
        "columns": list(report.drifted) if report else [],
        "strength": round(report.strength, 4) if report else 0.0,
        "champion": followed.reason if followed else "",
        "since": decision.since,
        "report": address,
        "reason": decision.reason[:200],
        "at": utc(wall(now)).isoformat(timespec="seconds"),
    }
    text = f"{decision.reason}\n\nReport: {address}\n\n{NEXT_STEPS[decision.kind]}"
    blind = decision.kind == "cannot tell"
    subject = f"Drift cannot be told: {model}" if blind else f"Drift: {model}"
    Topic(chosen.alerts_topic_arn).tell(subject, text)
    if decision.kind != "retrain":
        confirm(bucket, model, champion.version, decision.kind)
        return f"People were told, nothing was started: {decision.reason}."
    since = datetime.now(UTC) - CLOCKS_APART
    run = tell(model, lambda: _emit(model, payload), lambda: _run_of(model, since))
    logger().info(f"The retraining is run {run}")
    confirm(bucket, model, champion.version)
    return f"Emitted {EVENT} for {model}: {payload['reason']}."


def _emit(model: str, payload: Mapping[str, Any]) -> None:
    event = Event(
        event=EVENT,
        resource=Resource(
            {"prefect.resource.id": f"sluice.model.{model}", "prefect.resource.name": model}
        ),
        payload=dict(payload),
    )
    with get_client(sync_client=True) as prefect:  # returns once the server has it
        prefect.request("POST", "/events", json=[event.model_dump(mode="json")])


def _run_of(model: str, since: datetime) -> str:
    with get_client(sync_client=True) as prefect:
        runs = prefect.request(
            "POST",
            "/flow_runs/filter",
            json={
                "deployments": {"name": {"any_": [LISTENER]}},
                "flow_runs": {"expected_start_time": {"after_": since.isoformat()}},
                "limit": 50,
            },
        ).json()
    mine = [str(run["id"]) for run in runs if run["parameters"].get("model") == model]
    return mine[0] if mine else ""


@retried("last watch")
def watched(champion: Manifest) -> tuple[LastWatch | None, str]:
    """What the last watch found of this champion, and drift that was told without an answer."""
    bucket = settings().work_bucket
    watch = last_watch(bucket, champion.model, champion.version)
    if watch is None:
        return None, ""
    now = system_clock().now()
    return watch, unanswered(bucket, champion.model, champion.version, watch, now)


def champion_name(champion: Manifest | None) -> str:
    """How a page names the champion."""
    return f"champion {champion.version}" if champion else "no champion"
