"""``python -m deployments.models new-model|check-model``: add a model; check one, for nothing."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

from deployments.models.check import check_model
from deployments.models.new import new_model
from models.runtime.family import BrokenPlugIn, names_of
from tasks.errors import SluiceError
from tasks.settings import Settings, settings


def parser() -> argparse.ArgumentParser:
    """The command line."""
    root = argparse.ArgumentParser(
        prog="python -m deployments.models", description="Add a model, and check one."
    )
    verbs = root.add_subparsers(dest="verb", required=True)
    new = verbs.add_parser("new-model", help="write folder, model.yaml and contract")
    new.add_argument("name", help="small letters, digits and hyphens, like price-estimator")
    new.add_argument("--kind", choices=names_of("inputs"), default="tabular")
    new.add_argument(
        "--task",
        choices=names_of("tasks"),
        default="",
        help="what is predicted; else what the label's type speaks of",
    )
    new.add_argument(
        "--backend",
        choices=names_of("backends"),
        default="",
        help="what learns; custom writes a train.py and an inference.py to fill in; else keras, or "
        "what the kind goes with",
    )
    new.add_argument("--dataset", default="", help="a data set that has a contract; else a new one")
    new.add_argument("--label", default="", help="the column to predict")
    new.add_argument(
        "--feature",
        action="append",
        type=_feature,
        default=[],
        metavar="COLUMN=TREATMENT",
        help="how a column is treated, or its role (user_id=user); may be said of several",
    )
    new.add_argument("--from-csv", type=Path, help="draft the contract from this sample")
    new.add_argument("--owner", default=os.environ.get("USER", ""), help="who answers for it")
    new.add_argument("--description", default="", help="what it is for, in a sentence")
    check = verbs.add_parser("check-model", help="all that can be checked before a training")
    check.add_argument("name")
    check.add_argument("--no-run", action="store_true", help="do not run its programs")
    return root


def _feature(said: str) -> tuple[str, str]:
    column, sign, treatment = said.partition("=")
    if not (column and sign and treatment):
        raise argparse.ArgumentTypeError(f"{said!r} is no COLUMN=TREATMENT, like zipcode=category")
    return column, treatment


def main() -> int:
    """Exit status 0 when what was asked for is done, or the model is sound."""
    options = parser().parse_args()
    try:
        configuration = settings()
        return (
            _new(configuration, options)
            if options.verb == "new-model"
            else _check(configuration, options)
        )
    except (SluiceError, BrokenPlugIn, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def _new(configuration: Settings, options: argparse.Namespace) -> int:
    files = new_model(
        configuration,
        options.name,
        options.kind,
        options.dataset,
        options.label,
        options.from_csv,
        options.owner,
        options.description,
        options.backend,
        options.task,
        dict(options.feature),
    )
    # How long a line gets depends on the names of the columns; `make check` wants one form.
    code = [str(path) for path in files if path.suffix == ".py"]
    if code:
        formatting = [sys.executable, "-m", "ruff", "format", "--quiet", *code]
        subprocess.run(formatting, capture_output=True)
    for path in files:
        print(f"» wrote {path}")
    print(f"» {_forms(configuration)}")
    print(f"» Next: read them, correct the gates, then make check-model NAME={options.name}")
    return 0


def _forms(configuration: Settings) -> str:
    """Put the model into the forms of a server that runs; what came of it, in words."""
    if not os.environ.get("PREFECT_API_URL"):
        return (
            "Where a stack runs, its forms offer the model within a minute (the reconciler sees it)"
        )
    from flows.forms import choices, refresh_forms

    try:
        forms = refresh_forms(choices(configuration))
    except Exception as error:  # noqa: BLE001 - the files are written; whatever it is, say it
        return f"The forms were not refreshed ({error}); the reconciler will, within a minute"
    return f"The forms offer it: {', '.join(forms) or 'nothing to change'}"


def _check(configuration: Settings, options: argparse.Namespace) -> int:
    sound = True
    for outcome, sentence in check_model(configuration, options.name, run=not options.no_run):
        sound = sound and outcome != "FAULT"
        print(f"{outcome:<5}  {sentence}", flush=True)
    print(f"» {options.name} {'can be trained' if sound else 'cannot be trained as it stands'}")
    return 0 if sound else 1


if __name__ == "__main__":
    raise SystemExit(main())
