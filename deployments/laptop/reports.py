"""The collector of what edge clients report, as a process of the stack.

On AWS it is a Lambda function; docs/edge.md.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable

from deployments.laptop.environment import Laptop
from deployments.laptop.processes import (
    LOOPBACK,
    StackError,
    Started,
    put_aside,
    require_free,
    since,
    wait_until,
)

NAME = "collector"
USUAL_PORT = 8088
READY_SECONDS = 120.0
ADDRESS = re.compile(r"Clients report to (http://\S+)")


def start_collector(laptop: Laptop, launch: Callable[..., Started]) -> str:
    """Start it on loopback; the address that clients post to.

    A port that somebody asked for is taken or refused; otherwise it is the one of last time, the
    usual one, or a free one where these are taken, so that two stacks do not stand in each other's
    way.

    Args:
        laptop: Whose collector.
        launch: Starts a Python module under a name: ``launch(name, module, *arguments)``.

    Raises:
        StackError: the port is taken, or it did not start.
    """
    port_number = laptop.collector_port
    if port_number:
        require_free(port_number, "the collector of client reports", "SLUICE_COLLECTOR_PORT")
    else:
        # Where it listened before: clients still post there.
        before = laptop.collector_url.rstrip("/").rpartition(":")[2]
        usual = [int(before)] if before.isdigit() else []
        port_number = next((port for port in (*usual, USUAL_PORT) if _free(port)), 0)
    log = laptop.log(NAME)
    position = put_aside(log)
    asked = ("--port", str(port_number), "--origins", laptop.collector_origins)
    process = launch(NAME, "tasks.release.edge.collector", *asked)
    wait_until(
        "The collector",
        lambda: bool(ADDRESS.search(since(log, position))),
        READY_SECONDS,
        process,
        log,
    )
    address = ADDRESS.search(since(log, position))
    if address is None:
        raise StackError(f"The collector does not say where it listens. Next: read {log}.")
    laptop.keep_fact("collector_url", address.group(1))
    return address.group(1)


def _free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True
