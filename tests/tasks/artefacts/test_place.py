"""An artefact's programs run apart on this machine, or as jobs: what they leave is the same."""

from __future__ import annotations

import io
import json
import os
import signal
import tarfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from models.runtime.calling import BundleFailed
from models.runtime.isolation import available
from tasks.artefacts import apartness
from tasks.artefacts.act import ArtefactAct, CarryOut, here
from tasks.artefacts.measuring import MEASURE
from tasks.artefacts.place import place_of
from tasks.artefacts.scoring import SCORE
from tasks.aws import client
from tasks.conversion.convert import convert_model
from tasks.errors import ActFailed, ConversionError, NotApart
from tasks.gates.trial.act import TRY
from tasks.gates.trial.checks import TRIAL, Trial
from tasks.settings import settings
from tasks.specs.conversion import ConversionSpec
from tests.models.trained import Trained

ROLE = "arn:aws:iam::123456789012:role/sluice-artefacts"
MODEL = "homes"
BUCKET = "acts-work"
RUNS = "InProgress"

PROGRAM = """
import http.server, json, os, pathlib, sys, time
act, *rest = sys.argv[1:]
how = pathlib.Path("how").read_text()
assert not [name for name in os.environ if name.startswith("AWS_") or name == "PLANTED"], os.environ
if how == "ends":
    sys.exit("these columns are strange")
if how == "sleeps":
    time.sleep(600)
if act == "measure":
    holdout, out = map(pathlib.Path, rest)
    rows = sorted(path.read_text() for path in holdout.rglob("*.txt"))
    (out / "metrics.json").write_text(json.dumps({"candidate": {"rows": len(rows)}}))
    (out / "deep").mkdir()
    (out / "deep" / "answers.txt").write_text(" ".join(rows))
if act == "score":
    periods, out = map(pathlib.Path, rest[:2])
    for period in sorted(periods.iterdir()):
        (out / f"{period.name}.npz").write_text(f"{period.name} at most {rest[3]}")
if act == "serve":
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.do_GET()
        def log_message(self, *words):
            pass
    address = ("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"]))
    http.server.ThreadingHTTPServer(address, Handler).serve_forever()
"""


def bundle(folder: Path, how: str = "well") -> Path:
    path = folder / f"{how}.tar.gz"
    if path.exists():
        return path  # of other bytes it would be: gzip keeps the time
    files = {
        "bundle.json": json.dumps({"entry_point": "code/entry_point.py"}),
        "code/entry_point.py": PROGRAM,
        "how": how,
        "sample_request.json": "{}",
    }
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path


def rows(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name.rpartition("/")[2])
    return folder


@pytest.fixture
def as_jobs(aws_environment: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[CarryOut]:
    monkeypatch.setenv("SLUICE_WORK_BUCKET", BUCKET)
    monkeypatch.setenv("SLUICE_ARTEFACT_ROLE_ARN", ROLE)
    monkeypatch.setenv("SLUICE_POLL_SECONDS", "0.05")
    monkeypatch.setenv("PLANTED", "a secret of the worker")
    settings.cache_clear()
    client("s3").create_bucket(Bucket=BUCKET)
    yield place_of(MODEL)
    settings.cache_clear()


@pytest.fixture(params=["here", "as a job"])
def carry_out(request: pytest.FixtureRequest) -> CarryOut:
    """Both places, for acts whose results must be the same."""
    made: CarryOut = here if request.param == "here" else request.getfixturevalue("as_jobs")
    return made


def left(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def jobs() -> list[dict[str, Any]]:
    """Descriptions of all acts' jobs, oldest first."""
    sagemaker = client("sagemaker")
    pages = sagemaker.get_paginator("list_processing_jobs").paginate(SortOrder="Ascending")
    return [
        sagemaker.describe_processing_job(ProcessingJobName=one["ProcessingJobName"])
        for page in pages
        for one in page["ProcessingJobSummaries"]
    ]


def test_a_bundle_measures_itself_on_folders_in_folders(
    tmp_path: Path, carry_out: CarryOut
) -> None:
    out = rows(tmp_path / "out", "of an earlier run")
    inputs = {
        "archive": bundle(tmp_path),
        "rows": rows(tmp_path / "rows", "a.txt", "photos of a house/b.txt"),
    }
    carry_out(MEASURE, inputs, out, {})
    assert left(out) == {
        "metrics.json": '{"candidate": {"rows": 2}}',
        "deep/answers.txt": "a.txt b.txt",
    }


def test_a_bundle_scores_periods(tmp_path: Path, carry_out: CarryOut) -> None:
    periods = rows(tmp_path / "periods", "2026-01-07/a.txt", "2026-01-14/a.txt")
    inputs = {"archive": bundle(tmp_path), "periods": periods}
    carry_out(SCORE, inputs, tmp_path / "out", {"rows": 5000})
    assert left(tmp_path / "out") == {
        "2026-01-07.npz": "2026-01-07 at most 5000",
        "2026-01-14.npz": "2026-01-14 at most 5000",
    }


def test_a_bundle_is_tried(tmp_path: Path, carry_out: CarryOut) -> None:
    carry_out(TRY, {"archive": bundle(tmp_path)}, tmp_path / "out", {"requests": 20})
    trial = Trial.model_validate_json((tmp_path / "out" / TRIAL).read_bytes())
    assert (trial.requests, trial.errors, trial.failure) == (40, 0, "")


@pytest.mark.parametrize("act", [MEASURE, SCORE])
def test_a_bundle_at_fault_is_told_in_its_own_words(
    tmp_path: Path, carry_out: CarryOut, act: ArtefactAct
) -> None:
    channel = rows(tmp_path / "rows", "a.txt")
    inputs = {"archive": bundle(tmp_path, "ends"), "rows": channel, "periods": channel}
    with pytest.raises(BundleFailed, match="these columns are strange"):
        carry_out(act, inputs, tmp_path / "out", {"rows": 1})


def test_no_archive_at_all_is_told_too(tmp_path: Path, carry_out: CarryOut) -> None:
    torn = tmp_path / "model.tar.gz"
    torn.write_bytes(b"torn")
    channel = rows(tmp_path / "rows", "a.txt")
    with pytest.raises(BundleFailed, match="could not be unpacked"):
        carry_out(MEASURE, {"archive": torn, "rows": channel}, tmp_path / "out", {})


@pytest.mark.tensorflow
def test_formats_are_made_in_a_job(tmp_path: Path, as_jobs: CarryOut, trained: Trained) -> None:
    spec = ConversionSpec.model_validate({"tflite_float16": {"max_error": 0.05}})
    calibration = trained.output / "calibration.npz"
    made: dict[str, bytes] = {}
    for place, carry_out in {"here": here, "job": as_jobs}.items():
        out = tmp_path / place
        report = convert_model(trained.archive, spec, calibration, out, MODEL, carry_out)
        assert report.verdict.outcome == "pass", report.verdict.reason
        made[place] = (out / "tflite" / "model_float16.tflite").read_bytes()
    assert made["here"] == made["job"]


@pytest.mark.tensorflow
def test_a_converter_refuses_in_a_job_as_it_does_here(
    tmp_path: Path, as_jobs: CarryOut, trained: Trained
) -> None:
    spec = ConversionSpec.model_validate({"tflite_float16": {"max_error": 0.05}})
    calibration = trained.output / "calibration.npz"
    archive = tmp_path / "model.tar.gz"
    with tarfile.open(trained.archive) as whole, tarfile.open(archive, "w:gz") as part:
        for member in whole.getmembers():
            content = whole.extractfile(member) if member.isfile() else None
            if content is None:
                continue
            body = content.read()
            if member.name.endswith("saved_model.pb"):
                body = body[: len(body) // 2]
                member.size = len(body)
            part.addfile(member, io.BytesIO(body))
    said = []
    for number, carry_out in enumerate((here, as_jobs)):
        with pytest.raises(ConversionError) as refused:
            convert_model(archive, spec, calibration, tmp_path / str(number), MODEL, carry_out)
        said.append(refused.value.what[:60])
    assert said[0] == said[1]


def measured(tmp_path: Path, carry_out: CarryOut, how: str = "well", more: str = "") -> None:
    channel = rows(tmp_path / "rows", "a.txt", *([more] if more else []))
    inputs = {"archive": bundle(tmp_path, how), "rows": channel}
    carry_out(MEASURE, inputs, tmp_path / "out", {})


def test_the_same_act_is_paid_for_once_and_another_anew(tmp_path: Path, as_jobs: CarryOut) -> None:
    before = len(jobs())
    measured(tmp_path, as_jobs)
    measured(tmp_path, as_jobs)
    assert len(jobs()) == before + 1
    assert left(tmp_path / "out")["metrics.json"] == '{"candidate": {"rows": 1}}'
    measured(tmp_path, as_jobs, more="b.txt")
    assert len(jobs()) == before + 2
    assert left(tmp_path / "out")["metrics.json"] == '{"candidate": {"rows": 2}}'


def test_an_act_whose_results_somebody_removed_is_done_again(
    tmp_path: Path, as_jobs: CarryOut
) -> None:
    measured(tmp_path, as_jobs, more="c.txt")
    name = jobs()[-1]["ProcessingJobName"]
    key = f"acts/{name}/output/{name}/left.tar.gz"
    client("s3").delete_object(Bucket=BUCKET, Key=key)
    measured(tmp_path, as_jobs, more="c.txt")
    assert jobs()[-1]["ProcessingJobName"] == f"{name}-2"
    assert left(tmp_path / "out")["metrics.json"] == '{"candidate": {"rows": 2}}'


def test_a_job_has_no_network_its_own_role_and_says_who_asked(
    tmp_path: Path, as_jobs: CarryOut
) -> None:
    measured(tmp_path, as_jobs, more="d.txt")
    job = jobs()[-1]
    assert job["RoleArn"] == ROLE
    assert job["NetworkConfig"]["EnableNetworkIsolation"] is True
    tags = client("sagemaker").list_tags(ResourceArn=job["ProcessingJobArn"])["Tags"]
    told = {tag["Key"]: tag["Value"] for tag in tags}
    assert told["sluice:model"] == MODEL
    assert told["sluice:act"] == "measure"


def test_a_job_that_fails_is_no_verdict_on_the_bundle(
    tmp_path: Path, as_jobs: CarryOut, aws: Any
) -> None:
    aws.faults.add("capacity", times=1)
    with pytest.raises(ActFailed, match="CapacityError"):
        measured(tmp_path, as_jobs, more="e.txt")
    measured(tmp_path, as_jobs, more="e.txt")
    assert left(tmp_path / "out")["metrics.json"] == '{"candidate": {"rows": 2}}'


def test_a_run_that_is_cancelled_pays_for_no_act(tmp_path: Path, as_jobs: CarryOut) -> None:
    def cancel(*_: Any) -> None:
        raise KeyboardInterrupt

    before = {job["ProcessingJobName"] for job in jobs()}

    def under_way() -> list[str]:
        told = {job["ProcessingJobName"]: job["ProcessingJobStatus"] for job in jobs()}
        return [name for name, status in told.items() if name not in before and status == RUNS]

    def wait() -> None:
        while not under_way():
            time.sleep(0.1)
        os.kill(os.getpid(), signal.SIGUSR1)

    handler = signal.signal(signal.SIGUSR1, cancel)
    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            measured(tmp_path, as_jobs, "sleeps")
    finally:
        signal.signal(signal.SIGUSR1, handler)
    assert jobs()[-1]["ProcessingJobStatus"] in {"Stopping", "Stopped"}


@pytest.fixture
def no_namespaces(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """A machine without util-linux."""
    monkeypatch.setenv("PATH", str(tmp_path))
    available.cache_clear()
    yield
    available.cache_clear()


@pytest.fixture
def in_production(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SLUICE_ENVIRONMENT", "production")
    settings.cache_clear()
    yield
    settings.cache_clear()


def test_production_runs_nothing_beside_the_worker_that_is_not_apart(
    tmp_path: Path, in_production: None, no_namespaces: None
) -> None:
    assert "makes no namespaces" in apartness.nowhere(settings())
    with pytest.raises(NotApart, match="SLUICE_ARTEFACT_ROLE_ARN is empty"):
        measured(tmp_path, place_of(MODEL))


def test_elsewhere_it_is_run_and_the_run_says_what_is_missing(
    tmp_path: Path, no_namespaces: None, caplog: pytest.LogCaptureFixture
) -> None:
    measured(tmp_path, place_of(MODEL))
    assert "not apart from it: set SLUICE_ARTEFACT_ROLE_ARN" in caplog.text
