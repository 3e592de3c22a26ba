"""Curated partitions and their state in the lake: read, fold in, write, then say so.

Partitions are written before the state that names their sources. A run that dies in between has
folded rows which the next run folds again, to the same result.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tasks import objects
from tasks.aws import asking, client
from tasks.contracts.curate import (
    CurationPlan,
    CurationState,
    Folded,
    Partition,
    fold,
    labelled,
    parquet_bytes,
)
from tasks.contracts.model import Contract
from tasks.errors import DataError
from tasks.values import Snapshot

STATE = "_curated.json"
PART = "part-00000.parquet"


class Curation:
    """The curated side of one data set in the lake."""

    def __init__(self, bucket: str, contract: Contract) -> None:
        self._bucket = bucket
        self._contract = contract
        self._prefix = contract.processed_prefix
        self._etag: str | None = None

    def state(self) -> CurationState | None:
        """What has been folded in, or None when nothing has."""
        found = objects.read(self._bucket, self._prefix + STATE)
        self._etag = None if found is None else found.etag
        return None if found is None else CurationState.model_validate_json(found.body)

    def partition(self, name: str) -> Any:
        """A curated partition as a pyarrow table, or None."""
        found = objects.read(self._bucket, self.key(name))
        return None if found is None else pq.read_table(io.BytesIO(found.body))

    def key(self, name: str) -> str:
        """Key of a curated partition."""
        return f"{self._prefix}{name}/{PART}"

    def apply(
        self,
        chosen: CurationPlan,
        state: CurationState | None,
        snapshot: Snapshot,
        good_files: Sequence[Path],
    ) -> Folded:
        """Fold good rows in and write down what was folded.

        Args:
            chosen: Of :func:`tasks.contracts.curate.plan` for ``state`` and ``snapshot``.
            state: As :meth:`state` gave it.
            snapshot: The raw objects.
            good_files: Parquet files of the good rows of ``chosen.keys``.

        Raises:
            DataError: another run curated this data set meanwhile.
        """
        written: set[str] = set()

        def read(name: str) -> Any:
            # In a rebuild, what an earlier run left does not count.
            return None if chosen.rebuild and name not in written else self.partition(name)

        def write(name: str, body: bytes) -> None:
            written.add(name)
            put(self._bucket, self.key(name), body)

        tables = [pq.read_table(path) for path in good_files]
        folded = (
            fold(self._contract, tables, read, write)
            if tables
            else Folded(rows_in=0, rows_new=0, rows_superseding=0, rows_superseded=0, partitions={})
        )
        self._remember(chosen, state, snapshot, folded.partitions)
        if state is not None and chosen.rebuild:
            for name in sorted(set(state.partitions) - set(folded.partitions)):
                with asking(f"DeleteObject s3://{self._bucket}/{self.key(name)}"):
                    client("s3").delete_object(Bucket=self._bucket, Key=self.key(name))
        return folded

    def _remember(
        self,
        chosen: CurationPlan,
        state: CurationState | None,
        snapshot: Snapshot,
        partitions: Mapping[str, Partition],
    ) -> None:
        kept = {} if state is None or chosen.rebuild else state.partitions
        known = {} if state is None or chosen.rebuild else state.folded
        etags = {item.key: item.etag for item in snapshot.objects}
        now = CurationState(
            dataset=self._contract.dataset,
            contract_version=self._contract.version,
            folded={**known, **{key: etags[key] for key in chosen.keys}},
            partitions={**kept, **partitions},
        )
        if now == state:
            return
        body = now.model_dump_json().encode()
        key = self._prefix + STATE
        etag = (
            objects.create(self._bucket, key, body)
            if self._etag is None
            else objects.swap(self._bucket, key, body, etag=self._etag)
        )
        if etag is None:
            raise DataError(
                f"s3://{self._bucket}/{key} changed while this run was curating.",
                "Run again: what both runs folded in is the same, and is found again.",
            )
        self._etag = etag


def put(bucket: str, key: str, body: bytes) -> None:
    """Write or replace one object; the last of two equal writers wins, to the same content."""
    found = objects.read(bucket, key)
    if found is None:
        written = objects.create(bucket, key, body, content_type="application/octet-stream")
    elif found.body == body:
        return
    else:
        written = objects.swap(
            bucket, key, body, etag=found.etag, content_type="application/octet-stream"
        )
    if written is None:
        raise DataError(
            f"s3://{bucket}/{key} changed while this run was writing it.",
            "Run again: folding is repeatable.",
        )


def build_training_data(
    bucket: str,
    records: Curation,
    outcomes: Curation,
    partitions: Sequence[str],
    key: Sequence[str],
) -> Mapping[str, int]:
    """``training-data/labeled`` and ``training-data/unlabeled`` of the given record partitions.

    An outcome lies where its key puts it, so all of them are looked at.

    Returns:
        Rows by key that was written.
    """
    state = outcomes.state()
    parts = [outcomes.partition(name) for name in sorted(state.partitions)] if state else []
    known = pa.concat_tables([part for part in parts if part is not None]) if parts else None
    found: dict[str, int] = {}
    for name in partitions:
        table = records.partition(name)
        if table is None:
            continue
        if known is None:
            with_label, without = table.slice(0, 0), table
        else:
            with_label, without = labelled(table, known, key)
        for side, rows in (("labeled", with_label), ("unlabeled", without)):
            place = f"training-data/{side}/{name}/{PART}"
            put(bucket, place, parquet_bytes(rows))
            found[place] = rows.num_rows
    return found
