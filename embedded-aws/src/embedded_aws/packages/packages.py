"""CreateModelPackage and what belongs to it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from embedded_aws.catalogue import arn, page
from embedded_aws.events import sagemaker as events
from embedded_aws.packages.groups import CREATOR, Groups
from embedded_aws.protocol.service import AwsFault
from embedded_aws.world import World

KIND = "sagemaker.model-package"
NOT_BUILT = {
    "ValidationSpecification": "no batch transform runs here, so that nothing would be validated",
    "ManagedStorageType": "artefacts stay where their address says",
}
SUMMARY = (
    *("ModelPackageName", "ModelPackageGroupName", "ModelPackageVersion", "ModelPackageArn"),
    *("ModelPackageDescription", "CreationTime", "ModelPackageStatus", "ModelApprovalStatus"),
    *("ModelLifeCycle", "ModelPackageRegistrationType"),
)
REPLACED = (
    *("ModelApprovalStatus", "ModelPackageRegistrationType", "ApprovalDescription"),
    *("InferenceSpecification", "SourceUri", "ModelLifeCycle"),
)
"""Members that UpdateModelPackage puts in place of what was there."""
BATCH = ("InferenceSpecification", *SUMMARY)


class Packages:
    """The model packages of one embedded AWS: versions of a group, or named on their own.

    ``groups`` is set once, before the first request: each needs the other.
    """

    groups: Groups

    def __init__(self, world: World, lock: threading.RLock) -> None:
        self._world = world
        self._lock = lock
        self._packages: dict[str, dict[str, Any]] = {
            record["package"]["ModelPackageArn"]: record for record in world.records.all(KIND)
        }

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        """CreateModelPackage: the next version of its group, or a package of that name.

        With the ``ClientToken`` of an earlier request, the answer to that one.
        """
        _refuse(params)
        with self._lock:
            earlier = self._of_token(params)
            if earlier is not None:
                return {"ModelPackageArn": earlier["package"]["ModelPackageArn"]}
            package = {
                key: value for key, value in params.items() if key not in {"Tags", "ClientToken"}
            }
            package |= {
                **self._named(params),
                "CreationTime": self._world.clock.now(),
                "CreatedBy": CREATOR,
                "ModelPackageStatus": "Completed",
                "ModelPackageStatusDetails": {"ValidationStatuses": [], "ImageScanStatuses": []},
                "CertifyForMarketplace": False,
            }
            if "ModelPackageVersion" in package:
                package.setdefault("ModelApprovalStatus", "PendingManualApproval")
            self._keep({"package": package, "request": params})
        return {"ModelPackageArn": package["ModelPackageArn"]}

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeModelPackage."""
        with self._lock:
            return dict(self._get(params["ModelPackageName"])["package"])

    def describe_many(self, params: dict[str, Any]) -> dict[str, Any]:
        """BatchDescribeModelPackage: what there is, and an error for each that is not."""
        summaries: dict[str, Any] = {}
        faults: dict[str, Any] = {}
        with self._lock:
            for resource in params["ModelPackageArnList"]:
                try:
                    package = self._get(resource)["package"]
                except AwsFault as fault:
                    faults[resource] = {"ErrorCode": fault.code, "ErrorResponse": fault.message}
                else:
                    summaries[resource] = {key: package[key] for key in BATCH if key in package}
        return {"ModelPackageSummaries": summaries, "BatchDescribeModelPackageErrorMap": faults}

    def listing(self, params: dict[str, Any]) -> dict[str, Any]:
        """ListModelPackages: by default those that are in no group, as AWS does."""
        with self._lock:
            group = params.get("ModelPackageGroupName")
            name = None if group is None else self.groups.name_of(group)
            kind = params.get("ModelPackageType", "Unversioned" if name is None else "Versioned")
            rows = [
                {key: package[key] for key in SUMMARY if key in package}
                for package in (record["package"] for record in self._packages.values())
                if _wanted(package, name, kind, params.get("ModelApprovalStatus"))
            ]
        # Versions of a group have no name of their own to sort and search by.
        keyed = [
            {"ModelPackageName": row["ModelPackageArn"].split("/", 1)[1], **row} for row in rows
        ]
        answer = page(keyed, params, "ModelPackage", "ModelPackageSummaryList")
        for row in answer["ModelPackageSummaryList"]:
            if "ModelPackageVersion" in row:
                del row["ModelPackageName"]
        return answer

    def update(self, params: dict[str, Any]) -> dict[str, Any]:
        """UpdateModelPackage: approval, metadata, card, further specifications."""
        with self._lock:
            record = self._get(params["ModelPackageArn"])
            package = {**record["package"], **{k: params[k] for k in REPLACED if k in params}}
            properties = {
                **package.get("CustomerMetadataProperties", {}),
                **params.get("CustomerMetadataProperties", {}),
            }
            for key in params.get("CustomerMetadataPropertiesToRemove", []):
                properties.pop(key, None)
            if properties or "CustomerMetadataProperties" in package:
                package["CustomerMetadataProperties"] = properties
            if "ModelCard" in params:
                package["ModelCard"] = {**package.get("ModelCard", {}), **params["ModelCard"]}
            added = params.get("AdditionalInferenceSpecificationsToAdd")
            if added:
                specifications = package.get("AdditionalInferenceSpecifications", [])
                package["AdditionalInferenceSpecifications"] = [*specifications, *added]
            package |= {"LastModifiedTime": self._world.clock.now(), "LastModifiedBy": CREATOR}
            self._keep({**record, "package": package})
        return {"ModelPackageArn": package["ModelPackageArn"]}

    def delete(self, params: dict[str, Any]) -> dict[str, Any]:
        """DeleteModelPackage; its version's number is not given out again."""
        with self._lock:
            resource = self._get(params["ModelPackageName"])["package"]["ModelPackageArn"]
            self._world.records.drop(KIND, resource)
            del self._packages[resource]
        return {}

    def in_group(self, name: str) -> list[str]:
        """ARNs of the packages in a group."""
        return [
            resource
            for resource, record in self._packages.items()
            if record["package"].get("ModelPackageGroupName") == name
        ]

    def _named(self, params: Mapping[str, Any]) -> dict[str, Any]:
        if "ModelPackageGroupName" not in params:
            name = params["ModelPackageName"]
            resource = arn(self._world, "model-package", name)
            if resource in self._packages:
                raise AwsFault("ConflictException", f"Model Package already exists: {resource}")
            return {"ModelPackageArn": resource}
        group = self.groups.name_of(params["ModelPackageGroupName"])
        number = self.groups.next_version(group)
        resource = arn(self._world, "model-package", f"{group}/{number}")
        return {
            "ModelPackageGroupName": group,
            "ModelPackageVersion": number,
            "ModelPackageArn": resource,
        }

    def _of_token(self, params: Mapping[str, Any]) -> dict[str, Any] | None:
        token = params.get("ClientToken")
        for record in self._packages.values():
            if token and record["request"].get("ClientToken") == token:
                if record["request"] == params:
                    return record
                raise AwsFault(
                    "ConflictException", f"ClientToken {token} was used for another request."
                )
        return None

    def _get(self, name_or_arn: str) -> dict[str, Any]:
        resource = name_or_arn
        if not name_or_arn.startswith("arn:"):
            resource = arn(self._world, "model-package", name_or_arn)
        record = self._packages.get(resource)
        if record is None:
            raise AwsFault("ValidationException", f"ModelPackage {resource} does not exist.")
        return record

    def _keep(self, record: dict[str, Any]) -> None:
        resource = record["package"]["ModelPackageArn"]
        self._world.records.put(KIND, resource, record)
        self._packages[resource] = record
        self._world.events.tell(events.model_package(record["package"]))


def _wanted(package: Mapping[str, Any], group: str | None, kind: str, approval: str | None) -> bool:
    versioned = "ModelPackageVersion" in package
    return (
        (group is None or package.get("ModelPackageGroupName") == group)
        and kind in {"Both", "Versioned" if versioned else "Unversioned"}
        and (approval is None or package.get("ModelApprovalStatus") == approval)
    )


def _refuse(params: Mapping[str, Any]) -> None:
    """What AWS refuses, and what is not built."""
    for name, why in NOT_BUILT.items():
        if name in params:
            raise AwsFault("ValidationException", f"{name} is not built here: {why}.")
    if params.get("CertifyForMarketplace"):
        raise AwsFault("ValidationException", "There is no marketplace here.")
    names = [name for name in ("ModelPackageName", "ModelPackageGroupName") if name in params]
    if len(names) != 1:
        raise AwsFault(
            "ValidationException",
            "Exactly one of ModelPackageName and ModelPackageGroupName must be specified.",
        )
    if names == ["ModelPackageName"] and "ModelApprovalStatus" in params:
        raise AwsFault(
            "ValidationException",
            "ModelApprovalStatus belongs to versions of a model package group.",
        )
    sources = ("InferenceSpecification", "SourceAlgorithmSpecification", "SourceUri")
    if not any(name in params for name in sources):
        raise AwsFault("ValidationException", f"One of {', '.join(sources)} must be specified.")
