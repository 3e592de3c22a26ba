"""Drafts of the programs of a model that brings its own: what it reads, and how it learns. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Any

from deployments.models.asked import Asked
from tasks.errors import InvalidModelSpec

TEMPLATES = Path(__file__).parent / "templates"
FEATURES, TRAIN, INFERENCE = "features.py", "train.py", "inference.py"
KINDS = {"numbers": ("number", "boolean"), "dates": ("date",), "texts": ("text",)}
"""Types of a client's columns, as a program's lists name them."""


def program_files(request: Asked, schema: Mapping[str, Any]) -> dict[str, str]:
    """``features.py`` of the input, and ``train.py`` and ``inference.py`` of the task.

    Args:
        request: What was asked for.
        schema: What the input reads (:meth:`models.runtime.input.Input.schema`).

    Raises:
        InvalidModelSpec: nobody has written programs for such an input or task.
    """
    inputs, tasks = TEMPLATES / "inputs", TEMPLATES / "tasks"
    for option, name, folder in (
        ("--kind", request.kind, inputs),
        ("--task", request.task, tasks),
    ):
        if not (folder / name).is_dir():
            there = ", ".join(sorted(path.name for path in folder.iterdir()))
            raise InvalidModelSpec(
                f"--backend {request.backend} drafts no programs for {option} {name}, only for "
                f"{there}.",
                "Copy the model of docs/examples that is nearest to it; docs/models.md says what "
                "its programs must bring.",
            )
    columns = {
        name: ", ".join(json.dumps(c["name"]) for c in schema.get("columns", ()) if c["type"] in of)
        for name, of in KINDS.items()
    }
    values = {"name": request.name, **columns}
    return {
        FEATURES: filled(inputs / request.kind / f"{FEATURES}.txt", values),
        TRAIN: filled(tasks / request.task / f"{TRAIN}.txt", values),
        INFERENCE: filled(tasks / request.task / f"{INFERENCE}.txt", values),
    }


def filled(template: Path, values: Mapping[str, Any]) -> str:
    """A template with what it leaves open."""
    return Template(template.read_text("utf-8")).substitute(values)
