"""The drift stage's door: Prefect tasks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.events import emit_event

from tasks import objects
from tasks.aws import asking, client
from tasks.clock import system_clock, utc
from tasks.drift.alarms import claim, confirm
from tasks.drift.check import compare
from tasks.drift.grid import ColumnKind, Grid
from tasks.drift.history import Watching, periods, read_baseline, write_baseline
from tasks.drift.partitions import daily_profiles
from tasks.drift.profile import Profile
from tasks.drift.report import DriftReport
from tasks.drift.store import Partition, profile_partition
from tasks.reports.artifacts import key_for, logger, show
from tasks.retrying import if_it_helps
from tasks.settings import settings
from tasks.values import Manifest, Snapshot

BASELINE = "drift/baseline.json"
EVENT = "drift.detected"


@task(
    name="drift",
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=if_it_helps,
    cache_policy=NO_CACHE,
)
def compare_with_baseline(
    model: str,
    champion: Manifest | None,
    pinned: Snapshot,
    contract_version: str,
    columns: Mapping[str, ColumnKind],
    drift_policy: Mapping[str, Any],
    good: Path,
) -> DriftReport | None:
    """Profile what is new and compare it with what the champion was trained on.

    Returns:
        The report; None when nothing serves yet, or nothing came after the champion's data.
    """
    watching = Watching.of(pinned.dataset, drift_policy)
    bucket = settings().lake_bucket
    standing = baseline_of(champion)
    if standing is None:
        daily_profiles(bucket, pinned, contract_version, columns, good)
        logger().info(f"No baseline yet: {model} has no champion to compare with")
        return None
    reference, last = standing
    daily = daily_profiles(bucket, pinned, contract_version, columns, good, grid=reference[0].grid)
    fresh = {day: profile for day, profile in daily.items() if day > last}
    if not fresh:
        logger().info(f"Nothing came after {last}, the champion's last day")
        return None
    report = compare(reference, periods(fresh, pinned.end, watching.partition), watching.policy)
    title = f"{model}: {min(fresh)} to {max(fresh)} against the data of {champion_name(champion)}"
    show(key_for("drift", model), report.to_markdown(title), "What changed in the data")
    logger().info(f"Drift: {report.outcome}. {report.reason}")
    return report


@task(
    name="drift expectations",
    retries=1,
    retry_delay_seconds=5,
    retry_condition_fn=if_it_helps,
    cache_policy=NO_CACHE,
)
def drift_expectations(dataset: str, report: DriftReport | None) -> tuple[dict[str, Any], ...]:
    """The report as results of Great Expectations, one a column; none without a report."""
    if report is None or not report.columns:
        return ()
    from tasks.drift.expectations import validate_drift

    found = validate_drift(report, f"{dataset}-drift")
    return tuple(item.to_json_dict() for item in found.results)


@task(
    name="baseline",
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=if_it_helps,
    cache_policy=NO_CACHE,
)
def keep_baseline(
    pinned: Snapshot,
    contract_version: str,
    columns: Mapping[str, ColumnKind],
    drift_policy: Mapping[str, Any],
    good: Path,
    work: Path,
) -> Path:
    """Write the profiles of this snapshot into a file that travels in the bundle."""
    watching = Watching.of(pinned.dataset, drift_policy)
    daily = daily_profiles(settings().lake_bucket, pinned, contract_version, columns, good)
    chosen = periods(daily, pinned.end, watching.partition)
    target = work / BASELINE
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(write_baseline(chosen, pinned.start, pinned.end), encoding="utf-8")
    return target


@task(
    name="profile",
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=if_it_helps,
    cache_policy=NO_CACHE,
)
def profile(partition: Partition, columns: Mapping[str, ColumnKind], grid: Grid) -> Profile:
    """Profile one lake partition; map it over partitions, on threads or on Dask alike."""
    return profile_partition(client("s3"), partition, columns, grid)


@task(
    name="alarm",
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=if_it_helps,
    cache_policy=NO_CACHE,
)
def alarm(
    model: str,
    champion: Manifest,
    pinned: Snapshot,
    drift_policy: Mapping[str, Any],
    report: DriftReport,
) -> str:
    """Tell the world about drift, once; what was done, in a sentence.

    The event starts the retraining; with ``notifyOnly`` people are told and nothing starts. The
    same model, baseline and window never raise two alarms, and a cooldown keeps a drift that goes
    on from starting a retraining a day.
    """
    watching = Watching.of(pinned.dataset, drift_policy)
    chosen, now = settings(), system_clock().now()
    address = _keep_report(chosen.work_bucket, model, report)
    window = f"{pinned.start}_{pinned.end}"
    refused = claim(chosen.work_bucket, model, champion.version, window, now, watching.cooldownDays)
    if refused:
        return refused
    columns = ", ".join(report.drifted[:5])
    payload = {
        "model": model,
        "dataset": pinned.dataset,
        "columns": list(report.drifted),
        "strength": round(report.strength, 4),
        "since": report.since,
        "report": address,
        "reason": f"drift in {columns} since {report.since or pinned.start}"[:200],
        "at": utc(now).isoformat(timespec="seconds"),
    }
    if chosen.alerts_topic_arn:
        with asking(f"Publish {chosen.alerts_topic_arn}"):
            client("sns").publish(
                TopicArn=chosen.alerts_topic_arn,
                Subject=f"Drift: {model}"[:100],
                Message=f"{report.reason}\n\nReport: {address}\n\n{report.next_step}",
            )
    if watching.notifyOnly:
        confirm(chosen.work_bucket, model, champion.version)
        return f"People were told of drift in {columns}; the contract says notifyOnly."
    emit_event(
        event=EVENT,
        resource={
            "prefect.resource.id": f"sluice.model.{model}",
            "prefect.resource.name": model,
        },
        payload=payload,
    )
    confirm(chosen.work_bucket, model, champion.version)
    return f"Emitted {EVENT} for {model}: {payload['reason']}."


def baseline_of(champion: Manifest | None) -> tuple[list[Any], date] | None:
    """The periods that the champion was trained on, and their last day."""
    if champion is None or not champion.baseline:
        return None
    key = f"{champion.model}/{champion.version}/{champion.baseline}"
    found = objects.read(settings().registry_bucket, key)
    return None if found is None else read_baseline(found.body)


def champion_name(champion: Manifest | None) -> str:
    """How a page names the champion."""
    return f"champion {champion.version}" if champion else "no champion"


def _keep_report(bucket: str, model: str, report: DriftReport) -> str:
    name = "-".join(part for part in report.current_partitions[-1:]) or "empty"
    key = f"reports/drift/{model}/{name}.json"
    client("s3").put_object(
        Bucket=bucket,
        Key=key,
        Body=report.model_dump_json(indent=1).encode(),
        ContentType="application/json",
    )
    return f"s3://{bucket}/{key}"
