"""What our own services keep: small records in JSON, by kind and name."""

from __future__ import annotations

import json
from typing import Any, Protocol

from embedded_aws.state.store import Store


class Records(Protocol):
    """Where records are kept."""

    def put(self, kind: str, name: str, value: Any) -> None:
        """Keep a record.

        Raises:
            AwsFault: ``ServiceUnavailable`` (503) when the disk does not take it.
        """
        ...

    def drop(self, kind: str, name: str) -> None:
        """Forget a record."""
        ...

    def all(self, kind: str) -> list[Any]:
        """All records of a kind, by name."""
        ...


class Forgetful:
    """Keeps nothing: the memory of an embedded AWS without a state folder."""

    def put(self, kind: str, name: str, value: Any) -> None:
        """Do nothing."""

    def drop(self, kind: str, name: str) -> None:
        """Do nothing."""

    def all(self, kind: str) -> list[Any]:
        """Nothing."""
        del kind
        return []


class Kept:
    """Keeps records in a state folder."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def put(self, kind: str, name: str, value: Any) -> None:
        """Keep a record."""
        self._store.put(kind, "", name, json.dumps(value).encode())

    def drop(self, kind: str, name: str) -> None:
        """Forget a record."""
        self._store.drop(kind, "", name)

    def all(self, kind: str) -> list[Any]:
        """All records of a kind, by name."""
        return [json.loads(value) for _, _, value in self._store.records(kind)]
