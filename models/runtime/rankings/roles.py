"""Which column of an interaction plays which part, and what a client may ask. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.runtime.input import InvalidFeature
from models.runtime.inputs.tabular import by_column
from models.runtime.rankings.acts import weights_of
from models.runtime.script_mode import Hyperparameters, InvalidHyperparameter
from models.runtime.split import ChannelColumn
from models.runtime.tables.columns import CLIENT_TYPES

ROLES = frozenset({"user", "time", "event", "weight", "user_attribute", "item_attribute", "drop"})
NEEDED = {"time": "date", "weight": "number", "event": "text", "user": "text"}
"""What a column of a role must be."""
K, EXCLUDE_SEEN = "k", "exclude_seen"
"""What a client may say beside the user: how many items, and whether known ones are left out."""


def places(hyperparameters: Hyperparameters) -> tuple[int, int]:
    """``k`` (10), the places that count first, and ``most`` (100), the places of an answer.

    Raises:
        InvalidHyperparameter: ``k`` is none of 1 … ``most``.
    """
    k, most = hyperparameters.integer(K, 10, least=1), hyperparameters.integer("most", 100, least=1)
    if not 1 <= k <= most:
        raise InvalidHyperparameter(
            f"Hyperparameters k={k} and most={most}: of the `most` places that are answered, the "
            "first `k` count; let k be from 1 to most."
        )
    return k, most


def roles_of(
    columns: Sequence[ChannelColumn], label: str, features: Mapping[str, str]
) -> dict[str, str]:
    """Role by column.

    Raises:
        InvalidFeature: every fault is named.
    """
    roles = by_column(columns, label, features)
    types = {column.name: CLIENT_TYPES.get(column.type) for column in columns}
    faults = []
    for name, role in roles.items():
        if role not in ROLES:
            faults.append(f"{name}: {role} is none of {', '.join(sorted(ROLES))}")
        elif name not in types:
            faults.append(f"{name} is no column of the contract")
        elif name == label:
            faults.append(f"{name} is the label, the item")
        elif role != "drop" and (
            types[name] is None or types[name] != NEEDED.get(role, types[name])
        ):
            faults.append(
                f"{name} is {types[name] or 'nested'}; a column of the role {role} is "
                f"{NEEDED.get(role, 'no nested one')}"
            )
        elif role == "user_attribute" and name in {K, EXCLUDE_SEEN}:
            faults.append(f"{name} is what clients ask with; give the column another name")
    for role in ("user", "time", "event", "weight"):
        count = sum(found == role for found in roles.values())
        if count > 1 or (role == "user" and not count):
            wanted = "one column, like user_id: user" if role == "user" else "one column at most"
            faults.append(f"{count} columns have the role {role}; give it to {wanted}")
    if faults:
        raise InvalidFeature(f"data.features: {'; '.join(faults)}")
    return roles


def event_weights(column: ChannelColumn | None, text: str) -> dict[str, float]:
    """Weight by kind of act.

    Raises:
        InvalidFeature: it does not fit the column.
    """
    try:
        weights = weights_of(text)
    except ValueError as error:
        raise InvalidFeature(f"training.hyperparameters: event_weights: {error}") from error
    if column is None:
        if weights:
            raise InvalidFeature(
                "training.hyperparameters: event_weights weighs kinds of acts, and no column has "
                "the role event; name it in data.features"
            )
        return {}
    values = set(map(str, column.values))
    missing, strange = sorted(values - set(weights)), sorted(set(weights) - values)
    if not weights or missing or (values and strange):
        said = [f"lacks {', '.join(missing)}"] * bool(missing) + [
            f"names {', '.join(strange)}, which {column.name} never is"
        ] * bool(values and strange)
        raise InvalidFeature(
            f"training.hyperparameters: event_weights {'; '.join(said) or 'is empty'}: give every "
            f"value of {column.name} a weight, like view=1,book=5; 0 leaves such acts out"
        )
    return weights


def sent(column: ChannelColumn) -> dict[str, Any]:
    """A column of attributes, as the schema of a table names it."""
    kind = CLIENT_TYPES[column.type]
    return {
        "name": column.name,
        "type": kind,
        "required": column.required and kind != "date",
        "treatment": "",
        "look": column.kind,
    }
