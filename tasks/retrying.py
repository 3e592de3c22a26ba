"""Prefect tasks that are tried again: the tree of errors says where it helps, nobody else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE

from tasks.errors import SluiceError

P = ParamSpec("P")
R = TypeVar("R")
DELAY_SECONDS = 5


def retried(name: str, *, times: int = 2) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Declare a Prefect task that may be tried again; nothing is cached between runs.

    Args:
        name: As people read it in the UI.
        times: How often more, after the first time; only for errors that are ``retryable``.
    """
    return task(
        name=name,
        retries=times,
        retry_delay_seconds=DELAY_SECONDS,
        retry_condition_fn=if_it_helps,
        cache_policy=NO_CACHE,
    )


def if_it_helps(_task: Any, _run: Any, state: Any) -> bool:
    """A retry condition for Prefect tasks: only errors that a retry can help."""
    try:
        state.result()
    except SluiceError as error:
        return error.retryable
    except Exception:  # noqa: BLE001  whatever else it is, repeating it is not our decision
        return False
    return False
