"""Images with labels → batches of rows, with what the pictures themselves show as evidence.

A row is one line of a folder's ``labels.jsonl``; an image that no line names is a row without a
label. Each image is decoded once, on threads; about a kilobyte is kept of it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tasks.contracts.model import NESTED, Contract, Quality
from tasks.contracts.odcs.nested import Checker
from tasks.contracts.odcs.own_checks import LABEL
from tasks.contracts.validation.batches import RowBatch
from tasks.contracts.validation.boxes import box_fault
from tasks.contracts.validation.checks import ours_column
from tasks.contracts.validation.sink import GOOD, Sink
from tasks.contracts.validation.strict_json import jsonable
from tasks.contracts.validation.tally import ValidationCounts
from tasks.errors import UnreadableData
from tasks.good_rows import LABEL_DAY, LABELS
from tasks.likeness import MAX_DIFFERENCE, MAX_DISTANCE, Likeness, alike, likeness
from tasks.values import LakeObject, Snapshot

FILE = "file"
SAFE = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]{0,100}$")
THREADS = 4


@dataclass(frozen=True)
class ImageEvidence:
    """What one image showed: its likeness and size, or why it does not decode."""

    likeness: Likeness | None = None
    width: int = 0
    height: int = 0
    fault: str = ""


@dataclass(frozen=True)
class Row:
    """A line of labels and the image that it names, if there is one."""

    record: Mapping[str, Any]
    number: int
    source: LakeObject
    seen: ImageEvidence


def image_batches(
    contract: Contract,
    snapshot: Snapshot,
    local_paths: Mapping[str, Path],
    read: Any,
    tally: ValidationCounts,
    limit: int,
) -> Iterator[RowBatch]:
    """Batches of at most ``limit`` label rows; objects are counted in ``tally``."""
    ordered = sorted(snapshot.objects, key=lambda item: (item.day, item.key))
    labels = [item for item in ordered if _name(item.key) in {LABELS, f"{LABELS}.gz"}]
    images = {item.key: item for item in ordered if item not in labels}
    tally.objects_read += len(images)
    image_evidence = dict(zip(images, _look_at(images, local_paths, read), strict=True))
    rows, faults = _rows(contract, labels, images, image_evidence, local_paths, read, tally)
    evidence = _evidence(contract, rows)
    for start in range(0, max(len(rows), 1), limit):
        part = slice(start, start + limit)
        yield _batch(
            contract,
            rows[part],
            {name: values[part] for name, values in evidence.items()},
            faults if start == 0 else [],
        )


def _name(key: str) -> str:
    return key.rpartition("/")[2]


def _look_at(
    images: Mapping[str, LakeObject], local_paths: Mapping[str, Path], read: Any
) -> Iterator[ImageEvidence]:
    def look(key: str) -> ImageEvidence:
        try:
            decoded = read.image(local_paths[key], key)
        except UnreadableData as error:
            return ImageEvidence(fault=error.what)
        return ImageEvidence(
            likeness(decoded.pixels, decoded.digest), decoded.width, decoded.height
        )

    with ThreadPoolExecutor(THREADS) as pool:
        yield from pool.map(look, images)


def _rows(
    contract: Contract,
    labels: list[LakeObject],
    images: Mapping[str, LakeObject],
    evidence: Mapping[str, ImageEvidence],
    local_paths: Mapping[str, Path],
    read: Any,
    tally: ValidationCounts,
) -> tuple[list[Row], list[tuple[LakeObject, Any]]]:
    rows: list[Row] = []
    faults: list[tuple[LakeObject, Any]] = []
    named: set[str] = set()
    for item in labels:
        folder = item.key[: -len(_name(item.key))]
        try:
            chunks = list(read.rows(local_paths[item.key], item.key, "jsonl", contract.encoding))
        except UnreadableData as error:
            tally.set_aside(item, error)
            continue
        tally.objects_read += 1
        names = dict.fromkeys(name for chunk in chunks for name in chunk.columns)
        tally.add(name for name in names if name not in contract.top_level)
        for chunk in chunks:
            faults += [(item, fault) for fault in chunk.faults]
            for at, number in enumerate(chunk.rows):
                record = {name: values[at] for name, values in chunk.columns.items()}
                key = f"{folder}{record.get(FILE)}"
                named.add(key)
                missing = ImageEvidence(fault=f"there is no image {ascii(key[:200])[1:-1]}")
                rows.append(
                    Row(record, int(number), images.get(key, item), evidence.get(key, missing))
                )
    for key, image in images.items():
        if key not in named:
            rows.append(Row({FILE: _name(key)}, 0, image, evidence[key]))
    return rows, faults


def _batch(
    contract: Contract,
    rows: list[Row],
    evidence: Mapping[str, list[str | None]],
    faults: list[tuple[LakeObject, Any]],
) -> RowBatch:
    sources = tuple(dict.fromkeys([*(row.source for row in rows), *(item for item, _ in faults)]))
    place = {source: position for position, source in enumerate(sources)}
    names = dict.fromkeys(name for row in rows for name in row.record)
    columns = {name: [row.record.get(name) for row in rows] for name in names}
    known = contract.top_level
    return RowBatch(
        kind="objects",
        columns={name: values for name, values in columns.items() if name in known},
        extra={name: values for name, values in columns.items() if name not in known},
        objects=np.asarray([place[row.source] for row in rows], dtype=np.int64),
        rows=np.asarray([row.number for row in rows], dtype=np.int64),
        sources=sources,
        faults=tuple((place[item], fault) for item, fault in faults),
        evidence=evidence,
    )


def _evidence(contract: Contract, rows: list[Row]) -> dict[str, list[str | None]]:
    evidence: dict[str, list[str | None]] = {}
    for quality in contract.quality:
        if quality.kind == "imageDecodes":
            evidence[ours_column(quality)] = [row.seen.fault or None for row in rows]
        elif quality.kind == "imageSizeAsLabelled":
            evidence[ours_column(quality)] = [_not_as_labelled(contract, row) for row in rows]
        elif quality.kind == "imageSize":
            evidence[ours_column(quality)] = [_out_of_size(row, quality) for row in rows]
        elif quality.kind in {"noDuplicateImages", "noConflictingLabels"}:
            evidence[ours_column(quality)] = _twins(contract, rows, quality)
    return evidence


def _not_as_labelled(contract: Contract, row: Row) -> str | None:
    wanted = (_told(contract, row, "width"), _told(contract, row, "height"))
    real = (row.seen.width, row.seen.height)
    if row.seen.likeness is None or None in wanted or wanted == real:
        return None
    return f"{real[0]} × {real[1]} pixels, labelled {wanted[0]!r:.20} × {wanted[1]!r:.20}"


def _told(contract: Contract, row: Row, name: str) -> Any:
    """A column's value as the file tells it, under the file's own name for it."""
    column = next((column for column in contract.columns if column.name == name), None)
    source = column.source if column is not None else name
    if source in row.record:
        return row.record[source]
    value: Any = row.record
    for part in source.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _out_of_size(row: Row, quality: Quality) -> str | None:
    if row.seen.likeness is None:
        return None
    limits = quality.arguments
    low = (limits.get("minWidth", 1), limits.get("minHeight", 1))
    high = (limits.get("maxWidth", row.seen.width), limits.get("maxHeight", row.seen.height))
    inside = low[0] <= row.seen.width <= high[0] and low[1] <= row.seen.height <= high[1]
    return None if inside else f"{row.seen.width} × {row.seen.height} pixels"


def _twins(contract: Contract, rows: list[Row], quality: Quality) -> list[str | None]:
    """Later copies of an image (duplicates), or every copy whose labels disagree (conflicts).

    A row whose label the contract does not allow takes no part: it must not push a good one out.
    """
    policy = quality
    if quality.kind == "noConflictingLabels":
        policy = next((q for q in contract.quality if q.kind == "noDuplicateImages"), quality)
    label = str(quality.arguments.get("label", LABEL))
    allowed = _allowed(contract, label)
    labels = [_told(contract, row, label) for row in rows]
    part = [
        index
        for index, row in enumerate(rows)
        if row.seen.likeness is not None and allowed(labels[index])
    ]
    pictures = [picture for index in part if (picture := rows[index].seen.likeness) is not None]
    evidence: list[str | None] = [None] * len(rows)
    pairs = alike(
        pictures,
        int(policy.arguments.get("maxDistance", MAX_DISTANCE)),
        float(policy.arguments.get("maxDifference", MAX_DIFFERENCE)),
    )
    for earlier, later in pairs:
        first, second = rows[part[earlier]], rows[part[later]]
        ours, theirs = labels[part[earlier]], labels[part[later]]
        same = ours == theirs
        if quality.kind == "noConflictingLabels":
            if not same:
                evidence[part[earlier]] = evidence[part[earlier]] or _conflict(ours, theirs, second)
                evidence[part[later]] = _conflict(theirs, ours, first)
        elif same and evidence[part[later]] is None:
            exact = pictures[earlier].digest == pictures[later].digest
            evidence[part[later]] = (
                f"{'the same picture as' if exact else 'nearly the same picture as'} "
                f"{_shown(first)}"
            )
    return evidence


def _allowed(contract: Contract, label: str) -> Callable[[Any], bool]:
    """Whether the contract allows a label: its values, and all that it says of a nested one.

    Images that have no labels are allowed all.
    """
    column = next((column for column in contract.columns if column.name == label), None)
    if column is None:
        return lambda _value: True
    known = {repr(value) for value in column.enum}
    checker = Checker(column) if column.type in NESTED else None
    boxed = any(q.kind == "boxCorners" and q.column == column.name for q in contract.quality)

    def allowed(value: Any) -> bool:
        if checker is None:
            return not known or repr(value) in known
        return not checker.fault(value) and not (boxed and box_fault(value))

    return allowed


def _conflict(own: Any, label: Any, other: Row) -> str:
    return f"{own!r:.40} here, {label!r:.40} in {_shown(other)}"


def _shown(row: Row) -> str:
    return ascii(row.source.key[-120:])[1:-1]


class ImageSink(Sink):
    """Good images without their metadata, under safe names, and one ``labels.jsonl`` for all.

    The label rows also go to Parquet like any other table, for profiles.
    """

    def __init__(
        self, out_dir: Path, contract: Contract, local_paths: Mapping[str, Path], read: Any
    ) -> None:
        super().__init__(out_dir, contract)
        self._paths = local_paths
        self._read = read
        self._entries: list[str] = []

    def good(self, batch: RowBatch, columns: Mapping[str, Any], keep: np.ndarray) -> int:
        """Write the images of the rows in ``keep``; returns how many."""
        listed = {name: column.to_pylist() for name, column in columns.items()}
        for position in keep.nonzero()[0]:
            source = batch.source(int(position))
            name = safe_name(source)
            path = self._out / GOOD / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._read.picture(self._paths[source.key], source.key))
            entry = {key: values[int(position)] for key, values in listed.items()}
            entry |= {FILE: name, "id": name, LABEL_DAY: source.day.isoformat()}
            self._entries.append(jsonable({k: v for k, v in entry.items() if v is not None}))
        return super().good(batch, columns, keep)

    def finish(self) -> None:
        """Write the labels of all good images."""
        if self._entries:
            body = "".join(f"{line}\n" for line in self._entries)
            self._whole(f"{GOOD}/{LABELS}", lambda path: path.write_text(body, encoding="utf-8"))
            self.good_files.append(f"{GOOD}/{LABELS}")


def safe_name(source: LakeObject) -> str:
    """``<day>/<file name>``; a name that is not plain is replaced by a hash of the key."""
    name = _name(source.key)
    if not SAFE.match(name):
        suffix = Path(name).suffix.lower()
        suffix = suffix if suffix in {".jpg", ".jpeg", ".png", ".webp"} else ".img"
        name = hashlib.sha256(source.key.encode("utf-8", "surrogatepass")).hexdigest()[:24] + suffix
    return f"{source.day.isoformat()}/{name}"
