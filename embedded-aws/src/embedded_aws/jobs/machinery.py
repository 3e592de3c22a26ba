"""What all jobs of one embedded AWS share."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from embedded_aws.logs import Logs
from embedded_aws.processes.spawner import Spawner
from embedded_aws.world import World

log = logging.getLogger(__name__)


@dataclass
class Machinery:
    """Tools of every runner.

    Args:
        world: Clock, faults, metrics and clients.
        spawner: Starts processes that die with this one, and their children too.
        logs: Writes lines to CloudWatch Logs.
        folder: Holds a folder per running job.
        keep_failed: Leave the folders of failed jobs behind.
        closing: Set when the embedded AWS closes.
    """

    world: World
    spawner: Spawner
    logs: Logs
    folder: Path
    keep_failed: bool
    closing: threading.Event = field(default_factory=threading.Event)

    def flush_logs(self) -> None:
        """Write the waiting lines; a job does not end for want of its log."""
        try:
            self.logs.flush()
        except (ClientError, BotoCoreError) as error:
            log.warning("lines of jobs were lost: %s", error)
