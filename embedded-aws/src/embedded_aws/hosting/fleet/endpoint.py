"""An endpoint: its status, its generations, its routing table, and how it is described."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from embedded_aws.hosting.fleet.generation import ASYNC, Generation
from embedded_aws.hosting.fleet.routes import Routes
from embedded_aws.hosting.fleet.variant import Variant

Table = Routes[tuple[Generation, Variant]]


@dataclass
class Endpoint:
    """One endpoint. ``lock`` guards everything but ``routes``, which is swapped as a whole.

    Args:
        name: Its name.
        arn: Its resource name.
        config_name: The endpoint config that serves, or is to.
        created: Virtual unix time.
        status: ``EndpointStatus``.
        modified: Virtual unix time of the last change.
        failure: ``FailureReason``.
        last_deployment: ``LastDeploymentConfig``.
        active: The generation that serves.
        pending: The generation that an update brings up.
        pending_since: Virtual unix time of the update's start.
        stage: ``VariantStatus`` of the pending variants: status, its start, and a message.
        share: Part of the traffic on the pending generation.
        rolling: Capacity moves with the traffic.
        routes: Where requests go; None before the first generation serves, and at the end.
        told: The status that EventBridge knows.
    """

    name: str
    arn: str
    config_name: str
    created: float
    status: str = "Creating"
    modified: float = 0.0
    failure: str | None = None
    last_deployment: Mapping[str, Any] | None = None
    active: Generation | None = None
    pending: Generation | None = None
    pending_since: float = 0.0
    stage: tuple[str, float, str] = ("Creating", 0.0, "")
    share: float = 0.0
    rolling: bool = False
    routes: Table | None = None
    told: str = ""
    lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def generations(self) -> list[Generation]:
        """Those that stand."""
        return [g for g in (self.active, self.pending) if g is not None]

    @property
    def asynchronous(self) -> bool:
        """Whether it receives asynchronous invocations, and no others; that never changes."""
        return any(generation.asynchronous for generation in self.generations)

    def summary(self) -> dict[str, Any]:
        """One row of ListEndpoints."""
        with self.lock:
            return {
                "EndpointName": self.name,
                "EndpointArn": self.arn,
                "CreationTime": self.created,
                "LastModifiedTime": self.modified,
                "EndpointStatus": self.status,
            }

    def describe(self) -> dict[str, Any]:
        """The answer of DescribeEndpoint."""
        with self.lock:
            answer = {**self.summary(), "EndpointConfigName": self.config_name}
            if self.active is not None:
                answer.update(self._active(self.active))
            for generation in self.generations[:1]:
                if generation.asynchronous:
                    answer[ASYNC] = generation.config[ASYNC]
            if self.failure:
                answer["FailureReason"] = self.failure
            if self.last_deployment:
                answer["LastDeploymentConfig"] = dict(self.last_deployment)
            if self.pending is not None and self.status in {"Creating", "Updating"}:
                answer["PendingDeploymentSummary"] = self._pending(self.pending)
            return answer

    def _active(self, generation: Generation) -> dict[str, Any]:
        members: dict[str, Any] = {}
        for member, variants in _groups(generation):
            members[member] = [self._variant(v, self.rolling and self.share) for v in variants]
        if generation.data_capture:
            capture = generation.data_capture
            enabled = bool(capture.get("EnableCapture", True))
            members["DataCaptureConfig"] = {
                "EnableCapture": enabled,
                "CaptureStatus": "Started" if enabled else "Stopped",
                "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
                "DestinationS3Uri": capture["DestinationS3Uri"],
                "KmsKeyId": capture.get("KmsKeyId", ""),
            }
        if "MetricsConfig" in generation.config:
            members["MetricsConfig"] = generation.config["MetricsConfig"]
        return members

    def _pending(self, generation: Generation) -> dict[str, Any]:
        status, since, message = self.stage
        summary: dict[str, Any] = {
            "EndpointConfigName": generation.config_name,
            "StartTime": self.pending_since,
        }
        for member, variants in _groups(generation):
            summary[member] = []
            for variant in variants:
                row = self._variant(variant, 0.0)
                if status == "Creating":
                    row["CurrentWeight"], row["CurrentInstanceCount"] = 0.0, 0
                elif self.rolling:
                    count = math.ceil(self.share * variant.numbers.desired_count)
                    row["CurrentInstanceCount"] = count
                row["VariantStatus"] = [{"Status": status, "StartTime": since}]
                if message:
                    row["VariantStatus"][0]["StatusMessage"] = message
                if "InstanceType" in variant.spec:
                    row["InstanceType"] = variant.spec["InstanceType"]
                summary[member].append(row)
        return summary

    @staticmethod
    def _variant(variant: Variant, share: float) -> dict[str, Any]:
        numbers = variant.numbers
        row: dict[str, Any] = {
            "VariantName": variant.name,
            "CurrentWeight": numbers.current_weight,
            "DesiredWeight": numbers.desired_weight,
        }
        if variant.serverless is not None:
            row["CurrentServerlessConfig"] = dict(variant.serverless)
            row["DesiredServerlessConfig"] = dict(variant.serverless)
        else:
            count = numbers.current_count - math.ceil(share * numbers.current_count)
            row["CurrentInstanceCount"] = count
            row["DesiredInstanceCount"] = numbers.desired_count
        if "Image" in variant.container:
            image = variant.container["Image"]
            row["DeployedImages"] = [
                {
                    "SpecifiedImage": image,
                    "ResolvedImage": image,
                    "ResolutionTime": variant.resolved_at,
                }
            ]
        for member in ("ManagedInstanceScaling", "RoutingConfig"):
            if member in variant.spec:
                row[member] = variant.spec[member]
        return row


def _groups(generation: Generation) -> list[tuple[str, list[Variant]]]:
    groups = [("ProductionVariants", list(generation.production.values()))]
    if generation.shadow:
        groups.append(("ShadowProductionVariants", list(generation.shadow.values())))
    return groups
