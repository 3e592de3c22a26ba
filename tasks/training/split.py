"""Split good data into what the model learns from and what the gate measures on.

The same data and the same rule give the same split, on any machine: by day, or by a hash of the
row's own identity. A row is never in both, nor are a picture and its copy that was recompressed,
resized or made brighter.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from tasks.errors import NoDataInWindow
from tasks.good_rows import DAY, LABEL_DAY, LABELS, day_of
from tasks.likeness import families, likeness_of
from tasks.specs.data import DataSpec
from tasks.values import Frozen

TRAINING, HOLDOUT = "training", "holdout"
LEFT_OUT, TOO_YOUNG = "", "too young"
"""Sides of rows that are neither learned from nor measured on."""
THREADS = 4
_SCALE = 1 << 64


class SplitCounts(Frozen):
    """How many rows went where. ``rule`` says it in words.

    ``left_out`` rows are on neither side: their group is held out, and they are older.
    ``too_young`` ones are on neither side, labelled or not: others of their days have no label yet.
    (Rows on a side that have no label all the same are counted by the job, which leaves them out.)
    """

    training_rows: int
    holdout_rows: int
    rule: str
    left_out: int = 0
    too_young: int = 0


def held_out(identity: str, share: float) -> bool:
    """Whether a hash puts a row into the held-out share."""
    digest = hashlib.sha256(identity.encode()).digest()
    return int.from_bytes(digest[:8], "big") < share * _SCALE


def rule_of(data: DataSpec) -> str:
    """The split rule in words; part of a training's identity."""
    wait = data.label_delay_days
    young = f", once {wait} days are left out whose labels may still come" if wait else ""
    if data.holdout_days:
        newest = f"the newest {data.holdout_days} days are held out"
        by = f", and no older row of their {data.split_by}" if data.split_by else ""
        return newest + by + young
    by = f"{data.split_by}" if data.split_by else "row"
    return f"{data.holdout_share:.0%} are held out, by a hash of each {by}{young}"


def split_good_rows(good: Path, out: Path, data: DataSpec) -> SplitCounts:
    """Split Parquet files of good rows, or a folder of images with their labels.

    Args:
        good: Folder with ``*.parquet`` (each row with its partition day in ``_day``), or with
            images and ``labels.jsonl``.
        out: Gets the folders ``training`` and ``holdout``.
        data: The model's data settings.

    Raises:
        NoDataInWindow: one side of the split would be empty.
    """
    for side in (TRAINING, HOLDOUT):
        shutil.rmtree(out / side, ignore_errors=True)
        (out / side).mkdir(parents=True)
    if (good / LABELS).exists():
        counts = _split_images(good, out, data)
    else:
        counts = _split_tables(sorted(good.glob("*.parquet")), out, data)
    if not (counts.training_rows and counts.holdout_rows):
        raise NoDataInWindow(
            f"{data.dataset}: the split leaves {counts.training_rows} rows to train on and "
            f"{counts.holdout_rows} held out ({rule_of(data)}).",
            "Widen the window, or lower data.holdout_days or data.label_delay_days in model.yaml.",
        )
    return counts


def sides_of(
    days: Sequence[date],
    identities: Sequence[str],
    groups: Sequence[str] | None,
    cut: Cut,
) -> list[str]:
    """The side of each row: training, holdout, or one of the two for neither.

    Args:
        days: Of each row.
        identities: What tells a row from others, however often it comes.
        groups: Value of ``split_by`` of each row; None without it. A row without a value is a group
            of its own.
        cut: Where the sides part.
    """
    if cut.first is None:
        together = [g or own for g, own in zip(groups or identities, identities, strict=True)]
        sides = [HOLDOUT if held_out(group, cut.share) else TRAINING for group in together]
    elif groups is None:
        sides = [HOLDOUT if day >= cut.first else TRAINING for day in days]
    else:
        sides = [
            HOLDOUT if day >= cut.first else LEFT_OUT if group in cut.newest else TRAINING
            for group, day in zip(groups, days, strict=True)
        ]
    if cut.last is None:
        return sides
    return [TOO_YOUNG if day > cut.last else side for side, day in zip(sides, days, strict=True)]


@dataclass(frozen=True)
class Cut:
    """Where the sides of a split part.

    Args:
        first: First day that is held out; None holds out a share.
        share: Share of the rows (or groups) that is held out without days.
        newest: Groups that have a row in the held-out days.
        last: Last day whose labels have all had their time to come; None does not ask.
    """

    first: date | None
    share: float
    newest: frozenset[str] = frozenset()
    last: date | None = None

    @classmethod
    def of(cls, data: DataSpec, days: Sequence[date], groups: Sequence[str] | None) -> Cut:
        """The cut of all rows."""
        if not days:
            return cls(None, data.holdout_share)
        end = max(days) - timedelta(days=data.label_delay_days)
        last = end if data.label_delay_days else None
        if not data.holdout_days:
            return cls(None, data.holdout_share, last=last)
        first = end - timedelta(days=data.holdout_days - 1)
        named = zip(groups or (), days, strict=False)
        newest = frozenset(group for group, day in named if group and first <= day <= end)
        return cls(first, data.holdout_share, newest, last)


def _counted(sides: Mapping[str, int], data: DataSpec) -> SplitCounts:
    return SplitCounts(
        training_rows=sides.get(TRAINING, 0),
        holdout_rows=sides.get(HOLDOUT, 0),
        rule=rule_of(data),
        left_out=sides.get(LEFT_OUT, 0),
        too_young=sides.get(TOO_YOUNG, 0),
    )


def _split_tables(files: Sequence[Path], out: Path, data: DataSpec) -> SplitCounts:
    """Two passes, so that one file at a time is in memory: where to cut, and cutting."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    by = data.split_by
    days, groups = [], []
    for file in files:
        keys = pq.read_table(file, columns=[DAY, *([by] if by else [])])
        days += [day_of(value) for value in keys[DAY].to_pylist()]
        groups += [_group(value) for value in keys[by].to_pylist()] if by else []
    cut = Cut.of(data, days, groups if by else None)
    counts: Counter[str] = Counter()
    for file in files:
        table = pq.read_table(file)
        its_days = [day_of(value) for value in table[DAY].to_pylist()]
        identities = (
            [""] * table.num_rows
            if cut.first
            else [json.dumps(row, sort_keys=True, default=str) for row in table.to_pylist()]
        )
        its_groups = [_group(value) for value in table[by].to_pylist()] if by else None
        sides = sides_of(its_days, identities, its_groups, cut)
        counts.update(sides)
        for side in (TRAINING, HOLDOUT):
            part = table.filter(pa.array([one == side for one in sides]))
            if part.num_rows:
                pq.write_table(part, out / side / file.name)
    return _counted(counts, data)


def _split_images(good: Path, out: Path, data: DataSpec) -> SplitCounts:
    entries: list[dict[str, Any]] = [
        json.loads(line) for line in (good / LABELS).read_text("utf-8").splitlines() if line
    ]
    days = [day_of(entry[LABEL_DAY]) for entry in entries]
    with ThreadPoolExecutor(THREADS) as pool:
        seen = list(pool.map(likeness_of, [good / entry["file"] for entry in entries]))
    # The pictures decide: one under two names, recompressed or made brighter, is not in both.
    groups = families(seen)
    if data.split_by:
        groups = joined(groups, [_group(entry.get(data.split_by)) for entry in entries])
    identities = [image.digest for image in seen]
    sides = sides_of(days, identities, groups, Cut.of(data, days, groups))
    for side in (TRAINING, HOLDOUT):
        lines = []
        for entry, its in zip(entries, sides, strict=True):
            if its != side:
                continue
            target = out / side / entry["file"]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(good / entry["file"], target)
            lines.append(json.dumps(entry, sort_keys=True))
        (out / side / LABELS).write_text("\n".join(lines) + "\n", "utf-8")
    return _counted(Counter(sides), data)


def joined(groups: Sequence[str], others: Sequence[str]) -> list[str]:
    """Groups of rows that share a group or a value of ``others``, directly or through other rows.

    Args:
        groups: Of each row.
        others: Another grouping of the same rows; "" groups nothing.

    Returns:
        For each row the smallest value of ``others`` in its group, or, where none has one, the
        smallest of its ``groups``.
    """
    of: dict[tuple[int, str], tuple[int, str]] = {}

    def head(name: tuple[int, str]) -> tuple[int, str]:
        while of.setdefault(name, name) != name:
            of[name] = of[of[name]]
            name = of[name]
        return name

    for group, other in zip(groups, others, strict=True):
        ends = sorted(head(name) for name in ((0, other), (1, group)) if name[1])
        of[ends[-1]] = ends[0]
    return [head((1, group))[1] for group in groups]


def _group(value: Any) -> str:
    return "" if value is None else str(value)
