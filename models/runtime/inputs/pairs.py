"""Pairs of a user and an item: who took up what, and when. A client sends a user and how many."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from models.runtime.input import Features, Floats, Input, InvalidFeature, Treated
from models.runtime.inputs.tabular import Tabular
from models.runtime.rankings.acts import Act, gathered, last_known
from models.runtime.rankings.roles import (
    EXCLUDE_SEEN,
    ROLES,
    K,
    event_weights,
    places,
    roles_of,
    sent,
)
from models.runtime.script_mode import Hyperparameters
from models.runtime.signature import Arrays, Tensor
from models.runtime.split import ChannelColumn
from models.runtime.tables.cells import BadInput, cell
from models.runtime.tables.columns import array, read_table
from models.runtime.tables.operations import is_missing
from models.runtime.tables.treatments import as_told

USER, ACTS = "user", "acts"
"""The tensor of a user's number, and the acts of training rows."""
ASKED: tuple[Mapping[str, Any], ...] = (
    {"name": K, "type": "number", "required": False},
    {"name": EXCLUDE_SEEN, "type": "boolean", "required": False},
)


class InteractionPairs(Input):
    """A row is a user with all of his acts; the contract's rows are the acts, the label the item.

    ``data.features`` gives columns their role: ``user`` (its id), ``time``, ``event`` (what was
    done; ``event_weights`` says what it weighs, 0 leaves it out), ``weight`` (a number that
    multiplies it), ``user_attribute`` and ``item_attribute`` (features by their type, as of a
    table; an object's name stands for its fields). Other columns tell of the moment and are left
    out. The last known attribute counts.
    """

    formats: ClassVar[frozenset[str]] = frozenset({"csv", "jsonl", "parquet"})
    draft_columns: ClassVar[tuple[ChannelColumn, ...]] = (
        ChannelColumn("id", "string", required=True, key=True),
        ChannelColumn("user_id", "string", required=True),
        ChannelColumn("occurred_on", "date", required=True),
    )
    draft_features: ClassVar[Mapping[str, str]] = {"user_id": "user", "occurred_on": "time"}
    partners: ClassVar[frozenset[str] | None] = frozenset({"ranking", "two-towers"})
    gathers: ClassVar[bool] = True

    def __init__(self, spec: Mapping[str, Any]) -> None:
        super().__init__(spec)
        self._user: Mapping[str, Any] = spec["user"]
        self._attributes = Tabular(spec) if spec["columns"] else None

    @classmethod
    def schema(
        cls,
        columns: Sequence[ChannelColumn],
        label: str,
        features: Mapping[str, str],
        hyperparameters: Hyperparameters,
    ) -> dict[str, Any]:
        """Which column plays which part."""
        roles = roles_of(columns, label, features)
        known = {column.name: column for column in columns}
        named = {role: [n for n, r in roles.items() if r == role] for role in ROLES}
        user = known[named["user"][0]]
        event = named["event"][0] if named["event"] else ""
        k, most = places(hyperparameters)
        return {
            "kind": "pairs",
            "user": {"name": user.name, "type": "text", "required": user.required},
            "time": next(iter(named["time"]), ""),
            "event": event,
            "event_weights": event_weights(
                known.get(event), hyperparameters.text("event_weights", "")
            ),
            "weight": next(iter(named["weight"]), ""),
            "row_id": [],
            "columns": [sent(known[name]) for name in named["user_attribute"]],
            "items": [sent(known[name]) for name in named["item_attribute"]],
            K: k,
            "most": most,
            EXCLUDE_SEEN: bool(hyperparameters.integer(EXCLUDE_SEEN, 0, least=0, most=1)),
        }

    @classmethod
    def treated(
        cls,
        columns: Sequence[ChannelColumn],
        label: str,
        features: Mapping[str, str],
        _hyperparameters: Hyperparameters,
    ) -> Iterator[Treated]:
        """Each column by its role."""
        roles = roles_of(columns, label, features)
        for column in columns:
            role = roles.get(column.name, "")
            if column.name == label:
                continue
            if role == "user_attribute":
                yield Treated(column.name, f"{role}: {as_told(replace(column, key=False), '').how}")
            elif role == "item_attribute":
                # By its values alone: what is known of items is told in the rows of others.
                kind = "number" if column.type == "boolean" else column.type
                alone = replace(column, type=kind, kind="", key=False)
                yield Treated(column.name, f"{role}: {as_told(alone, '').how}")
            elif role in {"", "drop"}:
                why = "data.features" if role else "it has no role"
                yield Treated(column.name, f"dropped ({why})", used=False)
            else:
                yield Treated(column.name, role)

    def fit(
        self, inputs: Arrays, features: Features | None, hyperparameters: Hyperparameters
    ) -> dict[str, Any]:
        """The users there are, and features of their attributes as a table's columns get them."""
        users = sorted({str(user) for user in inputs[self._user["name"]]})
        spec = {**self.spec, "users": users, "user": {**self._user, "example": users[0]}}
        if self._attributes is None:
            if features is not None:
                raise InvalidFeature(
                    "features() of model.py: no column is a user_attribute, so there is nothing to "
                    "make features of; name one in data.features, or leave features() out"
                )
            return spec
        fitted = self._attributes.fit(inputs, features, hyperparameters)
        if not fitted["width"]:
            return {**spec, "columns": []}
        return {**spec, **{name: fitted[name] for name in ("columns", "features", "width")}}

    def read(
        self, channel: Path, label: str
    ) -> tuple[NDArray[np.str_], dict[str, NDArray[Any]], list[Any]]:
        """Acts of all Parquet files of a channel, a row for each user.

        A label is the user's items in order of time; one that he took up twice is there twice.
        Acts without user or item, or that weigh nothing, tell nothing.
        """
        spec, name = self.spec, self._user["name"]
        parts = [part for part in (spec["time"], spec["event"], spec["weight"]) if part]
        attributes = [*spec["columns"], *spec["items"]]
        needed = [c["name"] for c in attributes if c["required"]]
        optional = [c["name"] for c in attributes if not c["required"]]
        table = read_table(channel, list(dict.fromkeys([name, label, *parts, *needed])), optional)
        users, items = array(table[name], "text"), array(table[label], "text")
        days = _days(table, spec["time"])
        weights = self._weights(table)
        names, rows = gathered(users, days, (items != "") & (weights > 0))
        columns = {c["name"]: array(table[c["name"]], c["type"]) for c in attributes}
        own = last_known({c["name"]: columns[c["name"]] for c in spec["columns"]}, rows, is_missing)
        acts = np.empty(len(names), dtype=object)
        acts[:] = [
            Act(days[at], weights[at], {c["name"]: columns[c["name"]][at] for c in spec["items"]})
            for at in rows
        ]
        inputs = {
            name: np.asarray(names, dtype=object),
            **own,
            K: np.full(len(names), spec["most"], dtype=np.int32),
            EXCLUDE_SEEN: np.full(len(names), spec[EXCLUDE_SEEN], dtype=bool),
            ACTS: acts,
        }
        taken = [[str(item) for item in items[at]] for at in rows]
        return np.asarray(names, dtype=np.str_), inputs, taken

    def decode(self, instances: Sequence[Any]) -> dict[str, NDArray[Any]]:
        """JSON instances → users with their attributes, and what is asked for each.

        An instance is ``{"<user's column>": …, "<attribute>": …, "k": 10, "exclude_seen": true}``.
        A user who is not known, or not named where the contract lets him be missing, is answered
        from his attributes and from what most people take.
        """
        users = [cell(row, self._user, number) for number, row in enumerate(instances)]
        asked = [[cell(row, what, n) for what in ASKED] for n, row in enumerate(instances)]
        counts = [self._count(value, number) for number, (value, _) in enumerate(asked)]
        leave_out = [self.spec[EXCLUDE_SEEN] if np.isnan(v) else bool(v) for _, v in asked]
        attributes = self._attributes.decode(instances) if self._attributes else {}
        return {
            self._user["name"]: np.array(users, dtype=object),
            **attributes,
            K: np.asarray(counts, dtype=np.int32),
            EXCLUDE_SEEN: np.asarray(leave_out, dtype=bool),
        }

    def instances(self, inputs: Arrays) -> list[Any]:
        """One object per row."""
        users = inputs[self._user["name"]]
        own = self._attributes.instances(inputs) if self._attributes else [{} for _ in users]
        return [
            {self._user["name"]: str(user), **row, K: int(k), EXCLUDE_SEEN: bool(seen)}
            for user, row, k, seen in zip(users, own, inputs[K], inputs[EXCLUDE_SEEN], strict=True)
        ]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """A user's number (0: nobody known), his features, and what is asked."""
        return (
            Tensor(USER, (1, 1), "int32", len(self.spec["users"]) + 1),
            *(self._attributes.tensors if self._attributes else ()),
            Tensor(K, (1, 1), "int32"),
            Tensor(EXCLUDE_SEEN, (1, 1), "int32"),
        )

    def transform(self, inputs: Arrays) -> dict[str, NDArray[Any]]:
        """Rows → tensors [n, …]."""
        users = self._numbers(inputs)
        return {
            USER: users[:, None],
            **(self._attributes.transform(inputs) if self._attributes else {}),
            K: np.asarray(inputs[K], dtype=np.int32)[:, None],
            EXCLUDE_SEEN: np.asarray(inputs[EXCLUDE_SEEN], dtype=np.int32)[:, None],
        }

    def plain(self, inputs: Arrays) -> Floats:
        """A user's number, and whether what he knows is left out [n, 2]."""
        columns = [self._numbers(inputs), inputs[EXCLUDE_SEEN]]
        return np.stack(columns, axis=1).astype(np.float64)

    def example(self) -> dict[str, Any]:
        """A user of the training, with typical attributes."""
        own = self._attributes.example() if self._attributes else {}
        return {self._user["name"]: self._user["example"], **own, K: self.spec[K]}

    @cached_property
    def _number_of(self) -> dict[str, int]:
        return {user: number for number, user in enumerate(self.spec["users"], 1)}

    def _numbers(self, inputs: Arrays) -> NDArray[np.int32]:
        number_of = self._number_of
        users = inputs[self._user["name"]]
        return np.asarray([number_of.get(str(user), 0) for user in users], dtype=np.int32)

    def _count(self, value: float, number: int) -> int:
        if np.isnan(value):
            return int(self.spec[K])
        if not value.is_integer() or not 1 <= value <= self.spec["most"]:
            raise BadInput(
                f"instance {number}: {K!r} is {value:g}; ask for 1 to {self.spec['most']} items"
            )
        return int(value)

    def _weights(self, table: Any) -> Floats:
        spec, weights = self.spec, np.ones(table.num_rows)
        if spec["event"]:
            events = array(table[spec["event"]], "text")
            weights = np.asarray([spec["event_weights"].get(event, 0.0) for event in events])
        if spec["weight"]:
            more = array(table[spec["weight"]], "number")
            weights = weights * np.where(np.isfinite(more), more, 1.0)
        return np.maximum(weights, 0.0)


def _days(table: Any, name: str) -> NDArray[np.int64]:
    if not name:
        return np.zeros(table.num_rows, dtype=np.int64)
    days = array(table[name], "date")
    return np.where(np.isnat(days), 0, days.astype(np.int64))
