"""Where judged rows go: good rows as Parquet, the others as JSON lines with their reasons."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tasks.contracts.model import WRITTEN, Contract
from tasks.contracts.reports.report import UnreadableObject
from tasks.contracts.validation.batches import RowBatch
from tasks.contracts.validation.casting import arrow_type
from tasks.contracts.validation.checks import READABLE
from tasks.contracts.validation.strict_json import jsonable
from tasks.good_rows import DAY
from tasks.values import LakeObject

GOOD = "good"
QUARANTINE = "quarantine"
RECORDS_BYTES = 16 << 20
"""Of one object, this much is written out row by row. A few hundred bytes of Parquet can hold a
hundred thousand bad rows: those after are named (which rows, which checks), and stand in the
object's version in the lake, as all of them do."""
LEFT_OUT = "the records, which stand at these rows of this version of the object"


class Sink:
    """Writes one snapshot's rows below ``out_dir``; each file appears when it is complete."""

    def __init__(self, out_dir: Path, contract: Contract) -> None:
        self._out = out_dir
        self._contract = contract
        self.good_files: list[str] = []
        self.quarantine_files: list[str] = []
        self.without_record: Counter[str] = Counter()
        self._written_out: Counter[str] = Counter()
        for folder in (GOOD, QUARANTINE):
            (out_dir / folder).mkdir(parents=True, exist_ok=True)
            for leftover in (out_dir / folder).rglob("*"):
                if leftover.is_file():
                    leftover.unlink()

    def good(self, batch: RowBatch, columns: Mapping[str, Any], keep: np.ndarray) -> int:
        """Write the rows in ``keep`` (a mask); returns how many."""
        count = int(keep.sum())
        if not count:
            return 0
        days = np.asarray([source.day for source in batch.sources], dtype="datetime64[D]")
        fields = [pa.field(c.name, arrow_type(c)) for c in self._contract.columns]
        arrays = [columns[column.name] for column in self._contract.columns]
        arrays.append(pa.array(days[batch.objects]))
        fields.append(pa.field(DAY, pa.date32()))
        if self._contract.written:
            arrays.append(_places(batch))
            fields.append(pa.field(WRITTEN, pa.string()))
        table = pa.table(arrays, schema=pa.schema(fields)).filter(pa.array(keep))
        name = f"{GOOD}/part-{len(self.good_files):05d}.parquet"
        self._whole(name, lambda path: pq.write_table(table, path, compression="zstd"))
        self.good_files.append(name)
        return count

    def quarantine(
        self, batch: RowBatch, reasons: Mapping[int, Sequence[Mapping[str, str]]]
    ) -> int:
        """Write rows with their reasons, and the batch's faults; returns how many."""
        faults = (self._fault(batch, position, fault) for position, fault in batch.faults)
        self._lines(chain(self._rows(batch, reasons), faults), "rows")
        return len(reasons) + len(batch.faults)

    def finish(self) -> None:
        """Nothing more will come."""

    def unreadable(self, objects: Sequence[UnreadableObject]) -> None:
        """Write down the objects that were set aside as a whole."""
        self._lines((jsonable(item.model_dump()) for item in objects), "objects")

    def _rows(
        self, batch: RowBatch, reasons: Mapping[int, Sequence[Mapping[str, str]]]
    ) -> Iterator[str]:
        """A line for each row; in the end, one for all those that failed alike and stay brief."""
        brief: dict[tuple[int, tuple[str, ...]], list[int]] = {}
        for position, why in sorted(reasons.items()):
            source, row = batch.source(position), int(batch.rows[position])
            line = ""
            if self._written_out[source.key] < RECORDS_BYTES:
                record = batch.record(position)
                line = jsonable({**_place(source), "row": row, "reasons": why, "record": record})
            # In ASCII a record may be three times as long as it was, and no reader's line.
            if line and len(line) < RECORDS_BYTES:
                self._written_out[source.key] += len(line)
                yield line
            else:
                checks = tuple(reason["check"] for reason in why)
                brief.setdefault((int(batch.objects[position]), checks), []).append(row)
        for (at, checks), rows in brief.items():
            source = batch.sources[at]
            self.without_record[source.key] += len(rows)
            spans = _spans(rows)
            failed = [{"check": check} for check in checks]
            yield jsonable(
                {**_place(source), "rows": spans, "reasons": failed, "left_out": LEFT_OUT}
            )

    def _fault(self, batch: RowBatch, position: int, fault: Any) -> str:
        place = _place(batch.sources[position])
        reasons = [{"check": READABLE, "why": fault.why}]
        return jsonable({**place, "row": int(fault.row), "reasons": reasons, "text": fault.text})

    def _lines(self, lines: Iterator[str], what: str) -> None:
        first = next(lines, None)
        if first is None:
            return
        name = f"{QUARANTINE}/{what}-{len(self.quarantine_files):05d}.jsonl"

        def write(path: Path) -> None:
            with path.open("w", encoding="utf-8") as file:
                file.writelines(f"{line}\n" for line in chain([first], lines))

        self._whole(name, write)
        self.quarantine_files.append(name)

    def _whole(self, name: str, write: Any) -> None:
        path = self._out / name
        part = path.with_name(f".{path.name}.part")
        write(part)
        part.replace(path)


def _place(source: LakeObject) -> dict[str, str]:
    return {
        "source": source.key,
        "version_id": source.version_id,
        "day": source.day.isoformat(),
    }


def _spans(rows: Sequence[int]) -> list[list[int]]:
    """Ascending numbers as first and last of each unbroken stretch.

    >>> _spans([1, 2, 3, 7])
    [[1, 3], [7, 7]]
    """
    spans: list[list[int]] = []
    for row in rows:
        if spans and spans[-1][1] == row - 1:
            spans[-1][1] = row
        else:
            spans.append([row, row])
    return spans


def _places(batch: RowBatch) -> Any:
    """File name and line of each row, as text that sorts like them."""
    names = [source.key.rpartition("/")[2] for source in batch.sources]
    pairs = zip(batch.objects, batch.rows, strict=True)
    return pa.array([f"{names[at]}#{row:012d}" for at, row in pairs], pa.string())
