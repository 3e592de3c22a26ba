"""Where an act is done: apart from this machine, or in a processing job with a role of its own."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.packaging import carried_files, hash_of, packed
from models.runtime.archives.bounds import ArchiveBounds, ArchiveRefused
from models.runtime.archives.extraction import extract
from models.runtime.isolation import available
from tasks import objects
from tasks.artefacts.act import ArtefactAct, CarryOut, here, require
from tasks.artefacts.apartness import SET_ROLE, nowhere
from tasks.artefacts.program import FOLDER, LEFT, ORDER, pack
from tasks.artefacts.request import act_request, job_name
from tasks.aws import client
from tasks.clock import system_clock
from tasks.errors import ActFailed, NotApart
from tasks.jobs import lifecycle
from tasks.jobs.kinds import PROCESSING
from tasks.jobs.source import put_source
from tasks.reports.artifacts import current_flow_run_id, logger
from tasks.settings import settings

PROGRAM = "tasks.artefacts.program"
BOUNDS = ArchiveBounds(members=50_000)
"""Of what an act leaves: a file for each photo that was answered, at most."""


def place_of(model: str) -> CarryOut:
    """How this installation does acts for a model.

    Its calls raise:
        BundleFailed, ConversionError: it came to nothing, through the artefact's own fault.
        ActFailed: its job did not end well.
        NotApart: this is production, and nothing would keep the artefact's programs from the
            worker.
        AwsError: AWS refused, or did not answer.
    """
    chosen = settings()

    def carry_out(
        act: ArtefactAct, inputs: Mapping[str, Path], out: Path, order: Mapping[str, Any]
    ) -> None:
        if chosen.artefact_role_arn:
            _as_job(act, model, inputs, out, order)
            return
        if why := nowhere(chosen):
            raise NotApart(f"No program of {model} is run: {why}.", f"Then run again: {SET_ROLE}.")
        if not available():
            logger().warning(
                f"{act.name}: programs of {model} run beside this worker, without its credentials "
                f"but not apart from it: {SET_ROLE}."
            )
        here(act, inputs, out, order)

    return carry_out


def _as_job(
    act: ArtefactAct, model: str, inputs: Mapping[str, Path], out: Path, order: Mapping[str, Any]
) -> None:
    chosen, sagemaker, log = settings(), client("sagemaker"), logger()
    bucket = chosen.work_bucket
    begin = {PROGRAM, act.module, *act.programs}
    files = carried_files(frozenset(begin), ("models", "tasks"))
    code = hash_of(files)
    first = job_name(model, act, code, inputs, order)
    prefix = f"acts/{first}"
    source = put_source(bucket, code, packed(files))

    def asked(name: str) -> dict[str, Any]:
        """Only of a job that is new: nothing is brought for one that is adopted."""
        _bring(bucket, f"{prefix}/input", act, inputs, order)
        tags = {
            "sluice:model": model,
            "sluice:act": act.name,
            "sluice:flow-run": current_flow_run_id() or "none",
            "sluice:environment": chosen.environment,
        }
        given, left = f"s3://{bucket}/{prefix}/input/", f"s3://{bucket}/{prefix}/output/{name}"
        return act_request(name, chosen, source, given, left, tags)

    def key(name: str) -> str:
        return f"{prefix}/output/{name}/{LEFT}"

    submitted = lifecycle.submit_or_adopt(
        sagemaker, PROCESSING, first, asked, lambda name: not objects.exists(bucket, key(name))
    )
    log.info(f"{'Adopted' if submitted.adopted else 'Submitted'} {submitted.name}")
    try:
        lifecycle.watch(
            sagemaker,
            client("logs"),
            PROCESSING,
            submitted.name,
            system_clock(),
            chosen.poll_seconds,
            log.info,
            lambda status, _: log.info(f"{submitted.name}: {status}"),
        )
    except BaseException as error:
        # A cancelled run (KeyboardInterrupt, Prefect's TerminationSignal) pays for nothing more.
        if not isinstance(error, Exception):
            lifecycle.stop(sagemaker, PROCESSING, submitted.name)
        raise
    shutil.rmtree(out, ignore_errors=True)
    _collect(f"s3://{bucket}/{key(submitted.name)}", submitted.name, out)
    require(out)


def _bring(
    bucket: str, prefix: str, act: ArtefactAct, inputs: Mapping[str, Path], order: Mapping[str, Any]
) -> None:
    """Put what the job is given into S3; the prefix is named from its content."""
    told = {"name": act.name, "module": act.module, "order": dict(order)}
    objects.create(bucket, f"{prefix}/{ORDER}", json.dumps(told, sort_keys=True).encode())
    with tempfile.TemporaryDirectory(prefix="act-") as scratch:
        for name, path in sorted(inputs.items()):
            if path.is_dir():
                packed_folder = Path(scratch) / name
                pack(path, packed_folder)
                objects.create(bucket, f"{prefix}/{name}{FOLDER}", packed_folder)
            else:
                objects.create(bucket, f"{prefix}/{name}", path)


def _collect(address: str, job: str, out: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="act-") as scratch:
        archive = objects.fetch(address, Path(scratch) / LEFT)
        try:
            extract(archive, out, BOUNDS)
        except ArchiveRefused as error:
            raise ActFailed(
                f"What {job} left cannot be unpacked: {error.what}.",
                f"Read its log in {PROCESSING.log_group}; then run again. {error.next_step}",
            ) from error
