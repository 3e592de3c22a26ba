"""One experiment's items in DynamoDB: keys, transactions, queries. Thin.

Every item carries ``expires`` (the table's time-to-live attribute), so that what was recorded goes
away by itself.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tasks.aws import asking, client
from tasks.errors import AwsRejected, ExperimentMoved

Item = dict[str, Any]
TOGETHER = 100
"""Most keys of one BatchGetItem, and most acts of one transaction."""
TRIES = 12
FAILED = "ConditionalCheckFailed"
RETURNS = frozenset({"None", FAILED, "TransactionConflict", "ThrottlingError"})


def text(value: str) -> Item:
    """A string attribute."""
    return {"S": value}


def number(value: float) -> Item:
    """A number attribute."""
    return {"N": repr(value)}


def whole(item: Item, name: str) -> int:
    """A whole number of an item, 0 when it has none."""
    return int(Decimal(item[name]["N"])) if name in item else 0


@dataclass(frozen=True)
class Table:
    """The part of a table that belongs to one experiment.

    Args:
        name: Name of the table; keys ``pk`` and ``sk``, both strings.
        experiment: Id, with which every partition key begins.
        expires: Unix time after which DynamoDB may remove the items, seconds.
    """

    name: str
    experiment: str
    expires: float

    def key(self, partition: str, sort: str) -> Item:
        """A primary key."""
        return {"pk": text(f"{self.experiment}#{partition}"), "sk": text(sort)}

    def put(self, key: Item, values: Item, *, new: bool = False) -> Item:
        """An act: write an item; ``new``: only if there is none."""
        item = {**key, **values, "expires": number(int(self.expires))}
        put: Item = {"TableName": self.name, "Item": item}
        if new:
            put["ConditionExpression"] = "attribute_not_exists(pk)"
        return {"Put": put}

    def delete(self, key: Item) -> Item:
        """An act: remove an item, if it is there."""
        return {"Delete": {"TableName": self.name, "Key": key}}

    def update(
        self,
        key: Item,
        adds: Mapping[str, int],
        *,
        sets: Mapping[str, int] | None = None,
        condition: str = "",
        values: Item | None = None,
    ) -> Item:
        """An act: add to numbers and set others, making the item if there is none.

        Args:
            key: Which item.
            adds: What to add, by attribute.
            sets: What to set, by attribute.
            condition: Condition expression.
            values: Its values.
        """
        put = {**(sets or {}), "expires": int(self.expires)}
        names = {f"#a{i}": name for i, name in enumerate(adds)}
        names |= {f"#s{i}": name for i, name in enumerate(put)}
        amounts = {f":a{i}": number(amount) for i, amount in enumerate(adds.values())}
        amounts |= {f":s{i}": number(value) for i, value in enumerate(put.values())}
        words = "SET " + ", ".join(f"#s{i} = :s{i}" for i in range(len(put)))
        if adds:
            words += " ADD " + ", ".join(f"#a{i} :a{i}" for i in range(len(adds)))
        update = {
            "TableName": self.name,
            "Key": key,
            "UpdateExpression": words,
            "ExpressionAttributeNames": names,
            "ExpressionAttributeValues": {**amounts, **(values or {})},
        }
        if condition:
            update["ConditionExpression"] = condition
        return {"Update": update}

    def transact(self, what: str, acts: Sequence[Item]) -> list[str] | None:
        """Do all of it or nothing; None when done, else why each act was refused.

        Raises:
            AwsError: refused for a reason that deciding anew cannot help.
        """
        try:
            with asking(f"TransactWriteItems {self.name}: {what}"):
                client("dynamodb").transact_write_items(TransactItems=list(acts))
        except AwsRejected as error:
            if error.code == "TransactionInProgressException":
                return ["TransactionConflict"]
            cause = getattr(error.__cause__, "response", {})
            reasons = [str(reason.get("Code")) for reason in cause.get("CancellationReasons", [])]
            if error.code != "TransactionCanceledException" or not set(reasons) <= RETURNS:
                raise
            return reasons
        return None

    def read(self, keys: Sequence[Item]) -> list[Item]:
        """Those items of at most a hundred that are there, consistently."""
        items: list[Item] = []
        request: Any = {self.name: {"Keys": list(keys), "ConsistentRead": True}} if keys else {}
        for attempt in range(TRIES):
            if not request:
                return items
            with asking(f"BatchGetItem {self.name}"):
                answer = client("dynamodb").batch_get_item(RequestItems=request)
            items += answer["Responses"].get(self.name, [])
            request = answer.get("UnprocessedKeys") or {}
            give_way(attempt, ["ThrottlingError"] if request else [])
        raise crowded("reading")

    def query(self, partition: str, until: str = "") -> Iterator[Item]:
        """Items of a partition in order, up to a sort key."""
        condition, values = "pk = :pk", {":pk": text(f"{self.experiment}#{partition}")}
        if until:
            condition, values[":until"] = "pk = :pk AND sk <= :until", text(until)
        with asking(f"Query {self.name} {self.experiment}#{partition}"):
            pages = client("dynamodb").get_paginator("query")
            for page in pages.paginate(
                TableName=self.name,
                KeyConditionExpression=condition,
                ExpressionAttributeValues=values,
                ConsistentRead=True,
            ):
                yield from page["Items"]


def give_way(attempt: int, refused: Iterable[str]) -> None:
    """Wait when others write the same items; in real time, since the others are real."""
    if set(refused) - {"None", FAILED}:
        time.sleep(min(0.02 * 2**attempt, 1.0))


def crowded(what: str) -> ExperimentMoved:
    """The error of one whom others kept from writing."""
    return ExperimentMoved(
        f"Others kept writing in the same moment, {TRIES} times in a row: {what}.",
        "Run again; what was recorded or counted is not repeated.",
    )
