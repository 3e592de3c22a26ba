"""Which failures Prefect may try again: the tree of errors says so, nobody else."""

from __future__ import annotations

from typing import Any

from tasks.errors import SluiceError


def if_it_helps(_task: Any, _run: Any, state: Any) -> bool:
    """A retry condition for Prefect tasks: only errors that a retry can help."""
    try:
        state.result()
    except SluiceError as error:
        return error.retryable
    except Exception:  # noqa: BLE001  whatever else it is, repeating it is not our decision
        return False
    return False
