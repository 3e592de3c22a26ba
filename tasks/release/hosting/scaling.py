"""Scaling of endpoint variants with their load (application autoscaling). Thin."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tasks.aws import asking, client
from tasks.errors import AwsRejected
from tasks.release.hosting.requests import scaling_policy
from tasks.specs.serving import AutoscalingSpec

DIMENSION = {
    "ServiceNamespace": "sagemaker",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}


def scale_only(endpoint: str, variants: Collection[str], spec: AutoscalingSpec | None) -> str:
    """Register just these variants of an endpoint; the others are let go.

    A variant that is registered cannot be removed from an endpoint, so this comes before each
    configuration that lacks one.
    """
    wanted = {f"endpoint/{endpoint}/variant/{variant}" for variant in variants} if spec else set()
    for resource in _registered(endpoint) - wanted:
        _let_go(resource)
    for resource in sorted(wanted):
        _register(resource, spec or AutoscalingSpec())
    return f"scaling: {', '.join(sorted(variants)) if wanted else 'none'}"


def _registered(endpoint: str) -> set[str]:
    targets: set[str] = set()
    token: dict[str, str] = {}
    while True:
        with asking("DescribeScalableTargets sagemaker"):
            # A dimension may only be asked for together with resources, and those are not known.
            answer: dict[str, Any] = client("application-autoscaling").describe_scalable_targets(
                ServiceNamespace=DIMENSION["ServiceNamespace"], **token
            )
        listed = (
            item["ResourceId"]
            for item in answer["ScalableTargets"]
            if item["ScalableDimension"] == DIMENSION["ScalableDimension"]
        )
        targets |= {name for name in listed if name.startswith(f"endpoint/{endpoint}/")}
        if not answer.get("NextToken"):
            return targets
        token = {"NextToken": answer["NextToken"]}


def _let_go(resource: str) -> None:
    try:
        with asking(f"DeregisterScalableTarget {resource}"):
            client("application-autoscaling").deregister_scalable_target(
                ResourceId=resource, **DIMENSION
            )
    except AwsRejected as error:
        if error.code != "ObjectNotFoundException":
            raise


def _register(resource: str, spec: AutoscalingSpec) -> None:
    with asking(f"RegisterScalableTarget {resource}"):
        client("application-autoscaling").register_scalable_target(
            ResourceId=resource,
            MinCapacity=spec.min_instances,
            MaxCapacity=spec.max_instances,
            **DIMENSION,
        )
    with asking(f"PutScalingPolicy {resource}"):
        client("application-autoscaling").put_scaling_policy(
            PolicyName="sluice-invocations",
            ResourceId=resource,
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=scaling_policy(spec),
            **DIMENSION,
        )
