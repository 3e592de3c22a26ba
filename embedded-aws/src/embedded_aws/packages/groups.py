"""CreateModelPackageGroup and what belongs to it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from embedded_aws.catalogue import arn, page
from embedded_aws.protocol.service import AwsFault
from embedded_aws.world import World

KIND = "sagemaker.model-package-group"
VERSIONS = "versions"
"""How many versions a group has given out; no member of the API."""
CREATOR = {"UserProfileArn": "", "UserProfileName": "", "DomainId": ""}


class Groups:
    """The package groups of one embedded AWS.

    Args:
        world: Clock, region, memory.
        lock: One for groups and packages: a group is deleted only while it is empty.
        in_group: Names of the packages in a group.
    """

    def __init__(
        self, world: World, lock: threading.RLock, in_group: Callable[[str], list[str]]
    ) -> None:
        self._world = world
        self._lock = lock
        self._in_group = in_group
        self._groups: dict[str, dict[str, Any]] = {
            group["ModelPackageGroupName"]: group for group in world.records.all(KIND)
        }

    def create(self, params: dict[str, Any]) -> dict[str, Any]:
        """CreateModelPackageGroup."""
        if "ManagedConfiguration" in params:
            raise AwsFault("ValidationException", "ManagedConfiguration is not built here.")
        name = params["ModelPackageGroupName"]
        resource = arn(self._world, "model-package-group", name)
        with self._lock:
            if name in self._groups:
                raise AwsFault(
                    "ValidationException", f"Model Package Group already exists: {resource}"
                )
            group = {
                **{key: value for key, value in params.items() if key != "Tags"},
                "ModelPackageGroupArn": resource,
                "CreationTime": self._world.clock.now(),
                "CreatedBy": CREATOR,
                "ModelPackageGroupStatus": "Completed",
            }
            self._keep(group)
        return {"ModelPackageGroupArn": resource}

    def describe(self, params: dict[str, Any]) -> dict[str, Any]:
        """DescribeModelPackageGroup."""
        with self._lock:
            group = self._groups[self.name_of(params["ModelPackageGroupName"])]
            return {key: value for key, value in group.items() if key != VERSIONS}

    def listing(self, params: dict[str, Any]) -> dict[str, Any]:
        """ListModelPackageGroups."""
        if params.get("CrossAccountFilterOption", "SameAccount") != "SameAccount":
            raise AwsFault("ValidationException", "There is one account here: SameAccount.")
        members = ("Name", "Arn", "Description", "Status")
        with self._lock:
            rows = [
                {
                    key: group[key]
                    for key in (*(f"ModelPackageGroup{one}" for one in members), "CreationTime")
                    if key in group
                }
                for group in self._groups.values()
            ]
        return page(rows, params, "ModelPackageGroup", "ModelPackageGroupSummaryList")

    def delete(self, params: dict[str, Any]) -> dict[str, Any]:
        """DeleteModelPackageGroup: only an empty one goes."""
        with self._lock:
            name = self.name_of(params["ModelPackageGroupName"])
            if self._in_group(name):
                raise AwsFault(
                    "ConflictException",
                    f"Model Package Group {self._groups[name]['ModelPackageGroupArn']} cannot be "
                    "deleted because it still contains Model Packages.",
                )
            self._world.records.drop(KIND, name)
            del self._groups[name]
        return {}

    def next_version(self, name: str) -> int:
        """The number of a group's next version, which is given out once."""
        number = int(self._groups[name].get(VERSIONS, 0)) + 1
        self._keep({**self._groups[name], VERSIONS: number})
        return number

    def _keep(self, group: dict[str, Any]) -> None:
        name = group["ModelPackageGroupName"]
        self._world.records.put(KIND, name, group)
        self._groups[name] = group

    def name_of(self, name_or_arn: str) -> str:
        """The name of a group that is there.

        Raises:
            AwsFault: ``ValidationException`` when there is none of that name or ARN.
        """
        for name, group in self._groups.items():
            if name_or_arn in {name, group["ModelPackageGroupArn"]}:
                return name
        resource = name_or_arn
        if not name_or_arn.startswith("arn:"):
            resource = arn(self._world, "model-package-group", name_or_arn)
        raise AwsFault("ValidationException", f"ModelPackageGroup {resource} does not exist.")
