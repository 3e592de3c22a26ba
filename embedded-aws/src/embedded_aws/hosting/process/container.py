"""A model's container as a process of this machine, for endpoints and for batch transforms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from embedded_aws.hosting.process.program import command, environment
from embedded_aws.hosting.process.server import Server
from embedded_aws.processes.spawner import Spawner

OPEN = (
    "EnableNetworkIsolation: the program gets no credentials; the network stays open here, since "
    "it is asked over this machine's loopback. On AWS the container would have none."
)


@dataclass(frozen=True)
class Surroundings:
    """What a container finds around it, whichever it is.

    Args:
        variables: Environment of the embedded AWS itself.
        credentials: Region, endpoint and credentials, as a role would give them.
        spawner: Starts the process.
    """

    variables: Mapping[str, str]
    credentials: Mapping[str, str]
    spawner: Spawner


def serving_process(
    container: Mapping[str, Any],
    base: Path,
    surroundings: Surroundings,
    *,
    instance_id: str,
    entrypoint: str,
    say: Callable[[str], None],
    start_timeout: float,
    stop_grace: Callable[[], float],
) -> Server:
    """The process that serves a container's model; it is not started yet.

    Args:
        container: ``ContainerDefinition`` of the model, and its ``EnableNetworkIsolation``.
        base: A folder laid out like ``/opt/ml``, with the model data in it.
        surroundings: What it finds around it.
        instance_id: What AWS would call the machine.
        entrypoint: What an image would have as its ``ENTRYPOINT``; "" for nothing.
        say: Takes each line that the process prints.
        start_timeout: Real seconds until ``/ping`` must have answered 200.
        stop_grace: Gives the real seconds between SIGTERM and SIGKILL.
    """
    own: Mapping[str, str] = container.get("Environment") or {}
    isolation = container.get("EnableNetworkIsolation", False)
    credentials: Mapping[str, str] = {} if isolation else surroundings.credentials
    if isolation:
        say(OPEN)
    code = base / "model" / "code"
    return Server(
        instance_id=instance_id,
        command=command(base, own, entrypoint),
        environment=lambda port: environment(base, port, own, surroundings.variables, credentials),
        cwd=code if code.is_dir() else base / "model",
        say=say,
        spawner=surroundings.spawner,
        start_timeout=start_timeout,
        stop_grace=stop_grace,
    )
