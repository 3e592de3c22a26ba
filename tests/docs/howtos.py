"""The commands that the documentation tells people to type, and where a test can type them.

Every fenced block of a shell language is found by itself; a block that nobody has thought of goes
to the journeys, where the whole stack runs. What is typed is what is written, but for SUBSTITUTED
and for the make targets of DRY.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parents[2]
SHELLS = frozenset({"bash", "sh", "shell", "console", "zsh", "terminal"})
FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<body>.*?)^ *```", re.MULTILINE | re.DOTALL
)
Where = Literal["alone", "aws", "stack", "elsewhere"]

ELSEWHERE = {
    "datacontract-cli": "brings an environment of its own from a package registry",
    "pip install ./embedded-aws": "installs into the reader's own environment",
    "pip install -e": "the same",
}
"""Blocks that no test runs, by a word in them, and why."""

DRY = (
    "demo",
    "test",
    "coverage",
    "check",
    "bench",
    "lock",
    "clean",
    "distclean",
    "format",
    "browser",
)
"""make targets that only say what they would do: they run this test, or take the stack away."""

SUBSTITUTED = (
    # A server does not end by itself, and its port may be taken here.
    (r"^embedded-aws --port 4566", "serves embedded-aws --port 0"),
    ("http://127.0.0.1:4566", "$HOWTO_AWS"),
    # A run is asked for, but does not start: retraining has its own journeys.
    (r"( deployment run .*?) --watch", r"\1 --start-in '9000 hours'"),
    # Said on a stack that others use, the event would roll a model back.
    (r"event emit rollback\.wanted", "event emit rollback.rehearsed"),
    # Placeholders that a reader fills in.
    ("<name>", "price-estimator"),
    ("<model>", "price-estimator"),
)
"""What is typed otherwise than written: (pattern, instead)."""

ALONE = re.compile(
    rf"make ({'|'.join(DRY)}|help|new-model|check-model)\b|cd |ls\b|cat |cp |mkdir |rm |END$|\{{|"
    r"ln -s |sed -i |[.\w/]*python -m (benchmarks\.canary|deployments\.models|docs\.generate)\b|"
    r"embedded-aws --port"
)
AWS = re.compile(r"export AWS_ENDPOINT_URL|aws |admin\b")

PRELUDE = """
installed() { command make -o .venv/.installed -o .venv/.tfjs-installed "$@"; }
make() {
  case "$1" in
    down) SLUICE_STATE="$HOWTO_EMPTY" installed "$@" ;;
    DRY) command make -n "$@" > /dev/null ;;
    *) installed "$@" ;;
  esac
}
serves() { timeout 8 "$@" || test $? = 124; }
command -v aws > /dev/null || aws() {
  test "$1 $2" = "s3 mb" && python -c '
import boto3, sys
boto3.client("s3").create_bucket(Bucket=sys.argv[1].removeprefix("s3://"))' "$3"
}
""".replace("DRY)", "|".join(DRY) + ")")


@dataclass(frozen=True)
class Block:
    """One block of commands. ``line`` is the fence's."""

    path: str
    line: int
    language: str
    commands: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}"

    @property
    def where(self) -> Where:
        """Where it can be run."""
        if any(word in self.commands for word in ELSEWHERE):
            return "elsewhere"
        lines = [
            line for line in self.commands.splitlines() if line.strip() and not line.startswith("#")
        ]
        if all(ALONE.match(line) for line in lines):
            return "alone"
        return "aws" if all(AWS.match(line) for line in lines) else "stack"

    @property
    def script(self) -> str:
        """What bash is given."""
        typed = self.commands
        for pattern, instead in SUBSTITUTED:
            typed = re.sub(pattern, instead, typed, flags=re.MULTILINE)
        return f"{PRELUDE}\n{typed}"


def pages(root: Path = ROOT) -> list[Path]:
    """Every page that a person may follow."""
    folders = [root / name for name in ("docs", "clients", "embedded-aws")]
    return sorted(
        [*root.glob("*.md"), *(page for folder in folders for page in folder.rglob("*.md"))]
    )


def blocks_of(text: str, path: str) -> list[Block]:
    """Blocks of one page, in order. Of a console block the lines after ``$``."""
    found = []
    for match in FENCE.finditer(text):
        language, indent = match["language"].lower(), len(match["indent"])
        if language not in SHELLS:
            continue
        lines = [line[indent:] for line in match["body"].splitlines()]
        if language == "console":
            lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
        line = text.count("\n", 0, match.start()) + 1
        found.append(Block(path, line, language, "\n".join(lines)))
    return found


def all_blocks(root: Path = ROOT) -> list[Block]:
    """Blocks of every page, in order."""
    return [
        block
        for page in pages(root)
        for block in blocks_of(page.read_text("utf-8"), page.relative_to(root).as_posix())
    ]


def clone(target: Path) -> Path:
    """A copy of the repository in which commands may write, with the same environment."""
    left_out = shutil.ignore_patterns(
        *(".git", ".venv", ".sluice", "__pycache__", ".*_cache", ".hypothesis", "node_modules")
    )
    shutil.copytree(ROOT, target, ignore=left_out)
    (target / ".venv").symlink_to(Path(sys.prefix))
    (target / ".git" / "hooks").mkdir(parents=True)
    return target


def type_in(block: Block, folder: Path, environment: Mapping[str, str], seconds: float) -> str:
    """Run a block as a person's shell would; what it said.

    Raises:
        AssertionError: a command of it failed.
    """
    empty = folder.parent / "nothing-runs-here"
    empty.mkdir(exist_ok=True)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.script],
        cwd=folder,
        env={
            **environment,
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": f"{folder}{os.pathsep}{folder / 'embedded-aws' / 'src'}",
            "HOWTO_EMPTY": str(empty),
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=seconds,
    )
    told = f"{block} ended with {done.returncode}:\n{block.commands}\n---\n{done.stdout[-4000:]}"
    assert done.returncode == 0, told
    return done.stdout
