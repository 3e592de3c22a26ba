"""A model held to its contract, code, images and prices, before anything is paid for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from models.packaging import ModelCodeMissing, own_files, source_files
from models.runtime import split as runtime
from models.runtime.input import InvalidFeature
from models.runtime.script_mode import Hyperparameters, InvalidHyperparameter
from models.runtime.tables.columns import CLIENT_TYPES, ClientType
from tasks import hyperparameters, instances, own_code
from tasks.artefacts.apartness import SET_ROLE, nowhere
from tasks.contracts.model import Column, Contract
from tasks.errors import InvalidModelSpec, InvalidSetting
from tasks.images import Scope as ImageScope
from tasks.images import address_of, fault_of
from tasks.model_spec import ModelSpec
from tasks.prices import hourly_usd
from tasks.settings import Settings
from tasks.specs.behaviour import BehaviourSpec
from tasks.specs.family import CUSTOM

SHARES = frozenset({"share", "0 … 1"})
"""Units of metrics that lie from 0 to 1."""
PICTURES = "images"
"""Format of a contract whose rows are pictures."""


def require_sound(spec: ModelSpec, contract: Contract, folder: Path, settings: Settings) -> None:
    """Hold a model to everything that can be known before its job is submitted.

    Raises:
        InvalidModelSpec: every fault is named.
    """
    flaws = faults(spec, contract, folder, settings)
    if flaws:
        raise InvalidModelSpec(
            f"{folder / 'model.yaml'} cannot be trained as it stands: {'; '.join(flaws)}.",
            f"Correct these; `make check-model NAME={spec.name}` checks them without a run.",
        )


def faults(
    spec: ModelSpec, contract: Contract, folder: Path, settings: Settings
) -> tuple[str, ...]:
    """What is wrong, each in a sentence that names the key and its value."""
    own = {path: (folder / path).read_bytes() for path in own_files(folder)}
    return (
        *_data_faults(spec, contract),
        *own_code.faults(spec, own),
        *_code_faults(spec, folder, own),
        *_gate_faults(spec),
        *_backend_faults(spec),
        *_machine_faults(spec, settings),
    )


def _data_faults(spec: ModelSpec, contract: Contract) -> Iterator[str]:
    family = spec.composition
    source = family.input_class
    if contract.format not in source.formats:
        yield (
            f"family.input: {family.input} does not learn from {contract.dataset}, whose contract "
            f"says format: {contract.format}"
        )
    label = spec.data.label
    for key, name in (("label", label), ("split_by", spec.data.split_by)):
        if name and name not in contract.column_names:
            yield (
                f"data.{key}: {contract.dataset} has no column {name!r}; its contract has "
                f"{', '.join(contract.column_names)}"
            )
    yield from _slice_faults(spec, contract)
    if spec.data.split_by == label:
        yield f"data.split_by: {label} is the label: no side would hold what the other one learns"
    if spec.family.backend == CUSTOM:
        treated = sorted(name for name, role in spec.data.features.items() if role != "drop")
        if treated:
            yield (
                f"data.features: {', '.join(treated)}: an own program gets columns as they are; "
                "only drop means something to it"
            )
    for rule in spec.behaviour:
        fault = _behaviour_fault(rule, spec, contract)
        if fault:
            yield f"behaviour: {rule.title}: {fault}"
    if label not in contract.column_names:
        return
    column = contract.column(label)
    if column.type not in family.task_class.label_types:
        yield (
            f"data.label: {label} is of type {column.type}; {family.task} predicts "
            f"{', '.join(sorted(family.task_class.label_types))}"
        )
    elif column.type == "array":
        yield from _item_faults(spec, column)
    try:
        schema = source.schema(
            channel_columns(contract),
            label,
            spec.data.features,
            Hyperparameters(spec.training.hyperparameters),
        )
    except (InvalidFeature, InvalidHyperparameter) as error:
        yield str(error)
        return
    features = [] if source.gathers else [entry["name"] for entry in schema.get("columns", ())]
    for allowed in spec.data_gates.allow:
        if allowed.column not in features:
            yield (
                f"data_gates.allow: {allowed.column!r} is no column that this model learns from; "
                f"they are {', '.join(features) or 'none'}"
            )


def _item_faults(spec: ModelSpec, column: Column) -> Iterator[str]:
    """What an array's items have and what the task learns from: names, or objects with fields."""
    wanted, there = spec.composition.task_class.label_fields, column.item_fields
    if wanted - there:
        yield (
            f"data.label: items of {column.name} have "
            f"{', '.join(sorted(there)) or 'no fields'}; {spec.family.task} asks for objects with "
            f"{' and '.join(sorted(wanted))}"
        )
    elif there and not wanted:
        yield (
            f"data.label: items of {column.name} are objects of {', '.join(sorted(there))}; "
            f"{spec.family.task} learns from names"
        )


def _slice_faults(spec: ModelSpec, contract: Contract) -> Iterator[str]:
    gathers = spec.composition.input_class.gathers
    if gathers and spec.data.split_by:
        yield (
            f"data.split_by: {spec.data.split_by}: a row of {spec.family.input} is all that one "
            "user did, and days part them; leave split_by out and say holdout_days"
        )
    for gate in spec.gates:
        for one in gate.slices:
            key = f"gates: slices of {gate.metric}"
            if gathers:
                yield (
                    f"{key}: {one.column}: a row of {spec.family.input} is made of several of "
                    f"{contract.dataset}, which may differ in it; leave the slices out"
                )
            elif one.column not in contract.column_names:
                yield (
                    f"{key}: {contract.dataset} has no column {one.column!r}; its contract has "
                    f"{', '.join(contract.column_names)}"
                )
            elif one.column == spec.data.label:
                yield (
                    f"{key}: {one.column} is the label; lowest_recall watches each class, and no "
                    "other metric means the same inside one"
                )
            elif contract.column(one.column).type not in CLIENT_TYPES:
                yield (
                    f"{key}: {one.column} is of type {contract.column(one.column).type}, whose "
                    "values make no slices"
                )


def _behaviour_fault(rule: BehaviourSpec, spec: ModelSpec, contract: Contract) -> str:
    """Why the rows of a data set cannot be changed so; "" where they can."""
    if spec.composition.input_class.gathers:
        return (
            f"a row of {spec.family.input} is made of several of {contract.dataset}; leave it out"
        )
    kind = rule.arguments.of
    if (kind == "picture") != (contract.format == PICTURES):
        return f"{contract.dataset} is of format {contract.format}, whose rows are not changed so"
    if kind == "picture":
        places = spec.composition.task_class.places and rule.expect in {"same", "other"}
        moved = rule.arguments.moves and places
        return "boxes move with the picture; expect not_lower or not_higher" if moved else ""
    if rule.column not in contract.column_names:
        return (
            f"{contract.dataset} has no column {rule.column!r}; its contract has "
            f"{', '.join(contract.column_names)}"
        )
    column = contract.column(rule.column)
    sent = CLIENT_TYPES.get(column.type)
    dropped = [name for name, role in spec.data.features.items() if role == "drop"]
    if rule.column == spec.data.label or any(
        rule.column == name or rule.column.startswith(f"{name}.") for name in dropped
    ):
        return "no answer is made of that column"
    if sent is None or kind not in {"cell", sent}:
        return f"{rule.column} is of type {column.type}, whose values are not changed so"
    if rule.change == "clear" and column.required:
        return f"the contract requires {rule.column}; a client cannot leave it out"
    if rule.change == "set" and not _is(sent, rule.to):
        return f"to is {rule.to!r}, no {sent}"
    if rule.change == "set" and column.enum and rule.to not in column.enum:
        return f"to is {rule.to!r}; the contract allows {', '.join(map(str, column.enum))}"
    return ""


def _is(sent: ClientType, value: float | bool | str | None) -> bool:
    """Whether YAML holds what a client sends of such a column."""
    if sent == "date":
        try:
            return isinstance(value, str) and bool(datetime.fromisoformat(value))
        except ValueError:
            return False
    if sent == "boolean" or isinstance(value, bool):
        return sent == "boolean" and isinstance(value, bool)
    return isinstance(value, str if sent == "text" else int | float)


def channel_columns(contract: Contract) -> tuple[runtime.ChannelColumn, ...]:
    """The contract's columns as programs in a job are told of them."""
    return tuple(
        runtime.ChannelColumn(
            name=column.name,
            type=column.type,
            required=column.required,
            key=column.unique or column.name in contract.primary_key,
            kind=column.kind or "",
            values=[str(value) for value in column.enum],
        )
        for column in contract.columns
    )


def _gate_faults(spec: ModelSpec) -> Iterator[str]:
    """Bounds that every candidate would pass, or none could."""
    measured = spec.composition.task_class.metrics
    for gate in spec.gates:
        metric = measured.get(gate.metric)
        if metric is None or metric.unit not in SHARES:
            continue
        for key, bound in (("at_least", gate.at_least), ("at_most", gate.at_most)):
            least = -1 if metric.better == "zero" else 0
            if bound is not None and not least <= bound <= 1:
                yield f"gates: {gate.metric} is from {least} to 1, and {key} is {bound:g}"


def _code_faults(spec: ModelSpec, folder: Path, own: Mapping[str, bytes]) -> Iterator[str]:
    """Hyperparameters that no code reads, or reads otherwise, and a server that is not there."""
    try:
        files = source_files(folder, spec.composition)
    except ModelCodeMissing:
        return  # told among the faults of its own code
    server = spec.serving.program
    if server and server not in files:
        yield (
            f"serving.program: {server} is no file of the model's folder, and "
            "none that its archive brings"
        )
    if spec.family.backend == CUSTOM:
        return  # its program's command line takes what its author declared
    yield from hyperparameters.faults(spec.training.hyperparameters, files, own)


def _backend_faults(spec: ModelSpec) -> Iterator[str]:
    backend = spec.composition.new_backend()
    formats = [name for name, limits in spec.conversion if limits is not None]
    strangers = [name for name in formats if name not in backend.formats]
    if strangers:
        offered = ", ".join(backend.formats) or "none"
        yield (
            f"conversion: backend {spec.family.backend} makes no {', '.join(strangers)} (it makes "
            f"{offered}); leave the format out"
        )
    count = spec.training.instance_count
    if backend.hosts is not None and count > backend.hosts:
        yield (
            f"training.instance_count: backend {spec.family.backend} uses {backend.hosts} and "
            f"would leave {count - backend.hosts} idle"
        )


def _machine_faults(spec: ModelSpec, settings: Settings) -> Iterator[str]:
    training, serving = spec.training, spec.serving
    if why := nowhere(settings):
        yield f"{why}; {SET_ROLE}"
    sound = True
    machines: tuple[tuple[str, str, instances.Scope], ...] = (
        ("training.instance_type", training.instance_type, "training"),
        ("serving.instance_type", serving.instance_type, "inference"),
        ("SLUICE_ARTEFACT_INSTANCE_TYPE", settings.artefact_instance_type, "processing"),
    )
    for key, kind, scope in machines:
        fault = instances.fault_of(kind, scope)
        if fault:
            sound = False
            yield f"{key}: {fault}"
    if hourly_usd(training.instance_type, training.hourly_usd) is None and sound:
        yield (
            f"training.hourly_usd: no list price of {training.instance_type} is known here; "
            "say what an hour costs"
        )
    if not sound:
        return
    images = (training.image or settings.training_image, serving.image or settings.serving_image)
    taken: list[tuple[str, str, str, ImageScope]] = [
        ("training.image", images[0], training.instance_type, "training"),
        ("serving.image", images[1], serving.instance_type, "inference"),
    ]
    if settings.artefact_role_arn and settings.artefact_image:
        kind = settings.artefact_instance_type
        taken.append(("SLUICE_ARTEFACT_IMAGE", settings.artefact_image, kind, "training"))
    for key, image, machine, part in taken:
        fault = fault_of(image, by_digest=settings.in_production)
        if fault:
            yield f"{key}: {fault}"
            continue
        try:
            address_of(image, machine, part)
        except InvalidSetting as error:
            yield f"{key}: {error.what}"
