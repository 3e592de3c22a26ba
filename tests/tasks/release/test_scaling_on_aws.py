"""Releases of a model that scales with its load: what serves is a scalable target, and scales."""

from __future__ import annotations

import time
from typing import Any

import pytest

from benchmarks.release import testbed
from tasks.release import roll_back, run, start_release
from tasks.release.hosting.names import variant_of
from tasks.specs.serving import AutoscalingSpec

pytestmark = pytest.mark.seconds(90)

TIME_SCALE = 120.0
MODEL = testbed.MODEL
SCALING = AutoscalingSpec(
    min_instances=1, max_instances=2, invocations_per_instance=10.0, cooldown_seconds=60
)


class Scaled:
    """What application autoscaling knows of the endpoint."""

    def __init__(self, aws: Any) -> None:
        self.client = aws.client("application-autoscaling")

    @property
    def targets(self) -> dict[str, tuple[int, int]]:
        told = self.client.describe_scalable_targets(ServiceNamespace="sagemaker")
        return {
            target["ResourceId"]: (target["MinCapacity"], target["MaxCapacity"])
            for target in told["ScalableTargets"]
        }

    @property
    def tracked(self) -> list[str]:
        told = self.client.describe_scaling_policies(ServiceNamespace="sagemaker")
        assert all(len(policy["Alarms"]) == 2 for policy in told["ScalingPolicies"])
        return [policy["ResourceId"] for policy in told["ScalingPolicies"]]

    def activities(self) -> list[Any]:
        told = self.client.describe_scaling_activities(ServiceNamespace="sagemaker")
        return list(told["ScalingActivities"])


def scaling_context() -> Any:
    spec = testbed.spec()
    serving = spec.serving.model_copy(update={"autoscaling": SCALING})
    return testbed.context("ann", spec.model_copy(update={"serving": serving}))


def release(place: Any, version: str, *, direct: bool = False) -> Any:
    context = scaling_context()
    start_release(context, MODEL, version, "ann", "weekly", direct=direct)
    return run(context, MODEL)


def resource(version: str) -> str:
    return f"endpoint/sluice-{MODEL}/variant/{variant_of(version)}"


def test_what_serves_scales_and_what_is_replaced_is_let_go(place: Any) -> None:
    scaled = Scaled(place.aws)
    for version in (place.publish(), place.publish()):
        with testbed.LoadGenerator(place.aws.endpoint_url):
            journal = release(place, version)
        assert journal.phase == "done", journal.verdict
        assert place.serves() == {variant_of(version): 1.0}
        assert scaled.targets == {resource(version): (1, 2)}
        assert scaled.tracked == [resource(version)]
    # A candidate is brought up with as many as the stable version has scaled to.
    done = {(a["ResourceId"], a["Description"]) for a in scaled.activities()}
    assert "Setting desired instance count to 2." in {words for _, words in done}
    deadline = time.monotonic() + 60
    while not any(
        activity["ResourceId"] == resource(version)
        and activity["Description"] == "Setting desired instance count to 1."
        and activity["StatusCode"] == "Successful"
        for activity in scaled.activities()
    ):
        assert time.monotonic() < deadline, scaled.activities()
        time.sleep(0.2)
    assert {a["StatusCode"] for a in scaled.activities()} <= {"Successful", "Overridden"}


def test_a_direct_release_and_one_that_comes_to_nothing_leave_what_serves_scaled(
    place: Any,
) -> None:
    scaled = Scaled(place.aws)
    serving = place.publish()
    journal = release(place, serving, direct=True)
    assert journal.phase == "done", journal.verdict
    assert scaled.targets == {resource(serving): (1, 2)}
    for behaviour in ({"dies": True}, {"errors": 0.6}):
        version = place.publish(**behaviour)
        with testbed.LoadGenerator(place.aws.endpoint_url):
            journal = release(place, version)
        assert journal.phase == "rolled_back", journal.verdict
        assert place.serves() == {variant_of(serving): 1.0}
        assert scaled.targets == {resource(serving): (1, 2)}
        assert scaled.tracked == [resource(serving)]


def test_a_rollback_by_hand_lets_go_of_what_it_takes_away_and_scales_what_comes_back(
    place: Any,
) -> None:
    scaled = Scaled(place.aws)
    first, second = place.publish(), place.publish()
    for version in (first, second):
        assert release(place, version, direct=True).phase == "done"
    assert scaled.targets == {resource(second): (1, 2)}
    journal = roll_back(scaling_context(), MODEL, "bob", "it answers nonsense", first)
    assert journal.phase == "rolled_back", journal.verdict
    assert place.serves() == {variant_of(first): 1.0}
    assert scaled.targets == {resource(first): (1, 2)}
    assert scaled.tracked == [resource(first)]
