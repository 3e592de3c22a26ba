"""Somebody writes to the registry, on the running stack: his bytes reach no user."""

from contextlib import contextmanager

import pytest

from deployments.demo import sabotage
from deployments.laptop.resources import client
from tests.journeys.conftest import FIRST_DAY
from tests.journeys.killing import MODEL
from tests.journeys.releasing import FOREVER, artefact, journal, s3, sabotaged, until, users

pytestmark = [pytest.mark.journey, pytest.mark.timeout(900)]
AGAIN = f"again-{MODEL}"
"""An endpoint beside the one that serves, with the same configuration."""


@pytest.fixture(scope="module")
def traffic(journey, survived):
    with users(journey, FIRST_DAY) as traffic:
        yield traffic


@contextmanager
def swapped(journey, version, body):
    """Other bytes in the place of a published version's archive, for a while."""
    sound, key = artefact(journey, version), f"{MODEL}/{version}/model.tar.gz"
    with s3(journey) as bucket:
        bucket.put_object(Bucket="sluice-models", Key=key, Body=body)
        yield
        bucket.put_object(Bucket="sluice-models", Key=key, Body=sound)


@pytest.mark.parametrize(
    ("deployment", "named"), [("release/manual", "version"), ("rollback/manual", "to_version")]
)
def test_a_version_with_one_other_bit_is_refused_and_users_notice_nothing(
    journey, traffic, deployment, named
):
    stable, before, stands = journey.outside.pointer(MODEL), traffic.seen().errors, journal(journey)
    version = sabotaged(journey, "errors", "--after", str(FOREVER))
    flipped = bytearray(artefact(journey, version))
    flipped[len(flipped) // 2] ^= 1
    with swapped(journey, version, bytes(flipped)):
        run = journey.prefect.start(deployment, {"model": MODEL, named: version, "reason": "try"})
        ended = journey.prefect.ended(run)
    assert ended["state_type"] == "FAILED"
    said = ended["state"]["message"]
    for part in (version, "not what its manifest says", "model.tar.gz", "Restore"):
        assert part in said
    assert journey.outside.pointer(MODEL) == stable
    journey.outside.only_serves(MODEL, stable["version"])
    assert journal(journey)["release_id"] == stands["release_id"], "nothing was begun"
    assert traffic.seen().errors == before, traffic.seen().last_error


def test_a_new_container_refuses_what_was_swapped_behind_the_version_that_serves(journey, traffic):
    serves, before = journey.outside.pointer(MODEL)["version"], traffic.seen().errors
    sagemaker = client("sagemaker", journey.laptop.variables())
    logs = client("logs", journey.laptop.variables())
    config = sagemaker.describe_endpoint(EndpointName=f"sluice-{MODEL}")["EndpointConfigName"]

    def made():
        """How a new endpoint of the same configuration ends, and what its containers said."""
        sagemaker.create_endpoint(EndpointName=AGAIN, EndpointConfigName=config)
        status = until(
            "it has settled",
            lambda: settled(sagemaker.describe_endpoint(EndpointName=AGAIN)["EndpointStatus"]),
        )
        events = logs.filter_log_events(logGroupName=f"/aws/sagemaker/Endpoints/{AGAIN}")["events"]
        sagemaker.delete_endpoint(EndpointName=AGAIN)
        sagemaker.get_waiter("endpoint_deleted").wait(
            EndpointName=AGAIN, WaiterConfig={"Delay": 1, "MaxAttempts": 120}
        )
        return status, "\n".join(event["message"] for event in events)

    wrong = sabotage.sabotaged(artefact(journey, serves), "wrong")
    with swapped(journey, serves, wrong):
        status, said = made()
    assert status == "Failed", said
    for part in (f"released as {MODEL} {serves}", f"'code/{sabotage.SETTINGS}'", "Restore"):
        assert part in said
    status, said = made()
    assert status == "InService", said
    journey.outside.only_serves(MODEL, serves)
    assert traffic.seen().errors == before, traffic.seen().last_error
    for used in (sagemaker, logs):
        used.close()


def settled(status):
    return status if status in {"InService", "Failed"} else None
