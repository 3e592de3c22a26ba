"""Models for an app to bring along: ``python -m deployments.app_archive --out models.zip``.

The same archive as the flow ``export-app`` makes, as a file on this machine. Without ``--model``,
every model goes in that serves a version with one of the formats; ``--version`` takes another
version than the one that serves. Nothing is written unless every file is what its manifest says.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tasks.errors import SluiceError
from tasks.model_spec import known_models
from tasks.registry import app_archive
from tasks.registry.app_contents import FORMATS
from tasks.reports.figures import counted, size
from tasks.settings import settings


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(
        prog="python -m deployments.app_archive",
        description="Pack models, manifests, licences and test vectors into one ZIP file.",
    )
    root.add_argument("--out", type=Path, default=Path("models.zip"), help="the file to write")
    root.add_argument("--model", action="append", help="only this one; may stand several times")
    root.add_argument("--version", help="of the one model: this version, not the one that serves")
    root.add_argument(
        "--format",
        action="append",
        choices=tuple(FORMATS),
        help="only this format; may stand several times",
    )
    return root


def main(arguments: list[str] | None = None) -> int:
    """Exit status 0 when the file is written."""
    asked = parser().parse_args(arguments)
    if asked.version and len(asked.model or ()) != 1:
        parser().error("--version belongs to one model: name it with --model")
    configuration = settings()
    bucket = configuration.registry_bucket
    try:
        models = asked.model or known_models(configuration.models_dir)
        versions, without = app_archive.serving(bucket, models)
        if asked.version:
            versions, without = {asked.model[0]: asked.version}, {}
        made, body = app_archive.pack(
            bucket,
            versions,
            asked.format or tuple(FORMATS),
            app_archive.shared_files(),
            left_out=without,
        )
        asked.out.write_bytes(body)
    except (SluiceError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    for part in made.models:
        print(f"  {part.model} {part.version}: {', '.join(part.formats)}, {size(part.size)}")
    for model, why in sorted(made.left_out.items()):
        print(f"  {model}: left out, {why}")
    print(
        f"{asked.out}: {counted(len(made.models), 'model')}, {size(made.size)}, "
        f"SHA-256 {made.sha256}"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
