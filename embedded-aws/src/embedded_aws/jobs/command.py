"""The command of a job on this machine, instead of in its container. Pure."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

_OPT_ML = re.compile(r"(?<![\w./-])/opt/ml(?=/|$|[\s'\":;,])")


def runnable(words: Sequence[str], base: Path) -> list[str]:
    """The words with ``/opt/ml`` at home, and ``python`` as this interpreter."""
    program, *arguments = words
    if program in {"python", "python3"}:
        program = sys.executable
    return [at_home(word, base) for word in (program, *arguments)]


def at_home(text: str, base: Path) -> str:
    """The same text with ``/opt/ml`` moved to where the job's folders really are."""
    return _OPT_ML.sub(str(base).replace("\\", "\\\\"), text)
