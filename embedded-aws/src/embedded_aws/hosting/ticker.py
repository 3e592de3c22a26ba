"""Work that comes round again: flushing metrics, logs and captures."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

log = logging.getLogger(__name__)


class Ticker:
    """Calls ``work`` every ``interval`` real seconds on a thread of its own, and once at the end.

    Work that raises is logged and called again next time: a metric that cannot be written must
    not end the writing of metrics.
    """

    def __init__(self, name: str, interval: float, work: Callable[[], None]) -> None:
        self._interval = interval
        self._work = work
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def close(self, timeout: float = 3.0) -> None:
        """Do the work a last time and end; waits at most ``timeout`` real seconds."""
        self._stop.set()
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            self._try()
        self._try()

    def _try(self) -> None:
        try:
            self._work()
        except Exception:
            log.exception("%s failed", self._thread.name)
