"""Where judged rows go: good rows as Parquet, the others as JSON lines with their reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

GOOD = "good"
QUARANTINE = "quarantine"


class Sink:
    """Writes one snapshot's rows below ``out_dir``; each file appears when it is complete."""

    def __init__(self, out_dir: Path, contract: Contract) -> None:
        self._out = out_dir
        self._contract = contract
        self.good_files: list[str] = []
        self.quarantine_files: list[str] = []
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
        lines = [self._line(batch, position, why) for position, why in sorted(reasons.items())]
        for position, fault in batch.faults:
            source = batch.sources[position]
            lines.append(
                {
                    "source": source.key,
                    "version_id": source.version_id,
                    "day": source.day.isoformat(),
                    "row": int(fault.row),
                    "reasons": [{"check": READABLE, "why": fault.why}],
                    "text": fault.text,
                }
            )
        self._lines(lines, "rows")
        return len(lines)

    def finish(self) -> None:
        """Nothing more will come."""

    def unreadable(self, objects: Sequence[UnreadableObject]) -> None:
        """Write down the objects that were set aside as a whole."""
        self._lines([item.model_dump() for item in objects], "objects")

    def _line(
        self, batch: RowBatch, position: int, reasons: Sequence[Mapping[str, str]]
    ) -> dict[str, Any]:
        source = batch.source(position)
        return {
            "source": source.key,
            "version_id": source.version_id,
            "day": source.day.isoformat(),
            "row": int(batch.rows[position]),
            "reasons": list(reasons),
            "record": batch.record(position),
        }

    def _lines(self, lines: Sequence[Mapping[str, Any]], what: str) -> None:
        if not lines:
            return
        name = f"{QUARANTINE}/{what}-{len(self.quarantine_files):05d}.jsonl"
        body = "".join(f"{jsonable(line)}\n" for line in lines)
        self._whole(name, lambda path: path.write_text(body, encoding="utf-8"))
        self.quarantine_files.append(name)

    def _whole(self, name: str, write: Any) -> None:
        path = self._out / name
        part = path.with_name(f".{path.name}.part")
        write(part)
        part.replace(path)


def _places(batch: RowBatch) -> Any:
    """File name and line of each row, as text that sorts like them."""
    names = [source.key.rpartition("/")[2] for source in batch.sources]
    pairs = zip(batch.objects, batch.rows, strict=True)
    return pa.array([f"{names[at]}#{row:012d}" for at, row in pairs], pa.string())
