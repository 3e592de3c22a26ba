"""How a serving process is started: the container's contract, on this machine. Pure."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from embedded_aws.processes.spawner import INHERITED

DEFAULT_PROGRAM = "inference.py"
OPT_ML = "/opt/ml"


def command(base: Path, environment: Mapping[str, str], entrypoint: str = "") -> list[str]:
    """The serving command.

    Args:
        base: The folder laid out like ``/opt/ml``.
        environment: ``Environment`` of the model's container; ``SAGEMAKER_PROGRAM`` names the
            program below ``model/code``.
        entrypoint: What an image would have as its ``ENTRYPOINT``: a program and arguments, behind
            which the command stands.
    """
    return [
        *shlex.split(entrypoint),
        sys.executable,
        str(base / "model" / "code" / _program(environment)),
    ]


def environment(
    base: Path,
    port: int,
    container: Mapping[str, str],
    surroundings: Mapping[str, str],
    aws: Mapping[str, str],
) -> dict[str, str]:
    """Environment of a serving process.

    Args:
        base: The folder laid out like ``/opt/ml``.
        port: Where it must listen, on 127.0.0.1.
        container: ``Environment`` of the model's container; wins over everything but the port
            and the folders. ``/opt/ml`` in it is moved to ``base``.
        surroundings: Environment of the embedded AWS itself.
        aws: Region, endpoint and credentials, as a role would give them.
    """
    return {
        **{name: surroundings[name] for name in INHERITED if name in surroundings},
        "PYTHONUNBUFFERED": "1",
        **aws,
        "SAGEMAKER_PROGRAM": DEFAULT_PROGRAM,
        "SAGEMAKER_SUBMIT_DIRECTORY": str(base / "model" / "code"),
        **{name: value.replace(OPT_ML, str(base)) for name, value in container.items()},
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SAGEMAKER_BASE_DIR": str(base),
        "SM_MODEL_DIR": str(base / "model"),
    }


def _program(environment: Mapping[str, str]) -> str:
    return environment.get("SAGEMAKER_PROGRAM") or DEFAULT_PROGRAM
