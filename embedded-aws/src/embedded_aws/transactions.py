"""DynamoDB transactions at the cost of what they touch.

moto copies the whole table for each act of a transaction, to be able to put it back. Here the
items that the transaction names are kept instead, and put back when it is cancelled.
"""

from __future__ import annotations

import copy
from contextvars import ContextVar
from typing import Any

_transacting: ContextVar[bool] = ContextVar("transacting", default=False)


def teach_transactions() -> None:
    """Let moto's DynamoDB keep only what a transaction touches. Safe to repeat."""
    from moto.dynamodb.models import DynamoDBBackend
    from moto.dynamodb.models.table import Table

    if hasattr(Table, "__deepcopy__"):
        return
    whole = DynamoDBBackend.transact_write_items

    def transact_write_items(self: Any, transact_items: list[dict[str, Any]]) -> None:
        originals = _originals(self, transact_items)
        if originals is None:
            whole(self, transact_items)
            return
        token = _transacting.set(True)
        try:
            whole(self, transact_items)
        except BaseException:
            for table, hash_key, range_key, item in originals:
                _put_back(table, hash_key, range_key, item)
            raise
        finally:
            _transacting.reset(token)

    def deepcopy(self: Any, memo: dict[int, Any]) -> Any:
        if _transacting.get():
            return self
        twin: Any = object.__new__(type(self))
        memo[id(self)] = twin
        twin.__dict__ = copy.deepcopy(self.__dict__, memo)
        return twin

    for owner, name, taught in (
        (DynamoDBBackend, "transact_write_items", transact_write_items),
        (Table, "__deepcopy__", deepcopy),
    ):
        setattr(owner, name, taught)


def _originals(backend: Any, acts: list[dict[str, Any]]) -> list[tuple[Any, Any, Any, Any]] | None:
    """The items that the acts name, as they are; None when only moto can put them back."""
    originals = []
    for act in acts:
        operation: dict[str, Any] = next(iter(act.values()), {})
        table = backend.tables.get(operation.get("TableName"))
        members = operation.get("Key") or operation.get("Item")
        if table is None or members is None or table.stream_shard is not None:
            return None
        if any(key not in members for key in table.table_key_attrs):
            return None
        hash_key, range_key = backend.get_keys_value(table, members)
        item = copy.deepcopy(table.get_item(hash_key, range_key))
        originals.append((table, hash_key, range_key, item))
    return originals


def _put_back(table: Any, hash_key: Any, range_key: Any, item: Any) -> None:
    if item is None:
        table.delete_item(hash_key, range_key)
    elif range_key is None:
        table.items[hash_key] = item
    else:
        table.items[hash_key][range_key] = item
