"""Everything about a model that can be known before its training is paid for."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from deployments.models.trial import Said, trial
from models.runtime.backends.custom import INFERENCE
from models.runtime.own import MODEL
from models.runtime.script_mode import Hyperparameters
from tasks.contracts import load_contract
from tasks.contracts.model import Contract
from tasks.errors import SluiceError
from tasks.model_check import channel_columns, faults
from tasks.model_spec import ModelSpec, load_model_spec
from tasks.own_code import bound_names
from tasks.prices import hourly_usd
from tasks.settings import Settings
from tasks.training.plan import require_budget


def check_model(settings: Settings, name: str, *, run: bool = True) -> Iterator[Said]:
    """Check a model part by part; each part is said as it is done.

    Args:
        settings: Where models and contracts lie.
        name: The model.
        run: Whether its programs are run on a few made-up rows.
    """
    try:
        spec = load_model_spec(name, settings.models_dir)
        family = spec.family
        yield (
            "ok",
            f"model.yaml describes {name}: {family.task} from {family.input}, by {family.backend}",
        )
        contract = load_contract(spec.data.dataset, settings.contracts_dir)
        yield "ok", f"contract {contract.dataset} {contract.version} loads"
    except SluiceError as error:
        yield "FAULT", str(error)
        return
    folder = settings.models_dir / name
    problems = faults(spec, contract, folder, settings)
    for fault in problems:
        yield "FAULT", fault
    if not problems:
        yield "ok", f"label {spec.data.label}, gates, programs, images and instances fit together"
    if any(c.name == spec.data.label and not c.required for c in contract.columns):
        yield "note", f"{spec.data.label} may be missing in rows: such rows are left out"
    if not problems:
        yield from _columns(spec, contract, folder)
    try:
        price = hourly_usd(spec.training.instance_type, spec.training.hourly_usd)
        worst = require_budget(spec)
        yield (
            "ok",
            f"a job costs at most ${worst:.2f} ({spec.training.instance_type} at ${price:.3f} an "
            f"hour), within its budget of ${spec.training.budget_usd:.2f}",
        )
    except SluiceError as error:
        yield "FAULT", str(error)
        return
    if settings.time_scale != 1:
        real = spec.training.max_runtime_seconds / settings.time_scale
        yield "note", f"at {settings.time_scale:g}× time, a job is stopped after {real:.0f} real s"
    if problems or not run:
        yield "note", "its programs were not run"
        return
    yield from trial(spec, contract, folder)


def _columns(spec: ModelSpec, contract: Contract, folder: Path) -> Iterator[Said]:
    """What becomes of each column: a type may decide otherwise than its author thinks."""
    model = folder / MODEL
    own = model.is_file() and "features" in bound_names(ast.parse(model.read_bytes()))
    program = spec.composition.new_backend().speaks == "instances"
    for column, how, used in spec.composition.input_class.treated(
        channel_columns(contract),
        spec.data.label,
        spec.data.features,
        Hyperparameters(spec.training.hyperparameters),
    ):
        if used and program:
            yield "ok", f"{column}: given to {INFERENCE} as it is"
        elif used and own:
            yield "ok", f"{column}: what features() of {MODEL} makes of it"
        else:
            yield "ok", f"{column}: {how}"
