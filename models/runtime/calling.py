"""Calling a bundle's own entry point, in a process that holds no credentials.

A bundle carries its runtime: whoever measures, scores or checks a version runs *its* code, so that
what was released keeps meaning what it meant, whatever is changed here. Only the standard library
is needed on this side.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.runtime.archives.bounds import ArchiveRefused
from models.runtime.archives.documents import document
from models.runtime.archives.extraction import extract
from models.runtime.isolation import isolated
from models.runtime.own import BUNDLE

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSED = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH")
"""What a bundle's process is given of this one's environment: nothing that opens anything."""
SECONDS = 3_600.0
LONGEST_TAIL = 600
FIRST_SERVER = "serve.py"
FIRST_EDITION = "models.programs"
"""Package of the runtime in bundles that were made before they named their entry point."""


class BundleFailed(Exception):
    """A bundle is none, or its entry point failed; the message holds its last words."""


@contextmanager
def unpacked(archive: Path) -> Iterator[Path]:
    """A model.tar.gz as a folder, for as long as it is needed.

    Raises:
        BundleFailed: it is no archive, or one that is not let in.
    """
    with tempfile.TemporaryDirectory(prefix="bundle-") as scratch:
        folder = Path(scratch) / "model"
        try:
            extract(archive, folder)
        except (ArchiveRefused, OSError) as error:
            raise BundleFailed(f"{archive.name} could not be unpacked: {error}") from error
        yield folder


def measure(bundle: Path, holdout: Path, out: Path, training: Path | None = None) -> dict[str, Any]:
    """What a bundle measures of itself on held-out rows: the content of its metrics.json.

    Args:
        bundle: An unpacked model.tar.gz.
        holdout: Channel of held-out rows.
        out: Folder for what it writes.
        training: Channel of training rows: a plain model is measured beside it, and
            calibration.npz is written.
    """
    if _names_entry_point(bundle):
        more = ["--training", str(training)] if training is not None else []
        run(bundle, "measure", str(holdout), str(out), *more, writes=(out,))
    else:
        _first_edition_measure(bundle, holdout, out, training)
    try:
        metrics: dict[str, Any] = json.loads((out / "metrics.json").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise BundleFailed(f"it left no metrics.json: {error}") from error
    return metrics


def score(bundle: Path, periods: Path, out: Path, rows: int) -> None:
    """``<period>.npz`` (residual, error, score) in ``out`` for each channel below ``periods``."""
    run(bundle, "score", str(periods), str(out), "--rows", str(rows), writes=(out,))


def check(bundle: Path) -> None:
    """The bundle loads, and answers its own example."""
    run(bundle, "check")


def run(bundle: Path, act: str, *arguments: str, writes: Sequence[Path] = ()) -> str:
    """Run the entry point; what it printed.

    Args:
        bundle: An unpacked model.tar.gz.
        act: What its entry point is to do.
        arguments: Of that act.
        writes: Folders that it may write into, beside its own and one for temporary files; they
            are made where they are missing.

    Raises:
        BundleFailed: it failed, or took longer than an hour.
    """
    return _process(command(bundle, act, *arguments), bundle, writes)


def command(bundle: Path, act: str, *arguments: str) -> list[str]:
    """The command that does an act with a bundle.

    Raises:
        BundleFailed: the bundle does not say how.
    """
    if _names_entry_point(bundle):
        return [sys.executable, str(_entry_point(bundle)), act, *arguments]
    if act == "score":
        return [sys.executable, "-m", f"{FIRST_EDITION}.score", str(bundle), *arguments]
    if act == "check":
        program = (
            f"from pathlib import Path; from {FIRST_EDITION}.serve import Model; "
            f"Model(Path({str(bundle)!r})).test_itself()"
        )
        return [sys.executable, "-c", program]
    if act == "serve" and (bundle / "code" / FIRST_SERVER).is_file():
        return [sys.executable, str(bundle / "code" / FIRST_SERVER)]
    raise BundleFailed(f"it has no {BUNDLE}, which names the entry point that could {act}")


def environment(bundle: Path, variables: Mapping[str, str]) -> dict[str, str]:
    """The environment of a bundle's process."""
    passed = {name: variables[name] for name in PASSED if name in variables}
    return {**passed, "PYTHONPATH": str(bundle / "code"), "OMP_NUM_THREADS": "1"}


def _names_entry_point(bundle: Path) -> bool:
    return (bundle / BUNDLE).is_file()


def _entry_point(bundle: Path) -> Path:
    try:
        name = str(document((bundle / BUNDLE).read_bytes())["entry_point"])
    except (ValueError, KeyError) as error:
        raise BundleFailed(f"{BUNDLE} names no entry_point: {error}") from error
    path = (bundle / name).resolve()
    if not path.is_relative_to(bundle.resolve()) or not path.is_file():
        raise BundleFailed(f"{BUNDLE} names {name!r}, which the bundle does not hold")
    return path


def _first_edition_measure(bundle: Path, holdout: Path, out: Path, training: Path | None) -> None:
    """Bundles of the first edition measure themselves as a job of their evaluate.py."""
    program = bundle / "code" / "evaluate.py"
    if not program.is_file():
        raise BundleFailed("it holds neither bundle.json nor code/evaluate.py: nothing measures it")
    with tempfile.TemporaryDirectory(prefix="measure-") as scratch:
        base = Path(scratch)
        (base / "channel").mkdir()
        with tarfile.open(base / "channel" / "model.tar.gz", "w:gz", compresslevel=1) as archive:
            archive.add(bundle, ".")
        channels = {
            "SM_CHANNEL_MODEL": str(base / "channel"),
            "SM_CHANNEL_HOLDOUT": str(holdout),
            **({"SM_CHANNEL_TRAINING": str(training)} if training is not None else {}),
        }
        places = {"SAGEMAKER_BASE_DIR": scratch, "SM_OUTPUT_DATA_DIR": str(out)}
        _process([sys.executable, str(program)], bundle, (base, out), channels | places)


def _process(
    words: list[str], bundle: Path, writes: Sequence[Path], more: Mapping[str, str] | None = None
) -> str:
    for folder in writes:
        folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="apart-") as scratch:
        try:
            process = subprocess.run(
                isolated(words, writable=(Path(scratch), bundle, *writes)),
                cwd=bundle,
                env={**environment(bundle, os.environ), **(more or {}), "TMPDIR": scratch},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=SECONDS,
            )
        except subprocess.TimeoutExpired as error:
            raise BundleFailed(f"it took longer than {SECONDS:.0f} s") from error
    if process.returncode:
        tail = " ".join(process.stdout.split())[-LONGEST_TAIL:]
        raise BundleFailed(tail or f"it ended with status {process.returncode}")
    return process.stdout
