"""Rows into whole periods, and what a model of the registry makes of them.

The model runs in a process of its own, through its bundle's entry point: the very model that is
served, while users' traffic, its metrics and the judge that reads them see nothing of it, and this
process never loads a model.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.runtime.calling import BundleFailed
from tasks.artefacts.act import CarryOut, here
from tasks.artefacts.scoring import SCORE
from tasks.errors import DataError
from tasks.good_rows import DAY, LABEL_DAY, LABELS, day_of

ROWS = 5_000
"""Most rows of a period that are scored."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """Rows of one period: residual and error [n] (NaN without a label), score [n]."""

    residual: Floats
    error: Floats
    score: Floats

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """Which rows have a label."""
        return np.isfinite(self.residual)


def period_of(day: date, anchor: date, length: int) -> date:
    """Last day of the period that a day lies in; one period ends with ``anchor``.

    Anchored at the champion's last day, a period is the same whenever it is looked at.
    """
    return anchor + timedelta(days=-(-(day - anchor).days // length) * length)


def split_periods(good: Path, out: Path, anchor: date, length: int, last: date) -> tuple[str, ...]:
    """Bring good rows into one folder a period; periods that end after ``last`` are not whole.

    Args:
        good: Parquet files with ``_day``, or images with ``labels.jsonl``.
        out: Gets a folder for each period, named by its last day.
        anchor: Last day of one of the periods.
        length: Days of a period.
        last: Last day of the data.

    Returns:
        Names of the periods, oldest first.
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    pictured = next(iter(good.rglob(LABELS)), None)
    if pictured is not None:
        _split_pictures(pictured, out, anchor, length, last)
    else:
        _split_tables(good, out, anchor, length, last)
    return tuple(sorted(path.name for path in out.iterdir()))


def _split_tables(good: Path, out: Path, anchor: date, length: int, last: date) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    random = np.random.default_rng(0)
    for number, path in enumerate(sorted(good.rglob("*.parquet"))):
        table = pq.ParquetFile(path).read()
        days = [day_of(value) for value in pc.unique(table[DAY]).to_pylist()]
        groups: dict[date, list[date]] = {}
        for day in days:
            groups.setdefault(period_of(day, anchor, length), []).append(day)
        for ends, members in groups.items():
            if ends > last:
                continue
            wanted = pa.array(members, pa.date32())
            part = table.filter(pc.is_in(table[DAY].cast(pa.date32()), wanted))
            if part.num_rows > ROWS:
                part = part.take(np.sort(random.choice(part.num_rows, ROWS, replace=False)))
            (out / str(ends)).mkdir(exist_ok=True)
            pq.write_table(part, out / str(ends) / f"{number:05d}.parquet")


def _split_pictures(labels: Path, out: Path, anchor: date, length: int, last: date) -> None:
    lines: dict[date, list[dict[str, Any]]] = {}
    for line in labels.read_text("utf-8").splitlines():
        if line.strip():
            entry = json.loads(line)
            ends = period_of(day_of(entry[LABEL_DAY]), anchor, length)
            if ends <= last:
                lines.setdefault(ends, []).append(entry)
    random = np.random.default_rng(0)
    for ends, entries in lines.items():
        chosen = entries
        if len(entries) > ROWS:
            picked = random.choice(len(entries), ROWS, replace=False)
            chosen = [entries[index] for index in sorted(picked)]
        folder = out / str(ends)
        for entry in chosen:
            target = folder / entry["file"]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(labels.parent / entry["file"], target)
        written = "".join(f"{json.dumps(entry)}\n" for entry in chosen)
        (folder / LABELS).write_text(written, "utf-8")


def score_periods(
    archive: Path, periods: Path, work: Path, carry_out: CarryOut = here
) -> dict[str, Scored]:
    """Score every period with the model of an archive, in another process.

    Args:
        archive: model.tar.gz.
        periods: Of :func:`split_periods`.
        work: Scratch folder.
        carry_out: How its program is run.

    Raises:
        DataError: the archive is none, the program failed, or it took longer than an hour.
    """
    out = work / "scores"
    try:
        carry_out(SCORE, {"archive": archive, "periods": periods}, out, {"rows": ROWS})
    except BundleFailed as error:
        raise DataError(
            f"The champion could not be run on the new rows: {error}.",
            "Read what the program says; the comparison of the inputs does not depend on it.",
        ) from error
    scores = {}
    for path in sorted(out.glob("*.npz")):
        with np.load(path) as arrays:
            scores[path.stem] = Scored(arrays["residual"], arrays["error"], arrays["score"])
    return scores
