"""Prefect's server on SQLite, without SQLite's trap: ``python -m deployments.laptop.server start``.

Prefect opens most transactions DEFERRED: they read first and ask for the write lock later. When
somebody else wrote in between, SQLite refuses at once ("database is locked"), however long the busy
timeout is. On a busy laptop that loses events that automations wait for. Worse, what is left of the
refusal is collected on the event loop while another thread waits for the lock, and the whole server
stands still until that wait times out, after a minute. Asking for the lock at the beginning lets
everybody wait their turn. A shared installation uses PostgreSQL and needs none of this.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


def ask_at_the_beginning(configuration: Any) -> None:
    """Let every transaction of a SQLite configuration of Prefect begin IMMEDIATE."""
    stock = configuration.begin_transaction

    @asynccontextmanager
    async def begin_transaction(
        self: Any, session: Any, with_for_update: bool = False
    ) -> AsyncIterator[Any]:
        del with_for_update
        async with stock(self, session, with_for_update=True) as transaction:
            yield transaction

    configuration.begin_transaction = begin_transaction


def main() -> None:
    """``prefect server <arguments>``, with the change above."""
    from prefect.server.database.configurations import AioSqliteConfiguration

    ask_at_the_beginning(AioSqliteConfiguration)
    sys.argv = ["prefect", "server", *sys.argv[1:]]
    runpy.run_module("prefect", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
