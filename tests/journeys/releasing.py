"""Users, bad candidates and journals: what the journeys of releases share."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml

from deployments.demo import generate
from deployments.demo.traffic import Traffic, against, as_requests
from deployments.laptop.resources import client
from deployments.laptop.stack import command
from tests.journeys.killing import MODEL, PATIENCE

ROOT = Path(__file__).resolve().parents[2]
RATE = 40.0
POLL = 0.2
FOREVER = 10**9
FEW_USERS = {
    "ladder": [0.2, 0.5],  # beyond a half, one process of a busy machine queues and is slower
    "beta": 0.2,
    "tolerance": {
        "errors": 0.05,
        "latency_p50": 0.3,
        "latency_p90": 0.2,
        "latency_p99": 0.1,
        "predictions": 3.0,
    },
    "warm_up_seconds": 1200,  # ten real seconds: a new process is slow on a busy machine
    "deadline_seconds": 86_400,
    "watch_seconds": 900,
}
"""A minute's worth of requests proves less than an hour's: coarser promises, larger steps."""


@contextmanager
def users(journey, first_day) -> Iterator[Traffic]:
    """People who ask for prices all the time."""
    columns = generate.property_sales(200, first_day, 100, seed=4)
    rows = [
        {name: plain(values[index]) for name, values in columns.items() if name != "price"}
        for index in range(200)
    ]
    invoke = against(f"sluice-{MODEL}", journey.outside.runtime)
    with Traffic(invoke, as_requests(rows), RATE) as traffic:
        yield traffic


def plain(value):
    bare = value.item() if hasattr(value, "item") else value
    return bare.isoformat() if hasattr(bare, "isoformat") else bare


def sabotaged(journey, mode, *more) -> str:
    """Publish a candidate whose offline evidence is good; its version."""
    command(journey.laptop, "sabotage", "deployments.demo.sabotage", MODEL, mode, *more)
    return journey.outside.newest_version(MODEL)


def journal(journey):
    """The release as its journal in S3 has it."""
    with s3(journey) as bucket:
        body = bucket.get_object(Bucket="sluice-models", Key=f"_releases/{MODEL}/current.json")
        return json.loads(body["Body"].read())


@contextmanager
def s3(journey):
    """A client that is closed again."""
    made = client("s3", journey.laptop.variables())
    try:
        yield made
    finally:
        made.close()


def upload(journey, version, content):
    """Put an artefact where it releases by itself."""
    with s3(journey) as bucket:
        key = f"models/{MODEL}/{version}/model.tar.gz"
        bucket.put_object(Bucket="sluice-models", Key=key, Body=content)


def pages(journey):
    """Pages of releases in the UI, newest first."""
    asked = {
        "artifacts": {"key": {"like_": f"release-{MODEL}"}},
        "sort": "CREATED_DESC",
        "limit": 100,
    }
    return journey.prefect._ok(journey.prefect._http.post("/artifacts/filter", json=asked))


def outcome(journey, version):
    """What stands beside an uploaded artefact; None while nothing does."""
    with s3(journey) as bucket:
        key = f"models/{MODEL}/{version}/outcome.json"
        there = bucket.list_objects_v2(Bucket="sluice-models", Prefix=key)
        if not there.get("KeyCount"):
            return None
        return json.loads(bucket.get_object(Bucket="sluice-models", Key=key)["Body"].read())


def registered(journey, version) -> list[str]:
    """Keys of a version in the registry."""
    with s3(journey) as bucket:
        found = bucket.list_objects_v2(Bucket="sluice-models", Prefix=f"{MODEL}/{version}/")
        return [item["Key"] for item in found.get("Contents", [])]


def artefact(journey, version) -> bytes:
    """model.tar.gz of a version in the registry."""
    with s3(journey) as bucket:
        key = f"{MODEL}/{version}/model.tar.gz"
        return bucket.get_object(Bucket="sluice-models", Key=key)["Body"].read()


def until(what, holds, seconds=PATIENCE):
    """Wait for something that others bring about; what it was."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = holds()
        if found:
            return found
        time.sleep(POLL)
    raise AssertionError(f"{what}: not so after {seconds:.0f} s")


def model_yaml(journey, name, **release) -> dict[str, str]:
    """Environment of a run whose model.yaml says something else about releases."""
    folder = journey.laptop.state / f"models-{name}"
    shutil.copytree(ROOT / "models", folder, dirs_exist_ok=True)
    path = folder / MODEL / "model.yaml"
    spec = yaml.safe_load(path.read_text("utf-8"))
    spec["release"] = {**spec["release"], **release}
    path.write_text(yaml.safe_dump(spec), "utf-8")
    return {"SLUICE_MODELS_DIR": str(folder)}


def always(journey, deployment, environment) -> None:
    """Variables for every run of a deployment, whoever starts it."""
    found = journey.prefect.deployment(deployment)
    answer = journey.prefect._http.patch(
        f"/deployments/{found['id']}", json={"job_variables": {"env": environment}}
    )
    answer.raise_for_status()


def answer_dialog(journey, run, **said):
    """Fill in the dialog of a paused run, as the UI's button does."""

    def accepted():
        # The run pauses a moment before its form is there; Prefect rejects an answer until then.
        answer = journey.prefect._http.post(f"/flow_runs/{run}/resume", json={"run_input": said})
        return journey.prefect._ok(answer)["status"] == "ACCEPT"

    until("the run pauses", lambda: journey.prefect.state(run) == "PAUSED")
    until("the answer is taken", accepted, 60)
