"""Curated partitions and their state in the lake: say what is begun, fold in, write, say so.

The intent is written before the first partition, the sources' names after the last. A run that
dies in between has folded rows which the next run folds again, to the same result; and when one of
its sources was replaced meanwhile, the intent tells that everything must be made anew.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tasks import objects
from tasks.aws import asking, client
from tasks.contracts.curation.curate import (
    NOTHING_FOLDED,
    CurationPlan,
    CurationState,
    Folded,
    Partition,
    fold,
)
from tasks.contracts.curation.merging import fold_versions
from tasks.contracts.model import Contract
from tasks.errors import DataError
from tasks.stored import parsed
from tasks.values import Snapshot

STATE = "_curated.json"
PART = "part-00000.parquet"
PARQUET = "application/vnd.apache.parquet"


class Curation:
    """The curated side of one data set in the lake."""

    def __init__(self, bucket: str, contract: Contract) -> None:
        self._bucket = bucket
        self._contract = contract
        self._prefix = contract.processed_prefix
        self._etag: str | None = None

    @property
    def bucket(self) -> str:
        """Bucket of the lake."""
        return self._bucket

    @property
    def contract(self) -> Contract:
        """Whose records these are."""
        return self._contract

    @property
    def prefix(self) -> str:
        """Where the curated partitions begin."""
        return self._prefix

    def state(self) -> CurationState | None:
        """What has been folded in, or None when nothing has."""
        record = objects.read(self._bucket, self._prefix + STATE)
        self._etag = None if record is None else record.etag
        if record is None:
            return None
        return parsed(CurationState, record.body, f"s3://{self._bucket}/{self._prefix}{STATE}")

    def partition(self, name: str) -> Any:
        """A curated partition as a pyarrow table, or None."""
        file = objects.read(self._bucket, self.key(name))
        return None if file is None else pq.read_table(io.BytesIO(file.body))

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
        """Fold good rows in, one file after the other, and write down what was folded.

        Memory is bounded by a file of good rows and a curated partition.

        Args:
            chosen: Of :func:`tasks.contracts.curation.curate.plan` for ``state`` and ``snapshot``.
            state: As :meth:`state` gave it.
            snapshot: The raw objects.
            good_files: Parquet files of the good rows of ``chosen.sources``.

        Raises:
            DataError: another run curated this data set meanwhile.
        """
        standing = state or CurationState(
            dataset=self._contract.dataset, contract_version=self._contract.version
        )
        etags = {item.key: item.etag for item in snapshot.objects}
        begun = {key: etags[key] for key in chosen.sources}
        if begun:
            self.remember(standing.model_copy(update={"begun": begun}), state)
        shelf = _Shelf(self._bucket, self, forget=chosen.rebuild)
        folding = fold_versions if self._contract.merges else fold
        parts = (
            folding(self._contract, [pq.read_table(path)], shelf.read, shelf.write)
            for path in good_files
        )
        folded = reduce(add, parts, NOTHING_FOLDED)
        kept = standing.partitions
        if chosen.rebuild:  # records stay for their readers until others take their place
            kept = standing.records if self._contract.merges else {}
        self._arrived(shelf, kept, folded.partitions)
        now = CurationState(
            dataset=self._contract.dataset,
            contract_version=self._contract.version,
            folded=begun if chosen.rebuild else {**standing.folded, **begun},
            partitions={**kept, **folded.partitions},
            made_of=standing.made_of,
            waiting=standing.waiting,
            reused=standing.reused,
        )
        self.remember(now, state)
        return folded

    def _arrived(
        self, shelf: _Shelf, kept: Mapping[str, Partition], partitions: Mapping[str, Partition]
    ) -> None:
        """Read back: our partitions stand as written, and none is left that nobody made."""
        there = listed(self._bucket, self._prefix)
        lost = [key for key, etag in shelf.etags.items() if etag and there.get(key) != etag]
        if lost:
            raise overtaken(self._bucket, lost[0])
        gone = set(there) - {self.key(name) for name in {**kept, **partitions}}
        objects.remove(self._bucket, sorted(gone))

    def remember(self, now: CurationState, before: CurationState | None) -> None:
        """Write the state down, if it still is what :meth:`state` gave.

        Raises:
            DataError: another run curated this data set meanwhile.
        """
        if now == before:
            return
        key = self._prefix + STATE
        etag = write(self._bucket, key, now.model_dump_json().encode(), self._etag)
        self._etag = etag


class _Shelf:
    """Reads and writes partitions; each is replaced only if it still is what was read."""

    def __init__(self, bucket: str, side: Curation, *, forget: bool) -> None:
        self._bucket = bucket
        self._side = side
        self._forget = forget
        self.etags: dict[str, str | None] = {}

    def read(self, name: str) -> Any:
        key = self._side.key(name)
        ours = key in self.etags
        file = objects.read(self._bucket, key)
        if ours and (file is None or file.etag != self.etags[key]):
            raise overtaken(self._bucket, key)
        self.etags[key] = None if file is None else file.etag
        # In a rebuild, what an earlier run left does not count.
        if file is None or (self._forget and not ours):
            return None
        return pq.read_table(io.BytesIO(file.body))

    def write(self, name: str, body: bytes) -> None:
        key = self._side.key(name)
        self.etags[key] = write(self._bucket, key, body, self.etags[key], PARQUET)


def write(
    bucket: str, key: str, body: bytes, etag: str | None, content_type: str = "application/json"
) -> str:
    """Create an object, or replace the one that bears ``etag``; its new ETag.

    Raises:
        DataError: somebody else wrote it meanwhile.
    """
    written = (
        objects.create(bucket, key, body, content_type=content_type)
        if etag is None
        else objects.swap(bucket, key, body, etag=etag, content_type=content_type)
    )
    if written is None:
        raise overtaken(bucket, key)
    return written


def overtaken(bucket: str, key: str) -> DataError:
    """Two runs curate the same data set."""
    return DataError(
        f"s3://{bucket}/{key} changed while this run was curating.",
        "Run again: what both runs folded in is the same, and is found again.",
    )


def listed(bucket: str, prefix: str) -> dict[str, str]:
    """ETag (with its quotes) by key of the curated partitions below a prefix."""
    etags: dict[str, str] = {}
    with asking(f"ListObjectsV2 s3://{bucket}/{prefix}"):
        for page in (
            client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        ):
            for item in page.get("Contents", []):
                if item["Key"].endswith(f"/{PART}"):
                    etags[item["Key"]] = str(item["ETag"])
    return etags
