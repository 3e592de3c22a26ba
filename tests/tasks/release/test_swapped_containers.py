"""Bytes that are swapped behind a version that serves reach no user: new containers refuse them.

SageMaker fetches model.tar.gz again for each instance that scaling adds and for each machine that
it replaces, long after a release looked at it.
"""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.release import testbed
from embedded_aws.embedded import EmbeddedAws
from models.runtime import model_files
from tasks.registry.publication import vouch
from tasks.release import roll_back, run, start_release
from tests.tasks.release.conftest import Place, settled

pytestmark = pytest.mark.seconds(60)

TIME_SCALE = 240.0
MODEL, BUCKET, ENDPOINT = testbed.MODEL, testbed.BUCKET, f"sluice-{testbed.MODEL}"
SECONDS = 60.0


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    """An AWS whose serving images have the entry point that docs/platform.md asks for."""
    entrypoint = shlex.join((sys.executable, "-I", str(Path(model_files.__file__).resolve())))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBEDDED_AWS_HOSTING_ENTRYPOINT", entrypoint)
        patch.setenv("EMBEDDED_AWS_HOSTING_PROCESSES_PER_VARIANT", "2")
        with EmbeddedAws(time_scale=TIME_SCALE) as embedded:
            yield embedded


@pytest.fixture(scope="module")
def place(aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A test environment in which nothing serves yet."""
    with settled(aws, tmp_path_factory.mktemp("bundles")) as made:
        yield made


def direct(place: Place, version: str) -> Any:
    """A release without a canary."""
    context = place.context()
    start_release(context, MODEL, version, "ann", "weekly", direct=True)
    return run(context, MODEL)


@contextmanager
def swapped(place: Place, version: str, program: str = testbed.PROGRAM) -> Iterator[None]:
    """Another model.tar.gz in the version's place, for a while."""
    s3 = place.aws.client("s3")
    where = {"Bucket": BUCKET, "Key": f"{MODEL}/{version}/model.tar.gz"}
    sound = s3.get_object(**where)["Body"].read()
    s3.put_object(**where, Body=testbed.archive({"add": 1000.0}, program))
    yield
    s3.put_object(**where, Body=sound)


def unlisted(place: Place) -> str:
    """A version as it was published before there were lists."""
    version = place.publish(add=0.0)
    s3, key = place.aws.client("s3"), f"{MODEL}/{version}/manifest.json"
    known = json.loads(s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    known["files"] = [file for file in known["files"] if file["path"] != model_files.LISTING]
    s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(known).encode())
    s3.delete_object(Bucket=BUCKET, Key=f"{MODEL}/{version}/{model_files.LISTING}")
    vouch(BUCKET, MODEL, version)
    return version


def scaled_to(place: Place, count: int) -> dict[str, Any]:
    """The endpoint once it has settled with so many instances asked for."""
    sagemaker = place.aws.client("sagemaker")
    (variant,) = sagemaker.describe_endpoint(EndpointName=ENDPOINT)["ProductionVariants"]
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=ENDPOINT,
        DesiredWeightsAndCapacities=[
            {"VariantName": variant["VariantName"], "DesiredInstanceCount": count}
        ],
    )
    return settles(place)


def settles(place: Place) -> dict[str, Any]:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        told = place.aws.client("sagemaker").describe_endpoint(EndpointName=ENDPOINT)
        if told["EndpointStatus"] in {"InService", "Failed"}:
            return dict(told)
        time.sleep(0.05)
    raise AssertionError(f"{told['EndpointStatus']} after {SECONDS:.0f} s")


def logged(place: Place, beginning: str) -> list[str]:
    """Lines of the containers that begin so, once there are any."""
    logs, deadline = place.aws.client("logs"), time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        # The group is made with the first lines, which arrive after what they tell of.
        with suppress(logs.exceptions.ResourceNotFoundException):
            events = logs.filter_log_events(logGroupName=f"/aws/sagemaker/Endpoints/{ENDPOINT}")
            lines = [event["message"] for event in events["events"]]
            if found := [line for line in lines if line.startswith(beginning)]:
                return found
        time.sleep(0.1)
    return []


def test_a_new_instance_does_not_come_up_with_swapped_bytes_and_says_why(place: Place) -> None:
    version = place.publish(add=0.0)
    assert direct(place, version).phase == "done"
    before = place.serves()
    with swapped(place, version), testbed.LoadGenerator(place.aws.endpoint_url, threads=1) as load:
        told = scaled_to(place, 2)
    assert told["EndpointStatus"] == "InService"
    assert told["FailureReason"]
    assert told["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert place.serves() == before
    assert load.failed == 0, load.broken[:3]
    said = logged(place, "REFUSED")[-1]
    for part in (f"{MODEL} {version}", "'how.json'", "and was released with SHA-256", "Restore"):
        assert part in said
    assert "'code/serve.py'" not in said, "only what differs is named"
    assert scaled_to(place, 2)["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    scaled_to(place, 1)


def test_a_swapped_program_is_not_run_either(place: Place, tmp_path: Path) -> None:
    """What only an image's own entry point can promise: the archive's program is swapped, too."""
    version, ran, before = place.publish(add=0.0), tmp_path / "ran", place.serves()
    context = place.context()
    start_release(context, MODEL, version, "ann", "weekly", direct=True)
    with swapped(place, version, f"open({str(ran)!r}, 'w').close()\n{testbed.PROGRAM}"):
        ended = run(context, MODEL)
    assert ended.phase == "rolled_back", ended.verdict
    assert "'code/serve.py' has SHA-256" in ended.marks["logs"]
    assert "REFUSED: what was fetched from S3 is not what was released" in ended.verdict
    assert not ran.exists()
    assert place.serves() == before


def test_an_endpoint_that_is_made_again_does_not_come_up_with_swapped_bytes(place: Place) -> None:
    sagemaker, version = place.aws.client("sagemaker"), place.pointer().version
    config = sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"]

    def made_again() -> dict[str, Any]:
        sagemaker.delete_endpoint(EndpointName=ENDPOINT)
        sagemaker.get_waiter("endpoint_deleted").wait(
            EndpointName=ENDPOINT, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
        sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=config)
        return settles(place)

    with swapped(place, version):
        told = made_again()
    assert told["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in told["FailureReason"]
    assert made_again()["EndpointStatus"] == "InService"


def test_a_version_without_a_list_of_its_files_serves_as_before(place: Place) -> None:
    version = place.publish(add=0.0)
    files = place.context().registry.manifest(MODEL, version).sha256(model_files.LISTING)
    ended = direct(place, version)
    assert ended.phase == "done", ended.verdict
    container = place.context().cloud.model_container(ended.candidate.model_name)
    assert container["Environment"][model_files.EXPECTED] == files
    older = unlisted(place)
    ended = direct(place, older)
    assert (ended.phase, ended.candidate.files) == ("done", ""), ended.verdict
    container = place.context().cloud.model_container(ended.candidate.model_name)
    assert not [name for name in container["Environment"] if "FILES" in name]
    back = roll_back(place.context("bob"), MODEL, "bob", "put it back")
    assert (back.phase, back.stable.version, back.stable.files) == ("rolled_back", version, files)
    with swapped(place, version):
        assert scaled_to(place, 2)["FailureReason"], "a rollback's containers compare, too"


def test_a_container_without_a_network_serves_and_its_log_says_what_is_open_here(
    place: Place,
) -> None:
    version, context = place.publish(add=0.0), place.context()
    spec = context.spec(MODEL)
    serving = spec.serving.model_copy(update={"network_isolation": True})
    context = replace(context, specs={MODEL: spec.model_copy(update={"serving": serving})})
    start_release(context, MODEL, version, "ann", "weekly", direct=True)
    ended = run(context, MODEL)
    assert ended.phase == "done", ended.verdict
    made = place.aws.client("sagemaker").describe_model(ModelName=ended.candidate.model_name)
    assert made["EnableNetworkIsolation"]
    assert made["PrimaryContainer"]["Environment"]["SLUICE_METRICS_NAMESPACE"] == ""
    assert "the network stays open here" in logged(place, "EnableNetworkIsolation")[-1]
