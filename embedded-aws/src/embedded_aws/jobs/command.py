"""The command of a job on this machine, instead of in its container."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from embedded_aws.processes.spawner import INHERITED

_OPT_ML = re.compile(r"(?<![\w./-])/opt/ml(?=/|$|[\s'\":;,])")


def runnable(words: Sequence[str], base: Path) -> list[str]:
    """The words with ``/opt/ml`` at home, and ``python`` as this interpreter."""
    program, *arguments = words
    if program in {"python", "python3"}:
        program = sys.executable
    return [at_home(word, base) for word in (program, *arguments)]


def surroundings() -> dict[str, str]:
    """What a program needs of this machine to run at all; nothing else of ours leaks in.

    Its ``python3`` is this interpreter, in scripts too: a container's has the frameworks as well.
    """
    known = {name: os.environ[name] for name in INHERITED if name in os.environ}
    interpreter = str(Path(sys.executable).parent)
    return {**known, "PATH": os.pathsep.join(filter(None, (interpreter, known.get("PATH"))))}


def at_home(text: str, base: Path) -> str:
    """The same text with ``/opt/ml`` moved to where the job's folders really are."""
    return _OPT_ML.sub(str(base).replace("\\", "\\\\"), text)
