"""``training-data/``: curated records beside their outcomes, and those that have none yet.

Built from what is curated and from nothing else, so that it can be built again at any time. What
it was built from is written down last; a build that died is repeated, to the same bytes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import reduce
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from tasks import objects
from tasks.contracts.curation.curate import CurationState, labelled, parquet_bytes
from tasks.contracts.curation.partitions import PARQUET, PART, Curation, listed, write
from tasks.contracts.model import Contract
from tasks.errors import InvalidContract
from tasks.stored import parsed
from tasks.values import Frozen, fingerprint

BUILT = "_built.json"
SIDES = ("labeled", "unlabeled")


class Labelled(Frozen):
    """How many records have an outcome. ``orphans`` are outcomes that no record matches (yet)."""

    made_of: str
    labelled: int = 0
    unlabelled: int = 0
    orphans: int = 0


def join_key(records: Contract, outcomes: Contract) -> tuple[str, ...]:
    """The columns by which outcomes name their records.

    Raises:
        InvalidContract: the outcomes do not refer to the records by columns of the same names.
    """
    for reference in outcomes.references:
        if reference.dataset == records.dataset and reference.columns == reference.targets:
            return reference.columns
    raise InvalidContract(
        f"{records.dataset} is labelled by {outcomes.dataset}, whose contract has no relationship "
        f"to columns of {records.dataset} that bear the same names.",
        "Add it under relationships, or take labelledBy away.",
    )


def build_training_data(
    bucket: str,
    prefix: str,
    records: Curation,
    outcomes: Curation,
    key: Sequence[str],
) -> tuple[Labelled, bool]:
    """Bring ``<prefix>labeled/`` and ``<prefix>unlabeled/`` up to date.

    Memory is bounded by one partition of records and the outcomes' columns.

    Returns:
        What lies there, and whether anything had to be done.

    Raises:
        DataError: another run builds the same.
    """
    ours, theirs = records.state(), outcomes.state()
    labels = outcomes.contract.labels
    made_of = fingerprint([_partitions(ours), _partitions(theirs), list(key), labels, 2])
    before = objects.read(bucket, prefix + BUILT)
    if before is not None:
        known = parsed(Labelled, before.body, f"s3://{bucket}/{prefix}{BUILT}")
        if known.made_of == made_of:
            return known, False
    counts = _build(bucket, prefix, (records, ours), (outcomes, theirs), key)
    done = counts.model_copy(update={"made_of": made_of})
    etag = None if before is None else before.etag
    write(bucket, prefix + BUILT, done.model_dump_json().encode(), etag)
    return done, True


def _partitions(state: CurationState | None) -> dict[str, str]:
    return {name: item.sha256 for name, item in state.records.items()} if state else {}


def _saying(outcomes: Any, labels: Sequence[str]) -> Any:
    """Outcomes that say one of the labels; a score that was given at once is none."""
    if not labels:
        return outcomes
    mask = reduce(pc.or_, (outcomes[name].is_valid() for name in labels))
    return outcomes.filter(mask)


def _build(
    bucket: str,
    prefix: str,
    records: tuple[Curation, CurationState | None],
    outcomes: tuple[Curation, CurationState | None],
    key: Sequence[str],
) -> Labelled:
    # An outcome lies where its key puts it, so all of them are looked at for each partition.
    parts = [outcomes[0].partition(name) for name in sorted(_partitions(outcomes[1]))]
    tables = [part for part in parts if part is not None]
    labels = outcomes[0].contract.labels
    known = _saying(pa.concat_tables(tables), labels) if tables else None
    counts = dict.fromkeys(SIDES, 0)
    standing = {side: listed(bucket, f"{prefix}{side}/") for side in SIDES}
    wanted: set[str] = set()
    for name in sorted(_partitions(records[1])):
        table = records[0].partition(name)
        if table is None:
            continue
        pair = (table.slice(0, 0), table) if known is None else labelled(table, known, key)
        for side, rows in zip(SIDES, pair, strict=True):
            if not rows.num_rows:
                continue
            place = f"{prefix}{side}/{name}/{PART}"
            wanted.add(place)
            counts[side] += rows.num_rows
            body, etag = parquet_bytes(rows), standing[side].get(place)
            if etag != f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"':
                write(bucket, place, body, etag, PARQUET)
    for side in SIDES:
        objects.remove(bucket, sorted(set(standing[side]) - wanted))
    all_outcomes = 0 if known is None else known.num_rows
    return Labelled(
        made_of="",
        labelled=counts["labeled"],
        unlabelled=counts["unlabeled"],
        orphans=all_outcomes - counts["labeled"],
    )
