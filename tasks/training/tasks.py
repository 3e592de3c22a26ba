"""The training stage's door: Prefect tasks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect import runtime

from models.packaging import hash_of, measuring_files, packed
from models.runtime.split import COLUMNS
from tasks.aws import asking, client
from tasks.clock import system_clock, wall
from tasks.errors import TrainingFailed, UploadRefused
from tasks.jobs import lifecycle
from tasks.jobs.kinds import PROCESSING, TRAINING
from tasks.jobs.source import put_source
from tasks.model_spec import ModelSpec
from tasks.objects import fetch
from tasks.reports.artifacts import LivePage, key_for, logger
from tasks.retrying import retried
from tasks.settings import settings
from tasks.stored import parsed
from tasks.training import begun, collect
from tasks.training.champion import measures_itself
from tasks.training.channels import known_channels, put_channels
from tasks.training.due import Standing
from tasks.training.page import Target, training_page
from tasks.training.plan import (
    DAY,
    TrainingPlan,
    evaluation_name,
    evaluation_request,
    require_budget,
    require_daily_budget,
    training_request,
)
from tasks.training.split import split_good_rows
from tasks.values import (
    Manifest,
    MeasuredChampion,
    Snapshot,
    TrainedModel,
    ValidatedData,
    fingerprint,
)

PAGE_LINES = 5000


def channel_prefix(spec: ModelSpec, plan: TrainingPlan) -> str:
    """Where this data, split by this rule, lies in the work bucket."""
    what = fingerprint([plan.snapshot_fingerprint, plan.contract_version, plan.split, COLUMNS])
    return f"channels/{spec.data.dataset}/{what[:24]}"


@retried("upload channels")
def upload_channels(
    spec: ModelSpec, plan: TrainingPlan, columns: str, data: ValidatedData
) -> dict[str, Any]:
    """Split the good rows and bring them to S3; what an earlier run brought is used again.

    Args:
        spec: The model.
        plan: What will be learned.
        columns: The text of _columns.json, which each channel carries.
        data: The good rows.

    Returns:
        ``{"channels": {side: s3 prefix}, …counts}``; with ``split`` the local folder of the sides,
        where they were split now.
    """
    bucket = settings().work_bucket
    prefix = channel_prefix(spec, plan)
    known = known_channels(bucket, prefix)
    if known is not None:
        logger().info(f"s3://{bucket}/{prefix} is already complete")
        return known
    channels = data.work / "channels"
    split = split_good_rows(data.records or data.good, channels, spec.data)
    for side in channels.iterdir():
        (side / COLUMNS).write_text(columns, encoding="utf-8")
    logger().info(
        f"{split.training_rows} rows to learn from, {split.holdout_rows} held out"
        + (f", {split.left_out} left out of both" if split.left_out else "")
        + (f", {split.too_young} too young for their label" if split.too_young else "")
        + f": {split.rule}"
    )
    return {**put_channels(bucket, prefix, channels, split.model_dump()), "split": channels}


@retried("train")
def train(
    spec: ModelSpec,
    plan: TrainingPlan,
    channels: Mapping[str, str],
    source_archive: bytes,
    reason: str,
) -> TrainedModel:
    """Train in SageMaker: submit, or adopt what an earlier run submitted; show it while it runs.

    Raises:
        BudgetExceeded: before anything is submitted.
        TrainingFailed, TrainingStopped: the job did not end well.
    """
    chosen = settings()
    worst = require_budget(spec)
    source = put_source(chosen.work_bucket, plan.code_hash, source_archive)
    tags = {
        "sluice:model": spec.name,
        "sluice:reason": _tag(reason),
        "sluice:owner": _tag(spec.owner),
        "sluice:description": _tag(spec.description),
        "sluice:flow-run": str(runtime.flow_run.id or "none"),
        "sluice:environment": chosen.environment,
    }
    sagemaker = client("sagemaker")

    def asked(name: str) -> dict[str, Any]:
        """Only of a job that is new, and is to be paid for."""
        today = begun.since(sagemaker, spec.name, system_clock().now() - DAY)
        require_daily_budget(spec, worst, today)
        return training_request(name, plan, spec, chosen, channels, source, tags)

    submitted = lifecycle.submit_or_adopt(sagemaker, TRAINING, plan.job_name, asked)
    log = logger()
    log.info(
        f"{'Adopted' if submitted.adopted else 'Submitted'} training job {submitted.name} "
        f"(worst case ${worst:.2f})"
    )
    described = _follow(submitted.name, spec)
    folder = chosen.cache_dir / "jobs" / submitted.name
    model_data = described["ModelArtifacts"]["S3ModelArtifacts"]
    output = model_data.replace("/model.tar.gz", "/output.tar.gz")
    measured = collect.measured(
        collect.fetch_output(submitted.name, output, folder), submitted.name
    )
    archive = fetch(model_data, folder / "model.tar.gz")
    return TrainedModel(
        model=spec.name,
        job_name=submitted.name,
        identity=plan.identity,
        model_data=model_data,
        output_data=output,
        created=wall(described["CreationTime"].timestamp()),
        metrics={**measured.candidate, "rows": float(measured.rows)},
        baseline=measured.baseline,
        folder=folder,
        program=spec.serving.program or collect.serving_program(archive),
        billable_seconds=described.get("BillableTimeInSeconds", 0),
        adopted=submitted.adopted,
    )


@retried("measure champion")
def measure_champion(
    spec: ModelSpec, champion: Manifest | None, holdout: str
) -> MeasuredChampion | None:
    """The champion on the candidate's held-out split, as its own bundle measures it.

    None when nothing serves yet, or when the champion is an older one of an own program that
    nothing measures; no gate then compares with it (`require_comparable`).
    """
    if champion is None:
        return None
    if not measures_itself(champion):
        logger().warning(
            f"Champion {champion.version} is not measured beside the candidate: it is of an own "
            "program without an evaluate.py. Only the gate's fixed bounds and its baseline count."
        )
        return None
    chosen = settings()
    model = f"s3://{chosen.registry_bucket}/{champion.model}/{champion.version}/model.tar.gz"
    name = evaluation_name(spec.name, champion.version, holdout)
    tags = {"sluice:model": spec.name, "sluice:champion": champion.version}
    measured, _, folder = _measure(spec, name, {"model": model, "holdout": holdout}, tags)
    return MeasuredChampion(metrics=measured.candidate, folder=folder)


@retried("examine")
def examine(
    spec: ModelSpec, model_data: str, identity: str, data: Mapping[str, Any]
) -> TrainedModel:
    """Let a model that was not trained here measure itself on the held-out split.

    A plain model of the training rows is measured beside it.

    Args:
        spec: The model.
        model_data: ``s3://`` address of its model.tar.gz.
        identity: Its identity in the registry.
        data: What `upload_channels` put into S3.

    Raises:
        UploadRefused: it could not be measured; the job's own reason is in the message.
    """
    channels = {"model": model_data, **data["channels"]}
    name = evaluation_name(spec.name, identity, channels["holdout"])
    tags = {"sluice:model": spec.name, "sluice:upload": identity[:16]}
    try:
        metrics, described, folder = _measure(spec, name, channels, tags)
    except TrainingFailed as error:
        raise UploadRefused(
            f"The artefact could not be measured on the held-out split. {error.what}",
            "Upload a model of the layout in docs/models.md, made for this model's columns.",
        ) from error
    archive = fetch(model_data, folder / "model.tar.gz")
    return TrainedModel(
        model=spec.name,
        job_name=str(described["TrainingJobName"]),
        identity=identity,
        model_data=model_data,
        output_data=str(described["ModelArtifacts"]["S3ModelArtifacts"]),
        created=wall(described["CreationTime"].timestamp()),
        metrics={**metrics.candidate, "rows": float(data["training_rows"] + data["holdout_rows"])},
        baseline=metrics.baseline,
        folder=folder,
        program=spec.serving.program or collect.serving_program(archive),
        billable_seconds=described.get("BillableTimeInSeconds", 0),
    )


@retried("standing")
def standing_of(champion: Manifest) -> tuple[Snapshot, Standing]:
    """What the champion learned from, and how old it is."""
    bucket, _, key = champion.snapshot.removeprefix("s3://").partition("/")
    with asking(f"GetObject {champion.snapshot}"):
        body = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    learned = parsed(Snapshot, body, champion.snapshot)
    created = datetime.fromisoformat(champion.created).timestamp()
    return learned, Standing(
        age_seconds=time.time() - created,
        trained_bytes=learned.size,
        trained_rows=int(champion.metrics.get("rows", 0)),
    )


@retried("stop orphans", times=1)
def stop_orphans() -> tuple[str, ...]:
    """Stop jobs whose run a person cancelled, where the run itself could not.

    A job of a run that crashed goes on: the next run of the model adopts it.

    Returns:
        What was done, one sentence each.
    """
    sagemaker = client("sagemaker")
    stopped = []
    for kind in (TRAINING, PROCESSING):
        for arn, name in lifecycle.in_progress(sagemaker, kind):
            run = lifecycle.tags_of(sagemaker, arn).get("sluice:flow-run", "")
            if _was_cancelled(run) and lifecycle.stop(sagemaker, kind, name):
                stopped.append(f"stopped {name}: the run that paid for it was cancelled")
    return tuple(stopped)


def _measure(
    spec: ModelSpec,
    name: str,
    channels: Mapping[str, str],
    tags: Mapping[str, str],
) -> tuple[collect.Measured, dict[str, Any], Path]:
    """Run (or adopt) an evaluation job: what it measured, its description, its local folder."""
    chosen, files = settings(), measuring_files()
    source = put_source(chosen.work_bucket, hash_of(files), packed(files))
    sagemaker = client("sagemaker")
    submitted = lifecycle.submit_or_adopt(
        sagemaker,
        TRAINING,
        name,
        lambda attempt: evaluation_request(attempt, spec, chosen, channels, source, tags),
    )
    described = lifecycle.watch(
        sagemaker,
        client("logs"),
        TRAINING,
        submitted.name,
        system_clock(),
        chosen.poll_seconds,
        logger().info,
    )
    folder = chosen.cache_dir / "jobs" / submitted.name
    output = described["ModelArtifacts"]["S3ModelArtifacts"].replace("model.tar", "output.tar")
    output_folder = collect.fetch_output(submitted.name, output, folder)
    return collect.measured(output_folder, submitted.name), described, folder


def _tag(text: str) -> str:
    """A text as AWS takes it for a tag's value."""
    return "".join(c if c.isalnum() or c in " _.:/=+-@" else " " for c in text)


def _was_cancelled(flow_run: str) -> bool:
    from uuid import UUID

    from prefect.client.orchestration import get_client
    from prefect.exceptions import ObjectNotFound

    try:
        with get_client(sync_client=True) as prefect:
            state = prefect.read_flow_run(UUID(flow_run)).state
    except (ValueError, ObjectNotFound):
        return False
    return state is not None and state.is_cancelled()


def targets_of(spec: ModelSpec) -> tuple[Target, ...]:
    """The gate's fixed bounds, which the page draws beside what is measured while training."""
    bounds = [(gate.metric, gate.at_most, gate.at_least) for gate in spec.gates]
    return (
        *(Target(metric, "≤", most) for metric, most, _ in bounds if most is not None),
        *(Target(metric, "≥", least) for metric, _, least in bounds if least is not None),
    )


def _follow(name: str, spec: ModelSpec) -> dict[str, Any]:
    """Watch a job to its end; a cancelled run stops the job that it pays for."""
    log = logger()
    page = LivePage(key_for("training", spec.name), "Epochs while they happen")
    targets = targets_of(spec)
    lines: list[str] = []
    status = ["Starting"]

    def on_log(line: str) -> None:
        log.info(line)
        lines.append(line)
        del lines[:-PAGE_LINES]
        if "epoch=" in line:
            page.update(training_page(name, status[0], lines, targets))

    def on_status(primary: str, secondary: str) -> None:
        status[0] = secondary or primary
        log.info(f"{name}: {primary}, {secondary}")
        page.update(training_page(name, status[0], lines, targets))

    try:
        described = lifecycle.watch(
            client("sagemaker"),
            client("logs"),
            TRAINING,
            name,
            system_clock(),
            settings().poll_seconds,
            on_log,
            on_status,
        )
    except BaseException as error:
        # An error of ours, or the job's own end, leaves nothing to stop; a cancelled run
        # (KeyboardInterrupt, Prefect's TerminationSignal) does.
        if not isinstance(error, Exception):
            log.warning(f"Cancelled: stopping {name}")
            lifecycle.stop(client("sagemaker"), TRAINING, name)
        raise
    metrics = {
        item["MetricName"]: item["Value"] for item in described.get("FinalMetricDataList", [])
    }
    page.update(training_page(name, "Completed", lines, targets, metrics))
    return described
