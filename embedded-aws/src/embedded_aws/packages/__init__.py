"""SageMaker's model registry: package groups and the versions in them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from embedded_aws.packages.groups import Groups
from embedded_aws.packages.packages import Packages
from embedded_aws.world import World


class ModelRegistry:
    """The actions on model packages and their groups.

    Nothing of it runs: a package is what was said of a model, and who approved it.
    """

    def __init__(self, world: World) -> None:
        lock = threading.RLock()
        self._packages = Packages(world, lock)
        self._groups = Groups(world, lock, self._packages.in_group)
        self._packages.groups = self._groups

    def actions(self) -> dict[str, Callable[[dict[str, Any]], dict[str, Any]]]:
        """Handlers by API action."""
        groups, packages = self._groups, self._packages
        return {
            "CreateModelPackageGroup": groups.create,
            "DescribeModelPackageGroup": groups.describe,
            "ListModelPackageGroups": groups.listing,
            "DeleteModelPackageGroup": groups.delete,
            "CreateModelPackage": packages.create,
            "DescribeModelPackage": packages.describe,
            "BatchDescribeModelPackage": packages.describe_many,
            "ListModelPackages": packages.listing,
            "UpdateModelPackage": packages.update,
            "DeleteModelPackage": packages.delete,
        }

    def close(self) -> None:
        """Nothing runs here."""
