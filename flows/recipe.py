"""What the flows share: fields of their forms, and what is settled before money is spent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from flows.forms import menu
from models.packaging import hash_of, packed, source_files
from models.runtime.split import columns_document
from tasks.contracts import Contract, load_contract
from tasks.model_check import channel_columns, require_sound
from tasks.model_spec import ModelSpec, load_model_spec
from tasks.settings import settings
from tasks.training.plan import TrainingPlan, hyperparameters, require_budget
from tasks.training.split import rule_of

Model = Annotated[str, menu("models")]
"""Name of a model."""


def _day_or_none(day: Any) -> Any:
    return None if day == "" else day


Day = Annotated[
    date | None,
    BeforeValidator(_day_or_none),
    WithJsonSchema({"type": "string", "pattern": r"^(\d{4}-\d{2}-\d{2})?$"}),
    Field(json_schema_extra={"default": ""}),
]
"""A day that may be left out. The form would ask for a "date" or a "None", and sends the null of an
untouched calendar, which it then refuses; an empty line needs no explanation."""
Reason = Annotated[str, Field(min_length=1, max_length=200)]
"""Why somebody wants a run, in a sentence; the forms explain each field from the docstrings."""


@dataclass(frozen=True)
class Recipe:
    """A model, its data's contract and its code, all of which parsed.

    ``columns`` is the text of _columns.json: the contract's columns as programs are told of them.
    """

    spec: ModelSpec
    contract: Contract
    window_days: int
    code_hash: str
    source: bytes
    hyperparameters: Mapping[str, str]
    columns: str

    def plan(self, snapshot_fingerprint: str) -> TrainingPlan:
        """What will be learned from a snapshot; its identity names the job and the candidate."""
        return TrainingPlan(
            model=self.spec.name,
            snapshot_fingerprint=snapshot_fingerprint,
            contract_version=self.contract.version,
            code_hash=self.code_hash,
            split=rule_of(self.spec.data) + ", one row a record" * self.contract.merges,
            hyperparameters=self.hyperparameters,
        )


def prepare(model: str, window_days: int = 0, overrides: Mapping[str, Any] | None = None) -> Recipe:
    """Read everything that a run depends on.

    Args:
        model: Name of the model.
        window_days: Days of data; 0 takes model.yaml's.
        overrides: Hyperparameters of this run; zeros are left to model.yaml.

    Raises:
        ConfigurationError: a file is missing or wrong; every fault is named.
        BudgetExceeded: the job could cost more than its budget.
    """
    configuration = settings()
    spec = load_model_spec(model, configuration.models_dir)
    contract = load_contract(spec.data.dataset, configuration.contracts_dir)
    folder = configuration.models_dir / model
    values = hyperparameters(spec, overrides or {})
    asked = spec.training.model_copy(update={"hyperparameters": values})
    require_sound(spec.model_copy(update={"training": asked}), contract, folder, configuration)
    require_budget(spec)
    files = source_files(folder, spec.composition)
    return Recipe(
        spec=spec,
        contract=contract,
        window_days=window_days or spec.data.window_days,
        code_hash=hash_of(files),
        source=packed(files),
        hyperparameters=values,
        columns=columns_document([vars(column) for column in channel_columns(contract)]),
    )


def work_folder(*parts: str) -> Path:
    """A local folder for what a run makes; it may be deleted between runs."""
    return settings().cache_dir.joinpath("work", *parts)
