"""The state that all parts of hosting share."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

from embedded_aws.hosting.meters import Meters
from embedded_aws.hosting.settings import HostingSettings
from embedded_aws.logs import Logs
from embedded_aws.processes.spawner import Spawner
from embedded_aws.world import World


class SharedState:
    """World, settings, log and metric writers, process spawner and AWS clients.

    Args:
        world: The embedded AWS that this belongs to.
        settings: How large to play.
    """

    def __init__(self, world: World, settings: HostingSettings) -> None:
        self.world = world
        self.settings = settings
        self.closing = threading.Event()
        self.spawner = Spawner()
        self.meters = Meters(world.clock, world.metrics)
        self.logs = Logs(world.clock, lambda: self.client("logs"))
        self.surroundings: Mapping[str, str] = dict(os.environ)

    def client(self, service: str) -> Any:
        """A boto3 client of the world that this belongs to."""
        return self.world.client(service)

    def s3_of(self, role_arn: str) -> Any:
        """The S3 client of a role.

        Raises:
            AwsFault: ``ValidationException``: there is no such role, or it trusts nobody of us.
        """
        return self.client_of("s3", role_arn)

    def client_of(self, service: str, role_arn: str) -> Any:
        """A client of a model's role.

        Raises:
            AwsFault: see `s3_of`.
        """
        return self.world.client_of(service, role_arn, "model")
