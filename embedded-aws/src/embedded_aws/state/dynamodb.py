"""DynamoDB: each item is a record of its own, so that a write costs what it touches."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from embedded_aws.protocol.service import Request
from embedded_aws.state.pen import backend, read, written
from embedded_aws.state.store import Store

KIND = "dynamodb.item"
_ONE = frozenset({"PutItem", "UpdateItem", "DeleteItem"})
_MANY = frozenset({"BatchWriteItem", "TransactWriteItems"})
ITEM_ACTIONS = _ONE | _MANY


def restore_items(store: Store) -> None:
    """Put the items back into their tables, which must be there already."""
    for scope, _, value in store.records(KIND):
        account, region, name = json.loads(scope)
        item = read(store, value)
        table = backend("dynamodb", account, region).tables[name]
        if table.has_range_key:
            table.items[item.hash_key][item.range_key] = item
        else:
            table.items[item.hash_key] = item


def keep_items(store: Store, request: Request, account: str) -> bool:
    """Keep the items that a request names.

    Returns:
        Whether that was all that the request has changed.
    """
    dynamodb = backend("dynamodb", account, request.region)
    whole = True
    with store.write():
        for name, members in _writes(json.loads(request.body or b"{}")):
            table = dynamodb.tables.get(name.rpartition("/")[2])
            if table is None or any(key not in members for key in table.table_key_attrs):
                continue
            hash_key, range_key = dynamodb.get_keys_value(table, members)
            item = table.get_item(hash_key, range_key)
            where = (_scope(account, request.region, table.name), _key(hash_key, range_key))
            if item is None:
                store.drop(KIND, *where)
            else:
                store.put(KIND, *where, written(store, item))
            whole = whole and table.stream_shard is None
    return whole


def keep_all_items(store: Store, account: str, region: str) -> None:
    """Keep the items of every table, as after a request that may have changed any."""
    tables = dict(backend("dynamodb", account, region).tables)
    with store.write() as database:
        for (scope,) in database.execute(
            "SELECT DISTINCT scope FROM records WHERE kind = ?", (KIND,)
        ).fetchall():
            if json.loads(scope)[:2] == [account, region]:
                store.drop(KIND, scope)
        for name, table in tables.items():
            for item in table.all_items():
                key = _key(item.hash_key, item.range_key)
                store.put(KIND, _scope(account, region, name), key, written(store, item))


def _writes(params: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Table and item or key of each write in a request."""
    if "TableName" in params:
        yield params["TableName"], params.get("Item") or params.get("Key") or {}
    for name, writes in (params.get("RequestItems") or {}).items():
        for write in writes:
            act: dict[str, Any] = next(iter(write.values()), {})
            yield name, act.get("Item") or act.get("Key") or {}
    acts: list[dict[str, Any]] = params.get("TransactItems") or []
    for one in acts:
        written_to: dict[str, Any] = next(iter(one.values()), {})
        members = written_to.get("Item") or written_to.get("Key") or {}
        yield written_to.get("TableName", ""), members


def _scope(account: str, region: str, name: str) -> str:
    return json.dumps([account, region, name])


def _key(hash_key: Any, range_key: Any) -> str:
    parts = [hash_key.to_json(), None if range_key is None else range_key.to_json()]
    return json.dumps(parts, sort_keys=True, default=repr)
