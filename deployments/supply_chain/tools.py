"""The tools that know: cyclonedx-py, pip-audit and npm, run on the locks of this repository."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from deployments.supply_chain.audit import IndexAnswer, of_npm_audit, of_pip_audit

ROOT = Path(__file__).parents[2]
PYTHON_LOCKS = ("requirements.txt", "requirements-nodeps.txt", "requirements-bootstrap.txt")
NPM_FOLDER = "tasks/conversion/tfjs_runner"
SECONDS = 300


def python_bill(target: Path) -> None:
    """Write the bill of materials of what is installed here, as CycloneDX in JSON.

    Raises:
        subprocess.CalledProcessError: the tool failed; its output says why.
    """
    _run(
        sys.executable, "-m", "cyclonedx_py", "environment", sys.executable,
        "--pyproject", str(ROOT / "pyproject.toml"), "--output-format", "JSON", "--no-validate",
        "--output-reproducible", "--output-file", str(target),
        check=True,
    )  # fmt: skip


def javascript_bill(target: Path) -> None:
    """Write the bill of materials of the JavaScript that parity checks run.

    Raises:
        subprocess.CalledProcessError: the tool failed; its output says why.
    """
    form = ("--sbom-format", "cyclonedx", "--package-lock-only")
    told = _run(*_npm("sbom", *form), cwd=ROOT / NPM_FOLDER, check=True)
    target.write_text(told.stdout, "utf-8")


def python_answer() -> IndexAnswer:
    """What the index of Python packages knows against the locks."""
    locks = [word for lock in PYTHON_LOCKS for word in ("--requirement", str(ROOT / lock))]
    told = _run(
        sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", *locks,
        "--progress-spinner", "off", "--format", "json",
    )  # fmt: skip
    printed = _parsed(told.stdout)
    if printed is None:
        return IndexAnswer("Python", 0, silence=_last(told.stderr))
    return of_pip_audit("Python", printed)


def javascript_answer() -> IndexAnswer:
    """What the index of JavaScript packages knows against the lock."""
    told = _run(*_npm("audit", "--json", "--package-lock-only"), cwd=ROOT / NPM_FOLDER)
    printed = _parsed(told.stdout)
    if printed is None:
        return IndexAnswer("JavaScript", 0, silence=_last(told.stderr))
    return of_npm_audit("JavaScript", printed)


def _npm(*words: str) -> Sequence[str]:
    return (str(Path(sys.executable).with_name("npm")), *words, "--loglevel", "error")


def _run(*command: str, cwd: Path = ROOT, check: bool = False) -> Any:
    try:
        return subprocess.run(
            command, cwd=cwd, check=check, capture_output=True, text=True, timeout=SECONDS
        )
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"no answer within {SECONDS} s")


def _parsed(text: str) -> Mapping[str, Any] | None:
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _last(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return (lines[-1] if lines else "it printed nothing")[:200]
