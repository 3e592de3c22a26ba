"""The command that a job runs, as the container's entry point would have built it. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from embedded_aws.jobs.command import runnable

_RESERVED = "sagemaker_"
OBJECTIVE = "_tuning_objective_metric"
"""The hyperparameter by which a tuning job tells its objective; no program is given it."""
_CHANNELS = "/opt/ml/input/data"


def decoded(hyperparameters: Mapping[str, str]) -> dict[str, Any]:
    """Hyperparameter values as the training toolkit reads them: JSON where they are JSON."""
    values: dict[str, Any] = {}
    for name, text in hyperparameters.items():
        try:
            values[name] = json.loads(text)
        except ValueError:
            values[name] = text
    return values


def user_values(hyperparameters: Mapping[str, str]) -> dict[str, Any]:
    """The decoded hyperparameters that are the program's own.

    Not those of the training toolkit's ``SAGEMAKER_HYPERPARAMETERS``.
    """
    return {
        k: v
        for k, v in decoded(hyperparameters).items()
        if not k.startswith(_RESERVED) and k != OBJECTIVE
    }


def arguments(values: Mapping[str, Any]) -> list[str]:
    """Command-line arguments, as the training toolkit spells them.

    >>> arguments({"epochs": 3, "v": True, "sizes": {"a": 1}})
    ['--epochs', '3', '--sizes', 'a=1', '-v', 'True']
    """
    words: list[str] = []
    for name in sorted(values):
        value = values[name]
        if isinstance(value, Mapping):
            value = ",".join(f"{k}={v}" for k, v in sorted(value.items()))
        words += [f"--{name}" if len(name) > 1 else f"-{name}", str(value)]
    return words


def program(request: Mapping[str, Any]) -> str | None:
    """``sagemaker_program``, or None when the job brings a whole command."""
    name = decoded(request.get("HyperParameters") or {}).get("sagemaker_program")
    return None if name is None else str(name)


def submit_directory(request: Mapping[str, Any]) -> str | None:
    """The S3 address of the source archive, when there is one."""
    place = decoded(request.get("HyperParameters") or {}).get("sagemaker_submit_directory")
    return str(place) if isinstance(place, str) and place.startswith("s3://") else None


def brought_code(request: Mapping[str, Any]) -> str | None:
    """Path of the source archive below ``/opt/ml``, when a channel of the job brings it.

    So it is where EnableNetworkIsolation keeps the program from S3.
    """
    place = decoded(request.get("HyperParameters") or {}).get("sagemaker_submit_directory")
    brought = isinstance(place, str) and place.startswith(f"{_CHANNELS}/")
    return str(place).removeprefix("/opt/ml/") if brought else None


def command(request: Mapping[str, Any], base: Path) -> list[str]:
    """The program and its arguments.

    ``ContainerEntrypoint`` and ``ContainerArguments`` come before script mode. ``python`` is this
    interpreter, and ``/opt/ml`` in arguments is the job's own folder.
    """
    algorithm = request["AlgorithmSpecification"]
    entry: Sequence[str] = algorithm.get("ContainerEntrypoint") or ()
    if entry:
        words = [*entry, *(algorithm.get("ContainerArguments") or ())]
    else:
        script = program(request) or ""
        own = arguments(user_values(request.get("HyperParameters") or {}))
        words = ["/bin/sh", "-c", f'./{script} "$@"', "sh", *own] if script.endswith(".sh") else [
            "python", script, *own,
        ]  # fmt: skip
    return runnable(words, base)
