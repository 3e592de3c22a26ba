"""From kept versions to records, where a contract merges them; also out of another data set's.

A partition of records is a function of kept versions: its own, and those that are embedded in the
partition of the same name of another data set. What it was made of is written down last; a run
that dies in between is repeated, to the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from tasks import objects
from tasks.contracts.curation.curate import CurationState, Partition, parquet_bytes
from tasks.contracts.curation.merging import VERSIONS, distinct, embedded, together
from tasks.contracts.curation.partitions import PARQUET, Curation, listed, write
from tasks.errors import InvalidContract
from tasks.values import Frozen, fingerprint

METHOD = 1
"""Raised when the same versions give other records than before."""


class Assembled(Frozen):
    """How many records there are, how many wait for what they must have, and what was written.

    ``reused`` counts keys that bear several records, of which none is put together.
    """

    complete: int = 0
    waiting: int = 0
    written: int = 0
    reused: int = 0


def assemble(side: Curation, host: Curation | None = None) -> Assembled:
    """Bring the records of a data set up to date with the kept versions.

    Memory is bounded by one partition of versions, of this data set and of ``host``.

    Args:
        side: The data set, whose contract merges versions.
        host: The data set whose records hold further ones of this.

    Raises:
        InvalidContract: ``host`` has another key, or keeps no versions.
        DataError: another run curates the same data set.
    """
    if host is not None:
        _fits(side, host)
    state = side.state()
    standing = state or CurationState(
        dataset=side.contract.dataset, contract_version=side.contract.version
    )
    theirs: Mapping[str, Partition] = {}
    if host is not None:
        host_state = host.state()
        theirs = host_state.versions if host_state else {}
    sources: dict[str, list[Any]] = {}
    for at, versions in enumerate((standing.versions, theirs)):
        for name, item in versions.items():
            sources.setdefault(name.removeprefix(VERSIONS), ["", ""])[at] = item.sha256
    rules = _rules(side, host)
    wanted = {name: fingerprint([*hashes, rules]) for name, hashes in sorted(sources.items())}
    there = listed(side.bucket, side.prefix)
    partitions, wrote = dict(standing.records), 0
    waiting, reused = dict(standing.waiting), dict(standing.reused)
    for name, what in wanted.items():
        key = side.key(name)
        if standing.made_of.get(name) == what and (key in there) == (name in partitions):
            continue
        table, waiting[name], reused[name] = _put_together(side, host, name)
        partitions.pop(name, None)
        if table.num_rows:
            body = parquet_bytes(table)
            etag = there.get(key)
            if etag != f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"':
                write(side.bucket, key, body, etag, PARQUET)
                wrote += 1
            sha256 = hashlib.sha256(body).hexdigest()
            partitions[name] = Partition(rows=table.num_rows, sha256=sha256)
    partitions = {name: item for name, item in partitions.items() if name in wanted}
    kept = {side.key(name) for name in partitions}
    gone = {key for key in there if not key.startswith(side.prefix + VERSIONS)} - kept
    objects.remove(side.bucket, sorted(gone))
    now = standing.model_copy(
        update={
            "partitions": {**standing.versions, **partitions},
            "made_of": wanted,
            "waiting": {name: count for name, count in waiting.items() if name in wanted},
            "reused": {name: count for name, count in reused.items() if name in wanted},
        }
    )
    if state is not None or sources:
        side.remember(now, state)
    return Assembled(
        complete=sum(item.rows for item in partitions.values()),
        waiting=sum(now.waiting.values()),
        written=wrote,
        reused=sum(now.reused.values()),
    )


def _put_together(side: Curation, host: Curation | None, name: str) -> tuple[Any, int, int]:
    own = side.partition(f"{VERSIONS}{name}")
    tables = [] if own is None else [own]
    if host is not None:
        theirs = host.partition(f"{VERSIONS}{name}")
        if theirs is not None:
            tables.append(embedded(theirs, host.contract, side.contract))
    return together(distinct(tables, side.contract), side.contract)


def _rules(side: Curation, host: Curation | None) -> list[Any]:
    """What decides, besides the versions, how records come of them."""
    contract = side.contract
    mine = [contract.column_names, contract.record_requires, contract.event_time]
    mine += [contract.record_same] if contract.record_same else []
    return [METHOD, *mine, host.contract.event_time if host else "", contract.embedded_in]


def _fits(side: Curation, host: Curation) -> None:
    if host.contract.key != side.contract.key or not host.contract.merges:
        raise InvalidContract(
            f"{side.contract.dataset} is embedded in {host.contract.dataset}, which has the key "
            f"{', '.join(host.contract.key) or '(none)'}"
            + ("" if host.contract.merges else " and keeps no versions")
            + ".",
            "Give both the same recordKey and recordVersions: merge, or take embeddedIn away.",
        )
