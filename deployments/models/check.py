"""Everything about a model that can be known before its training is paid for."""

from __future__ import annotations

from collections.abc import Iterator

from deployments.models.trial import Said, trial
from tasks.contracts import load_contract
from tasks.contracts.model import NESTED
from tasks.errors import SluiceError
from tasks.model_check import faults
from tasks.model_spec import load_model_spec
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
    unused = [
        c.name
        for c in contract.columns
        if c.type in NESTED and c.name not in {spec.data.label, *spec.data.features}
    ]
    if unused and "csv" in spec.composition.input_class.formats:
        yield "note", f"nobody can send {', '.join(unused)}: nested columns are left out"
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
