"""Show a page without waiting for whoever shows it."""

from __future__ import annotations

import contextvars
import threading
from types import TracebackType
from typing import Protocol, Self

FAREWELL_SECONDS = 10.0
"""How long the last page may take; a server that is dead must not keep a run from ending."""


class Page(Protocol):
    """What can be brought up to date."""

    def update(self, markdown: str) -> None:
        """Show it as it is now."""
        ...


class Showing:
    """Updates a page in a thread of its own, with the newest content only.

    A Prefect server that does not answer holds a call up for more than a minute. What the page
    tells of must go on meanwhile, above all when it is a release that has to go back.

    Args:
        page: What to update.
        farewell: Longest wait for the last update at the end of the block, real seconds.
    """

    def __init__(self, page: Page, farewell: float = FAREWELL_SECONDS) -> None:
        self._page = page
        self._farewell = farewell
        self._newest: str | None = None
        self._over = False
        self._change = threading.Condition()
        # The run that a page belongs to is known from the context.
        context = contextvars.copy_context()
        self._thread = threading.Thread(
            target=context.run, args=(self._run,), name="showing", daemon=True
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._change:
            self._over = True
            self._change.notify()
        self._thread.join(self._farewell)

    def update(self, markdown: str) -> None:
        """Let this be shown next; what was not shown yet is forgotten."""
        with self._change:
            self._newest = markdown
            self._change.notify()

    def _run(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._newest is not None or self._over)
                markdown, self._newest = self._newest, None
            if markdown is None:
                return
            self._page.update(markdown)
