"""What tells of the items: features of their attributes, as a table's columns get them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.rankings.acts import last_known
from models.runtime.rankings.history import TakenUp
from models.runtime.tables.columns import ClientType
from models.runtime.tables.features import features_of, treatment_of
from models.runtime.tables.operations import is_missing, operations

TYPES: Mapping[str, ClientType] = {"O": "text", "M": "date"}
"""What an array's kind says of its column; the others are numbers."""


def item_features(
    acts: TakenUp, attributes: Sequence[Mapping[str, NDArray[Any]]], items: int
) -> NDArray[np.float32]:
    """Features of each item [items, w], from the last known value of each of its attributes.

    The towers alone see them: a served item is its vector.

    Args:
        acts: Of all users, in the order of ``attributes``.
        attributes: Of the items of each user's acts, by column.
        items: How many items there are; each has an act.
    """
    names = list(attributes[0]) if attributes else []
    columns = {name: np.concatenate([each[name] for each in attributes]) for name in names}
    order = np.lexsort((acts.days, acts.items))
    counts = np.bincount(acts.items - 1, minlength=items)
    rows = np.split(order, np.cumsum(counts)[:-1])
    known = last_known(columns, rows, is_missing)
    fitted = [
        feature
        for name, values in known.items()
        if not is_missing(values).all()
        for feature in features_of(name, values, _treatment(values))
    ]
    parts = [operation(known) for operation in operations(fitted)]
    return np.concatenate([np.zeros((items, 0)), *parts], axis=1, dtype=np.float32)


def _treatment(values: NDArray[Any]) -> str:
    return treatment_of(TYPES.get(values.dtype.kind, "number"), "", values)
