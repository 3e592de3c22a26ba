"""The command of a job on this machine, instead of in its container."""

from __future__ import annotations

import os
import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from embedded_aws.processes.spawner import INHERITED

_INTERPRETER = ".python"
"""Folder below ``/opt/ml`` with the interpreter."""
_OPT_ML = re.compile(r"(?<![\w./-])/opt/ml(?=/|$|[\s'\":;,])")


def runnable(words: Sequence[str], base: Path) -> list[str]:
    """The words with ``/opt/ml`` at home, and ``python`` as this interpreter."""
    program, *arguments = words
    if program in {"python", "python3"}:
        program = sys.executable
    return [at_home(word, base) for word in (program, *arguments)]


def bring_interpreter(base: Path) -> None:
    """Let scripts of a job find this interpreter as ``python3``, at a path without blanks.

    A container's interpreter has the frameworks. The SDK's own driver writes its path without
    quotes, and a virtual environment may lie in any folder.
    """
    folder = base / _INTERPRETER
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("python", "python3"):
        (folder / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} "$@"\n')
        (folder / name).chmod(0o755)


def surroundings() -> dict[str, str]:
    """What a program needs of this machine to run at all; nothing else of ours leaks in."""
    known = {name: os.environ[name] for name in INHERITED if name in os.environ}
    # Where /opt/ml is not to be had the interpreter's own folder comes next.
    first = (f"/opt/ml/{_INTERPRETER}", str(Path(sys.executable).parent))
    return {**known, "PATH": os.pathsep.join(filter(None, (*first, known.get("PATH"))))}


def at_home(text: str, base: Path) -> str:
    """The same text with ``/opt/ml`` moved to where the job's folders really are."""
    return _OPT_ML.sub(str(base).replace("\\", "\\\\"), text)
