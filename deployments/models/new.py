"""Write a new model: its folder, its description, its code, and the contract of new data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from deployments.models.asked import Asked
from deployments.models.composing import composed, predicted_by
from deployments.models.draft import columns_of, contract_text, example_columns, model_yaml
from deployments.models.programs import program_files
from models.runtime.family import names_of, plug_in
from models.runtime.input import InvalidFeature
from models.runtime.script_mode import Hyperparameters, InvalidHyperparameter
from models.runtime.tables.columns import CLIENT_TYPES
from tasks.contracts import Contract, known_contracts, load_contract
from tasks.contracts.model import Column
from tasks.errors import ConfigurationError, ContractMissing, InvalidModelSpec
from tasks.model_check import channel_columns
from tasks.model_spec import known_models
from tasks.settings import Settings
from tasks.yaml_documents import yaml_document

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST = 40
DATASET = re.compile(r"[a-z][a-z0-9_]*")
TAKEN = frozenset({"runtime", "all"})
"""Names that mean something else below models/, or in a form."""


def new_model(
    settings: Settings,
    name: str,
    kind: str,
    dataset: str = "",
    label: str = "",
    sample: Path | None = None,
    owner: str = "",
    description: str = "",
    backend: str = "",
    task: str = "",
    features: Mapping[str, str] | None = None,
) -> list[Path]:
    """Write the files of a new model; none is ever replaced.

    Args:
        settings: Where models and contracts lie.
        name: Of the model and its folder.
        kind: The input: a name below models/runtime/inputs.
        dataset: A data set with a contract, or the name of a new one (with a sample); empty makes
            one that bears the model's name.
        label: Column to predict; empty takes the sample's last column, or ``label``.
        sample: CSV from whose columns a new contract is drafted.
        owner: Who answers for it.
        description: What it is for.
        backend: What learns: a name below models/runtime/backends; empty takes Keras, or what the
            input goes with.
        task: What is predicted: a name below models/runtime/tasks; empty takes what the label's
            type speaks of.
        features: Treatment, or role, by column, where its type does not decide.

    Returns:
        The files that were written.

    Raises:
        ConfigurationError: a name is none or taken, the data set or the label is unknown, or what
            was asked for does not go together.
    """
    folder = settings.models_dir / name
    _check_name(name, folder, known_models(settings.models_dir))
    contracts = known_contracts(settings.contracts_dir)
    new_data = not dataset or (sample is not None and dataset not in contracts)
    if dataset and sample is not None and dataset in contracts:
        raise ContractMissing(
            f"Data set {dataset!r} has a contract already; {sample} would draft another.",
            "Leave --from-csv out, or name a new data set.",
        )
    if dataset and not new_data and dataset not in contracts:
        raise ContractMissing(
            f"Data set {dataset!r} has no contract in {settings.contracts_dir}.",
            f"Use one of {', '.join(contracts) or '(none yet)'}; or draft one with --from-csv "
            "FILE; or leave --dataset out for an example to fill in.",
        )
    default, _ = composed(kind, task, backend, None)
    request = Asked(
        name=name,
        kind=kind,
        task=task,
        backend=backend,
        dataset=dataset or name.replace("-", "_"),
        label=label,
        owner=owner or "nobody-yet",
        description=description or f"What {name} tells.",
        features=features or {},
    )
    texts: dict[Path, str] = {}
    if new_data:
        columns, request = _new_columns(request, sample, default)
        path = settings.contracts_dir / f"{request.dataset}.odcs.yaml"
        if request.dataset in contracts or not DATASET.fullmatch(request.dataset):
            raise ContractMissing(
                f"{path} exists, or {request.dataset!r} is no name of a data set.",
                "Name another data set with --dataset.",
            )
        texts[path] = contract_text(request, columns, settings.lake_bucket)
    contract = _contract(request, settings, texts)
    request = _chosen(request, contract)
    texts |= {folder / file: text for file, text in _model_files(request, contract).items()}
    for path, text in texts.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    return list(texts)


def _check_name(name: str, folder: Path, models: tuple[str, ...]) -> None:
    if not NAME.fullmatch(name) or len(name) > LONGEST or name in TAKEN:
        raise InvalidModelSpec(
            f"{name!r} is no name of a model.",
            f"Use at most {LONGEST} small letters, digits and hyphens, like price-estimator.",
        )
    if folder.exists():
        raise InvalidModelSpec(
            f"{folder} exists already.",
            f"Choose another name than {', '.join(models) or name}, or remove the folder.",
        )


def _new_columns(
    request: Asked, sample: Path | None, task: str
) -> tuple[tuple[Column, ...], Asked]:
    source = plug_in("inputs", request.kind)
    if sample is None:
        label = request.label or "label"
        features = request.features or source.draft_features
        columns = example_columns(request.kind, task, label)
        return columns, replace(request, task=task, label=label, features=features)
    if "csv" not in source.formats:
        raise InvalidModelSpec(
            f"--from-csv {sample} drafts a table, and --kind {request.kind} learns from none.",
            "Leave --from-csv out, and fill the contract's columns in.",
        )
    columns = columns_of(sample)
    return columns, replace(request, label=request.label or columns[-1].name)


def _contract(request: Asked, settings: Settings, texts: dict[Path, str]) -> Contract:
    """The contract, of a new data set too: what is drafted must load."""
    if not texts:
        return load_contract(request.dataset, settings.contracts_dir)
    from tasks.contracts.odcs import contract_of

    [(path, text)] = texts.items()
    return contract_of(yaml_document(text), request.dataset, str(path))


def _chosen(request: Asked, contract: Contract) -> Asked:
    """What was asked for, held to the contract, with its task and its backend."""
    source = plug_in("inputs", request.kind)
    if contract.format not in source.formats:
        fitting = [n for n in names_of("inputs") if contract.format in plug_in("inputs", n).formats]
        raise InvalidModelSpec(
            f"--kind {request.kind} does not learn from {contract.dataset}: its contract says "
            f"format {contract.format}.",
            f"Use --kind {' or '.join(fitting)}, or another data set.",
        )
    possible = [
        c.name
        for c in contract.columns
        if c.name not in contract.primary_key
        and c.name != "file"
        and predicted_by(request.kind, request.task, request.backend, c)
    ]
    if request.label not in possible:
        so = f" with --task {request.task}" if request.task else ""
        complaint = (
            f"{request.label!r} is no column to predict{so}"
            if request.label
            else "no --label was given"
        )
        raise ConfigurationError(
            f"{contract.dataset}: {complaint}.", f"Name one of {', '.join(possible) or '(none)'}."
        )
    others = [
        c.name
        for c in contract.columns
        if c.name != request.label and c.name not in contract.primary_key and c.type in CLIENT_TYPES
    ]
    if "csv" in source.formats and not others:
        raise ConfigurationError(
            f"{contract.dataset} has no column besides {request.label} that a client could send.",
            "Add columns that the label can be told from.",
        )
    label = contract.column(request.label)
    task, backend = composed(request.kind, request.task, request.backend, label)
    return replace(request, task=task, backend=backend)


def _model_files(request: Asked, contract: Contract) -> dict[str, str]:
    """``model.yaml`` of a new model, and the programs of one that brings its own."""
    backend = plug_in("backends", request.backend)
    treated = sorted(name for name, role in request.features.items() if role != "drop")
    if backend.writes_code and treated:
        raise InvalidModelSpec(
            f"--feature of {', '.join(treated)}: programs of --backend {request.backend} get "
            "columns as they are; only drop means something to them.",
            "Leave it out, and let features.py say what becomes of a column.",
        )
    try:
        schema = plug_in("inputs", request.kind).schema(
            channel_columns(contract),
            request.label,
            request.features,
            Hyperparameters(backend.first_hyperparameters),
        )
    except (InvalidFeature, InvalidHyperparameter) as error:
        raise InvalidModelSpec(
            f"{contract.dataset} does not make a model of --kind {request.kind} as it stands: "
            f"{error}.",
            "Say it of a column with --feature COLUMN=TREATMENT (docs/models.md names them).",
        ) from error
    programs = program_files(request, schema) if backend.writes_code else {}
    return {"model.yaml": model_yaml(request), **programs}
