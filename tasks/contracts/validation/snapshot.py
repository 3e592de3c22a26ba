"""One pass of validation over a snapshot, out of core.

Chunk by chunk: read → batches of bounded rows → typed table with evidence → Great Expectations →
good rows and quarantined rows. Memory is bounded by a batch, never by the snapshot.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tasks.contracts.model import Contract
from tasks.contracts.reports.docs_site import Merged, built
from tasks.contracts.reports.pages import html
from tasks.contracts.reports.report import EXAMPLES, ContractReport
from tasks.contracts.validation.batches import RawChunk, RowBatch, in_batches, plain
from tasks.contracts.validation.checks import READABLE, RowCheck, compile_checks, kinds_of
from tasks.contracts.validation.evidence import ForeignKeys, KeyMemory, References, text_evidence
from tasks.contracts.validation.frame import Typed, evidence_of, typed
from tasks.contracts.validation.service import service_notices
from tasks.contracts.validation.sink import RECORDS_BYTES, Sink
from tasks.contracts.validation.suite import Judged, Suite
from tasks.contracts.validation.tally import (
    NAMED,
    ValidationCounts,
    concluded,
    newest_of,
    notices,
)
from tasks.errors import DataError, UnreadableData
from tasks.side_files import data_of
from tasks.values import LakeObject, Snapshot

BATCH_ROWS = 100_000
UNREADABLE_SHOWN = 100
HIDDEN = "(not shown: private)"


class Reader(Protocol):
    """Reads local copies of lake objects (``tasks.lake.formats.LocalReader``)."""

    def rows(
        self,
        path: Path,
        key: str,
        declared: str = "",
        encoding: str = "utf-8",
        delimiter: str = "",
    ) -> Iterator[RawChunk]:
        """Rows in chunks; raises UnreadableData before the first one or not at all."""
        ...

    def image(self, path: Path, key: str) -> Any:
        """A decoded image; raises UnreadableData."""
        ...

    def picture(self, path: Path, key: str) -> bytes:
        """An image's file without metadata; raises UnreadableData."""
        ...


class Validation:
    """The state of one pass over one snapshot."""

    def __init__(
        self, contract: Contract, sink: Sink, scratch: Path, references: References, *, docs: bool
    ) -> None:
        self.contract = contract
        self.checks = compile_checks(contract)
        self.tally = ValidationCounts(self.checks)
        self.sink = sink
        self.merged: Merged | None = Merged() if docs else None
        self._by_id = {check.id: check for check in self.checks}
        self._rows = Suite(contract, [c for c in self.checks if c.phase == "rows"])
        self._keys = Suite(contract, [c for c in self.checks if c.phase == "keys"], "keys")
        self._memory = KeyMemory(scratch, contract, self.checks)
        self._foreign = ForeignKeys(scratch, contract, references)
        for reference in self._foreign.unknown:
            self.tally.undecided[f"{'+'.join(reference.columns)}.reference"] = (
                f"the rows of {reference.dataset} were not given"
            )

    def judge(self, batch: RowBatch) -> None:
        """Judge one batch and write its rows where they belong."""
        table = typed(batch, self.contract)
        self._shape(batch, table)
        extra = self._foreign.evidence(table.columns, len(batch))
        errors: dict[str, str] = {}
        extra |= text_evidence(self.contract, table.columns, errors)
        frame = table.frame.assign(**{name: evidence_of(v) for name, v in extra.items()})
        reasons: dict[int, list[dict[str, str]]] = {}
        if len(batch):
            judged, result = self._rows.run(frame)
            self._note(result)
            judged = _missing_is_not_unreadable(
                _undecided(judged, errors, self._by_id), self._by_id
            )
            self._take(batch, frame, judged, np.arange(len(batch)), reasons)
            self._judge_keys(batch, table, reasons)
        keep = np.ones(len(batch), dtype=bool)
        keep[list(reasons)] = False
        self._write(batch, table, keep, reasons)

    def _judge_keys(
        self, batch: RowBatch, table: Typed, reasons: dict[int, list[dict[str, str]]]
    ) -> None:
        """Duplicates among the rows left: a broken row never pushes its corrected copy out."""
        if not self._memory.checks:
            return
        positions = np.setdiff1d(np.arange(len(batch)), list(reasons))
        take = pa.array(positions)
        columns = {name: column.take(take) for name, column in table.columns.items()}
        evidence = self._memory.evidence(columns)
        frame = pd.DataFrame({name: evidence_of(values) for name, values in evidence.items()})
        if not len(frame):
            return
        judged, result = self._keys.run(frame)
        self._note(result)
        self._take(batch, frame, judged, positions, reasons)

    def _note(self, result: Any) -> None:
        if result is not None and self.merged is not None:
            self.merged.add(result)

    def _shape(self, batch: RowBatch, table: Typed) -> None:
        tally = self.tally
        for name in table.missing:
            tally.lacking[name] += len(batch.sources)
        if self.contract.freshness is not None:
            name = self.contract.freshness.column
            newest = newest_of({name: pc.max(table.columns[name]).as_py()})
            for column, day in newest.items():
                tally.newest[column] = max(day, tally.newest.get(column, day))

    def _take(
        self,
        batch: RowBatch,
        frame: pd.DataFrame,
        judged: Mapping[str, Judged],
        positions: np.ndarray,
        reasons: dict[int, list[dict[str, str]]],
    ) -> None:
        for name, judgement in judged.items():
            check = self._by_id[name]
            self.tally.rows[name] += judgement.values if check.of_values else len(positions)
            self.tally.failed[name] += len(judgement.failed)
            if judgement.error:
                self.tally.errors.setdefault(name, judgement.error)
            failed = judgement.failed
            if not check.quarantines:
                failed = failed[: EXAMPLES - len(self.tally.examples.get(name, ()))]
            hidden = any(self.contract.column(column).private for column in check.columns)
            shared: dict[str, dict[str, str]] = {}  # a value that stands in many rows is kept once
            values = _written(batch, frame, check, positions[failed], failed)
            for position, value in zip(positions[failed[:EXAMPLES]], values, strict=False):
                source, row = batch.source(position), int(batch.rows[position])
                self.tally.example(name, HIDDEN if hidden else value, source.key, row)
            if not check.quarantines:
                continue
            for position, value in zip(positions[failed].tolist(), values, strict=True):
                reason = shared.get(value)
                if reason is None:
                    reason = shared[value] = {"check": name, "rule": check.rule, "value": value}
                reasons.setdefault(position, []).append(reason)

    def _write(
        self,
        batch: RowBatch,
        table: Typed,
        keep: np.ndarray,
        reasons: Mapping[int, list[dict[str, str]]],
    ) -> None:
        tally = self.tally
        for position, fault in batch.faults:
            source = batch.sources[position].key
            tally.failed[READABLE] += 1
            tally.example(READABLE, f"{fault.why}: {fault.text}", source, int(fault.row))
        good = self.sink.good(batch, table.columns, keep)
        bad = self.sink.quarantine(batch, reasons)
        rows = len(batch) + len(batch.faults)
        if good + bad != rows:
            raise DataError(
                f"{rows} rows came in, {good} were written as good and {bad} as quarantined.",
                "This is a fault of the pipeline itself: report it; nothing was passed on.",
            )
        tally.rows_in += rows
        tally.rows_good += good
        tally.rows_quarantined += bad


def _written(
    batch: RowBatch, frame: pd.DataFrame, check: RowCheck, positions: np.ndarray, rows: np.ndarray
) -> list[str]:
    """What failed, as it was written.

    Args:
        batch: The rows as they came.
        frame: The rows as they were judged.
        check: What they failed.
        positions: Which rows of the batch.
        rows: The same rows of the frame.
    """
    if check.evidence:
        return [str(value) for value in frame[check.evidence].iloc[rows]]
    columns = []
    for name in check.columns:
        raw = batch.columns.get(name)
        values: Iterable[Any]
        if raw is None:
            values = frame[name].iloc[rows]
        elif isinstance(raw, list):
            values = (raw[position] for position in positions)
        else:
            values = map(plain, raw.take(pa.array(positions)))
        columns.append(
            ["(nothing)" if value is None or value is pd.NA else str(value) for value in values]
        )
    return [", ".join(row)[:200] for row in zip(*columns, strict=True)] or [""] * len(rows)


def _undecided(
    judged: Mapping[str, Judged], errors: Mapping[str, str], checks: Mapping[str, RowCheck]
) -> Mapping[str, Judged]:
    """Nothing is said by checks whose evidence, by its name, nobody could give."""
    told = {name: errors.get(str(checks[name].kwargs.get("column")), "") for name in judged}
    return {
        name: Judged(np.arange(0), told[name]) if told[name] else said
        for name, said in judged.items()
    }


def _missing_is_not_unreadable(
    judged: Mapping[str, Judged], checks: Mapping[str, RowCheck]
) -> Mapping[str, Judged]:
    """A value that did not read is there: do not call it missing as well."""
    corrected = dict(judged)
    for name, judgement in judged.items():
        check = checks[name]
        if check.expectation != "expect_column_values_to_not_be_null" or not len(judgement.failed):
            continue
        unread = judged.get(f"{check.columns[0]}.type")
        if unread is not None and len(unread.failed):
            corrected[name] = replace(
                judgement, failed=np.setdiff1d(judgement.failed, unread.failed)
            )
    return corrected


def validate_snapshot(
    contract: Contract,
    snapshot: Snapshot,
    local_paths: Mapping[str, Path],
    out_dir: Path,
    *,
    read: Reader,
    references: References | None = None,
    batch_rows: int = BATCH_ROWS,
    docs: bool = False,
    as_of: date | None = None,
) -> ContractReport:
    """Judge every row of a snapshot.

    Args:
        contract: What the data must be.
        snapshot: Which objects.
        local_paths: Key → local copy, for every object of the snapshot.
        out_dir: Receives ``good/``, ``quarantine/``, ``report.json``, ``report.html`` and, with
            ``docs``, ``docs/``; what an earlier run left in the first two is removed.
        read: Reads the local copies.
        references: Data set → Parquet files of its good rows, for foreign keys.
        batch_rows: Rows judged at a time; bounds memory.
        docs: Also render Great Expectations' Data Docs; their failure is only a notice.
        as_of: The day from which age is counted; the snapshot's last day when None.

    Raises:
        DataError: an object has no local copy, or the counts do not add up.
    """
    snapshot, beside = data_of(snapshot, contract.location_prefix)
    absent = [item.key for item in snapshot.objects if item.key not in local_paths]
    if absent:
        raise DataError(
            f"{len(absent)} objects of snapshot {snapshot.fingerprint[:12]} have no local copy; "
            f"the first is {absent[0]!r}.",
            "Pull the snapshot before validating it.",
        )
    out_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".keys-", dir=out_dir) as scratch:
        if contract.format == "images":
            from tasks.contracts.validation.image_rows import ImageSink, image_batches

            sink: Sink = ImageSink(out_dir, contract, local_paths, read)
            state = Validation(contract, sink, Path(scratch), references or {}, docs=docs)
            batches = image_batches(contract, snapshot, local_paths, read, state.tally, batch_rows)
        else:
            sink = Sink(out_dir, contract)
            state = Validation(contract, sink, Path(scratch), references or {}, docs=docs)
            chunks = _chunks(contract, snapshot, local_paths, read, state.tally)
            batches = in_batches(chunks, contract, batch_rows)
        for batch in batches:
            state.judge(batch)
        sink.unreadable(state.tally.unreadable)
        sink.finish()
    state.tally.beside = beside
    return _finished(state, snapshot, out_dir, as_of or snapshot.end)


def _chunks(
    contract: Contract,
    snapshot: Snapshot,
    local_paths: Mapping[str, Path],
    read: Reader,
    tally: ValidationCounts,
) -> Iterator[tuple[LakeObject, RawChunk]]:
    for item in sorted(snapshot.objects, key=lambda item: (item.day, item.key)):
        form = (contract.format, contract.encoding, contract.delimiter)
        chunks = read.rows(local_paths[item.key], item.key, *form)
        names: dict[str, None] = {}
        rows = 0
        try:
            # The reader promises: from its first chunk on, nothing can fail.
            for chunk in chunks:
                names |= dict.fromkeys(chunk.columns)
                rows += len(chunk.rows) + len(chunk.faults)
                yield item, chunk
        except UnreadableData as error:
            tally.set_aside(item, error)
        else:
            tally.objects_read += 1
            tally.add(name for name in names if name not in contract.top_level)
            if not rows:
                tally.empty.append(item.key)


def _finished(state: Validation, snapshot: Snapshot, out_dir: Path, as_of: date) -> ContractReport:
    contract, tally = state.contract, state.tally
    checks, outcome, reason = concluded(tally, contract, as_of)
    remarks = [*notices(tally, contract), *service_notices(contract, snapshot, as_of)]
    remarks += [
        f"{count:,} quarantined rows of {key} stand in the quarantine without their records, which "
        f"are in the lake: one object's are written out up to {RECORDS_BYTES >> 20} MB."
        for key, count in state.sink.without_record.most_common(NAMED)
    ]
    if state.merged is not None:
        remarks += built(state.merged, contract, snapshot, out_dir)
    if tally.objects_read + tally.unreadable_count != len(snapshot.objects):
        raise DataError(
            f"{len(snapshot.objects)} objects in the snapshot, {tally.objects_read} read and "
            f"{tally.unreadable_count} set aside.",
            "This is a fault of the pipeline itself: report it; nothing was passed on.",
        )
    report = ContractReport(
        dataset=contract.dataset,
        contract=contract.id,
        contract_version=contract.version,
        snapshot=snapshot.fingerprint,
        outcome=outcome,
        reason=reason,
        rows_in=tally.rows_in,
        rows_good=tally.rows_good,
        rows_quarantined=tally.rows_quarantined,
        objects_in=len(snapshot.objects),
        objects_beside=sum(item.count for item in tally.beside),
        objects_read=tally.objects_read,
        quarantine_limit=contract.quarantine_limit,
        checks=checks,
        unreadable=tuple(tally.unreadable[:UNREADABLE_SHOWN]),
        unreadable_count=tally.unreadable_count,
        notices=tuple(remarks),
        columns=kinds_of(contract),
        good_files=tuple(state.sink.good_files),
        quarantine_files=tuple(state.sink.quarantine_files),
    )
    (out_dir / "report.json").write_text(report.model_dump_json(indent=2), encoding="utf-8")
    (out_dir / "report.html").write_text(html(report), encoding="utf-8")
    return report
