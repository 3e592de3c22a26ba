"""Virtual time: an hour of AWS can pass in a minute of ours.

``now = epoch + (real - epoch) * scale``. The product reads the same two numbers, so that both
sides agree on what time it is. Only durations and timestamps are scaled; a latency that was
measured stays what it was.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Clock:
    """Virtual clock.

    Args:
        scale: Virtual seconds that pass in one real second (1 = real time).
        epoch: Unix time at which virtual and real time agree, in seconds.
    """

    scale: float = 1.0
    epoch: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        if not self.scale > 0:
            raise ValueError(f"time scale must be above 0, got {self.scale}")

    def now(self) -> float:
        """Virtual unix time, in seconds."""
        return self.epoch + (time.time() - self.epoch) * self.scale

    def real_seconds(self, virtual_seconds: float) -> float:
        """How long a virtual duration lasts in reality, in seconds."""
        return virtual_seconds / self.scale

    def sleep(self, virtual_seconds: float) -> None:
        """Block for a virtual duration."""
        time.sleep(max(0.0, self.real_seconds(virtual_seconds)))

    def wait(self, event: threading.Event, virtual_seconds: float) -> bool:
        """Wait for an event for at most a virtual duration; True when it was set."""
        return event.wait(max(0.0, self.real_seconds(virtual_seconds)))
