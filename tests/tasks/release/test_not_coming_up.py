"""Containers that exit, hang, answer their ping with 500, or need long; first and later ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.release import testbed
from embedded_aws.embedded import EmbeddedAws
from tasks.release import run, start_release
from tasks.release.pages import timeline
from tests.tasks.release.conftest import Place, settled
from tests.tasks.release.machine.test_bounds import Broken, nothing

pytestmark = pytest.mark.seconds(70)

TIME_SCALE = 120.0
START_SECONDS = 25
"""Real seconds after which a container that does not answer its ping has failed."""
NOT_UP: dict[str, tuple[dict[str, Any], str]] = {
    "exits": ({"dies": True}, "no weights, no service"),
    "hangs": ({"starts_after": 3600}, "no answer to GET /ping"),
    "answers 500": ({"ping": 500}, "no answer to GET /ping"),
}
"""What a container does, and what its log says last."""
ACTS = ("create_model", "create_config", "create_endpoint", "update_endpoint", "delete_endpoint")


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    """An AWS whose patience with a container is short in real time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMBEDDED_AWS_HOSTING_START_TIMEOUT_CAP", str(START_SECONDS))
        with EmbeddedAws(time_scale=TIME_SCALE) as embedded:
            yield embedded


@pytest.fixture(scope="module")
def place(aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A test environment in which something may serve already."""
    with settled(aws, tmp_path_factory.mktemp("bundles")) as made:
        yield made


@pytest.fixture
def empty(place: Place) -> Place:
    """The same, in which nothing serves yet."""
    sagemaker, s3 = place.aws.client("sagemaker"), place.aws.client("s3")
    models, configs, endpoints = names(place)
    for name in endpoints:
        sagemaker.delete_endpoint(EndpointName=name)
        sagemaker.get_waiter("endpoint_deleted").wait(
            EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )
    for name in configs:
        sagemaker.delete_endpoint_config(EndpointConfigName=name)
    for name in models:
        sagemaker.delete_model(ModelName=name)
    for item in s3.list_objects_v2(Bucket=testbed.BUCKET).get("Contents", []):
        s3.delete_object(Bucket=testbed.BUCKET, Key=item["Key"])
    return place


def released(place: Place, version: str) -> tuple[Any, Broken]:
    """The end of a release, and the calls that were made for it."""
    context = place.context()
    counted = Broken(context.cloud, "", nothing)
    context = replace(context, cloud=counted)
    start_release(context, testbed.MODEL, version, "ann", "weekly")
    return run(context, testbed.MODEL), counted


def names(place: Place) -> tuple[list[str], list[str], list[str]]:
    """Models, configurations and endpoints that there are."""
    sagemaker = place.aws.client("sagemaker")
    return (
        [item["ModelName"] for item in sagemaker.list_models()["Models"]],
        [c["EndpointConfigName"] for c in sagemaker.list_endpoint_configs()["EndpointConfigs"]],
        [item["EndpointName"] for item in sagemaker.list_endpoints()["Endpoints"]],
    )


def says_why(place: Place, ended: Any, version: str, line: str) -> None:
    """The journal, the page and the message name the ping and what the container wrote."""
    assert line in ended.marks["logs"]
    last = ended.marks["logs"].splitlines()[-1]
    page = timeline.page(ended)
    mail = place.told()[f"Rolled back: {testbed.MODEL} {version}"]
    for text in (ended.verdict, mail):
        first = text.split(". ")[0]
        assert last.rstrip(".") in first
        assert "ping" in first
    assert line in page
    assert "ping" in page


@pytest.mark.parametrize("kind", NOT_UP)
def test_a_first_version_that_does_not_come_up_leaves_nothing(empty: Place, kind: str) -> None:
    how, line = NOT_UP[kind]
    version = empty.publish(**how)
    ended, counted = released(empty, version)
    assert ended.phase == "rolled_back", ended.verdict
    says_why(empty, ended, version, line)
    assert "nothing serves, and everything made for it was removed" in ended.verdict
    assert {act: counted.calls[act] for act in ACTS} == {
        **dict.fromkeys(ACTS, 1),
        "update_endpoint": 0,
    }
    assert names(empty) == ([], [], [])
    assert empty.pointer() is None
    assert empty.aws.client("cloudwatch").describe_alarms()["MetricAlarms"] == []


def test_a_first_version_that_needs_long_serves(empty: Place) -> None:
    version = empty.publish(starts_after=6)
    ended, _ = released(empty, version)
    assert ended.phase == "done", ended.verdict
    assert empty.pointer().version == version


@pytest.mark.parametrize("kind", NOT_UP)
def test_a_later_version_that_does_not_come_up_leaves_the_stable_one(
    place: Place, kind: str
) -> None:
    if place.pointer() is None:
        assert released(place, place.publish())[0].phase == "done"
    before, serves = place.pointer(), place.serves()
    stands = names(place)
    how, line = NOT_UP[kind]
    version = place.publish(**how)
    ended, counted = released(place, version)
    assert ended.phase == "rolled_back", ended.verdict
    says_why(place, ended, version, line)
    assert ended.verdict.endswith(f"From {version} to {before.version}.")
    assert counted.calls["create_model"] == 1
    assert counted.calls["create_endpoint"] == counted.calls["delete_endpoint"] == 0
    assert counted.calls["update_endpoint"] == 1
    assert (place.pointer(), place.serves(), names(place)) == (before, serves, stands)
