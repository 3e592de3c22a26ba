"""What the parts of the stack are known by: made once, in files that only their owner can read.

A web page can send requests to every port of this machine. It cannot read these files, so what it
sends bears none of them. They go from process to process in the environment, never on a command
line, where every user of the machine could list them.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from deployments.laptop.processes import StackError

PREFECT = "prefect"
"""``user:password``, which Prefect's API and its UI ask for."""
AWS = "aws"
"""The secret access key of the embedded AWS."""
WISH = "SLUICE_PREFECT_AUTH"
USER = "sluice"


def kept(folder: Path, name: str) -> str:
    """A credential; "" before it was made."""
    path = folder / name
    return path.read_text("ascii").strip() if path.exists() else ""


def make(folder: Path, *, running: bool, say: Callable[[str], None]) -> None:
    """Make what is missing, and take a person's own for Prefect.

    Args:
        folder: Where they are kept.
        running: Whether the server runs, with the one that there is.
        say: Told when a wish has to wait.

    Raises:
        StackError: her own is no ``user:password``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
    wish = os.environ.get(WISH, "")
    if wish and not _is_credential(wish):
        raise StackError(
            f"{WISH} is no user:password. Next: give both, in printable ASCII without spaces, or "
            "leave it out for a random one."
        )
    before = kept(folder, PREFECT)
    if running and before and wish not in {"", before}:
        say(f"{WISH} counts from the next start on. Next: make down first")
        wish = before
    _keep(folder, PREFECT, wish or before or f"{USER}:{secrets.token_urlsafe(30)}")
    _keep(folder, AWS, kept(folder, AWS) or secrets.token_urlsafe(30))


def complete(folder: Path) -> bool:
    """Whether all of them are there."""
    return all(kept(folder, name) for name in (PREFECT, AWS))


def _is_credential(text: str) -> bool:
    user, _, password = text.partition(":")
    return bool(user and password) and all("!" <= sign <= "~" for sign in text)


def _keep(folder: Path, name: str, value: str) -> None:
    partial = folder / f"{name}.partial"
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{value}\n")
    partial.replace(folder / name)
