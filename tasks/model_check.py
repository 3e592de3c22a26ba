"""A model held to its contract, code, images and prices, before anything is paid for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from models.packaging import own_files
from tasks import instances, own_code
from tasks.contracts.model import NESTED, Column, Contract
from tasks.errors import InvalidModelSpec, InvalidSetting
from tasks.images import PREFIX, address_of
from tasks.metrics import Task, tasks_of
from tasks.model_spec import ModelSpec
from tasks.prices import hourly_usd
from tasks.settings import Settings

FUNCTIONS = ("load", "preprocess", "build", "baseline")
"""What the shared programs call of a model.py (models/programs/contract.py)."""
IMAGES = "images"
NEVER = NESTED | {"date", "timestamp", "time"}
LONGEST_IMAGE = 255


def require_sound(spec: ModelSpec, contract: Contract, folder: Path, settings: Settings) -> None:
    """Hold a model to everything that can be known before its job is submitted.

    Raises:
        InvalidModelSpec: every fault is named.
    """
    found = faults(spec, contract, folder, settings)
    if found:
        raise InvalidModelSpec(
            f"{folder / 'model.yaml'} cannot be trained as it stands: {'; '.join(found)}.",
            f"Correct these; `make check-model NAME={spec.name}` checks them without a run.",
        )


def faults(
    spec: ModelSpec, contract: Contract, folder: Path, settings: Settings
) -> tuple[str, ...]:
    """What is wrong, each in a sentence that names the key and its value."""
    own = own_files(folder)
    return (
        *_data_faults(spec, contract),
        *own_code.faults(spec, own),
        *_source_faults(spec, folder, own),
        *_machine_faults(spec, settings),
    )


def _data_faults(spec: ModelSpec, contract: Contract) -> Iterator[str]:
    pictures = contract.format == IMAGES
    if pictures != (spec.family == "image"):
        yield (
            f"family: {spec.family} does not learn from {contract.dataset}, whose contract says "
            f"format: {contract.format}"
        )
    label = spec.data.label
    if label not in contract.column_names:
        yield (
            f"data.label: {contract.dataset} has no column {label!r}; its contract has "
            f"{', '.join(contract.column_names)}"
        )
        return
    column = contract.column(label)
    if column.type in NEVER:
        yield f"data.label: {label} is of type {column.type}, which no model predicts"
        return
    wanted = tasks_of(gate.metric for gate in spec.gates)
    possible = labels_of(column)
    if not wanted & possible:
        yield (
            f"gates: {', '.join(gate.metric for gate in spec.gates)} is measured for "
            f"{' and '.join(sorted(wanted))}; the label {label} ({column.type}) is for "
            f"{' and '.join(sorted(possible))}"
        )


def labels_of(column: Column) -> frozenset[Task]:
    """Kinds of tasks that a column can be the label of."""
    if column.type == "number" and not column.enum:
        return frozenset(("regression",))
    if column.type in {"integer", "number"}:
        return frozenset(("regression", "classification"))
    return frozenset(("classification",))


def _source_faults(spec: ModelSpec, folder: Path, own: frozenset[str]) -> Iterator[str]:
    for path in sorted(own):
        if not path.endswith(".py"):
            continue
        try:
            tree = ast.parse((folder / path).read_bytes(), path)
        except (SyntaxError, ValueError) as error:
            yield f"{path} is no Python: {error}"
            continue
        if path == own_code.CODE and not own_code.trains_itself(spec, own):
            missing = [name for name in FUNCTIONS if name not in _names(tree)]
            if missing:
                yield f"{path} lacks {', '.join(f'{name}()' for name in missing)}"


def _names(tree: ast.Module) -> set[str]:
    """Names that a module may bind at its top level (anything, if it imports with a star)."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found |= set(FUNCTIONS) if node.name == "*" else {node.asname or node.name}
    return found


def _machine_faults(spec: ModelSpec, settings: Settings) -> Iterator[str]:
    training, serving = spec.training, spec.serving
    sound = True
    for key, kind, scope in (
        ("training", training.instance_type, "training"),
        ("serving", serving.instance_type, "inference"),
    ):
        fault = instances.fault_of(kind, scope)  # type: ignore[arg-type]
        if fault:
            sound = False
            yield f"{key}.instance_type: {fault}"
    if hourly_usd(training.instance_type, training.hourly_usd) is None and sound:
        yield (
            f"training.hourly_usd: no list price of {training.instance_type} is known here; "
            "say what an hour costs"
        )
    if not sound:
        return
    for key, image, kind, scope in (
        ("training", training.image or settings.training_image, training.instance_type, "training"),
        ("serving", serving.image or settings.serving_image, serving.instance_type, "inference"),
    ):
        if not image.startswith(PREFIX):
            if not image or len(image) > LONGEST_IMAGE or any(c.isspace() for c in image):
                yield f"{key}.image: {image!r} is no address of an image"
            elif "/" not in image:
                yield (
                    f"{key}.image: {image!r} names no registry; write the whole address, or "
                    f"{PREFIX}<framework>:<version>"
                )
            continue
        try:
            address_of(image, kind, scope)
        except InvalidSetting as error:
            yield f"{key}.image: {error.what}"
