"""What a check costs: CPU, memory, and one more day in a year. Each figure in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.drift.table import Row
from benchmarks.drift.world import COLUMNS, Week, counts, rows
from tasks.drift import DriftPolicy, Profile, compare, merged, profile_table

MILLION = 1_000_000
GROUP = 1_048_576 // 2
VALUES = 2 * 20 * MILLION


def write(path: Path, size: int, seed: int, week: Week | None = None) -> Path:
    """A Parquet file of ``size`` rows; beyond five million, five distinct million are repeated."""
    if path.exists():
        return path
    random = np.random.default_rng(seed)
    blocks = [
        rows(random, min(MILLION, size), week) for _ in range(min(5, max(size // MILLION, 1)))
    ]
    partial = path.with_suffix(".part")
    # Numbers never repeat: to look for a dictionary of them takes most of a large file's time.
    codes = [name for name, kind in COLUMNS.items() if kind == "categorical"]
    dictionary: bool | list[str] = codes if size > 5 * MILLION else True
    tables = [pa.Table.from_batches([block]) for block in blocks]
    if size > 5 * MILLION:
        tables = [_dictionary_coded(table, codes) for table in tables]
    with pq.ParquetWriter(
        partial, tables[0].schema, use_dictionary=dictionary, store_schema=False
    ) as writer:
        for index in range(max(size // MILLION, 1)):
            writer.write_table(tables[index % len(tables)], row_group_size=GROUP)
    partial.rename(path)
    return path


def _dictionary_coded(table: pa.Table, names: list[str]) -> pa.Table:
    """Text as codes once, and not each time that it is written."""
    for name in names:
        column = table[name].combine_chunks().dictionary_encode()
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return table


def alone(function: Callable[..., Any], *arguments: str) -> dict[str, float]:
    """Run one of this module's functions in a fresh process of one thread."""
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.drift.cost", function.__name__, *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    figures: dict[str, float] = json.loads(answer.stdout.splitlines()[-1])
    return figures


def cold(reference: str, current: str) -> dict[str, float]:
    """Both sides from files, CPU seconds after start-up; and warm, from stored profiles."""
    _warm_up(reference)
    start = time.process_time()
    a = profile_table(reference, "parquet", COLUMNS, partition="a")
    b = profile_table(current, "parquet", COLUMNS, a.grid, partition="b")
    compare(a, b)
    full = time.process_time() - start
    texts = a.to_json(), b.to_json()
    start = time.process_time()
    compare(Profile.from_json(texts[0]), Profile.from_json(texts[1]))
    return {"cold": full, "warm": time.process_time() - start, "bytes": float(len(texts[0]))}


def floor(reference: str, current: str) -> dict[str, float]:
    """Reading both files without looking at a value."""
    codes = [name for name, kind in COLUMNS.items() if kind == "categorical"]
    pq.ParquetFile(reference, read_dictionary=codes).close()
    start = time.process_time()
    for path in (reference, current):
        with pq.ParquetFile(path, read_dictionary=codes, buffer_size=1 << 18) as file:
            for _ in file.iter_batches(131_072, use_threads=False):
                pass
    return {"seconds": time.process_time() - start}


def memory(path: str) -> dict[str, float]:
    """MB over the interpreter with everything imported, at the peak."""
    small = rows(np.random.default_rng(0), 1_000)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_batches([small]), sink)
    base = profile_table(sink.getvalue().to_pybytes(), "parquet", COLUMNS)
    compare(base, base, DriftPolicy())
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak starts anew
    before = _peak()
    start = time.process_time()
    profile_table(path, "parquet", COLUMNS, base.grid)
    seconds = time.process_time() - start
    return {"mb": _peak() - before, "seconds": seconds}


def _peak() -> float:
    """Resident memory at its peak, MB (Linux)."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def one_more_day(path: str) -> dict[str, float]:
    """A year's running profile and one more day of a million rows: ratio to the day alone."""
    _warm_up(path)
    day = profile_table(path, "parquet", COLUMNS, partition="2026-01-01")
    year = Profile(day.grid, day.rows, (), day.columns)
    days = [Profile(day.grid, day.rows, (f"d{i:03d}",), day.columns) for i in range(365)]
    text = merged([year, *days]).to_json()
    best = [1e9, 1e9]
    for _ in range(5):
        start = time.process_time()
        fresh = profile_table(path, "parquet", COLUMNS, day.grid, partition="2027-01-01")
        alone_ = time.process_time() - start
        Profile.from_json(text).merge(fresh).to_json()
        both = time.process_time() - start
        best = [min(best[0], alone_), min(best[1], both)]
    return {"ratio": best[1] / best[0], "seconds": best[0]}


def _warm_up(path: str) -> None:
    """Everything imported, the file in the page cache."""
    random = np.random.default_rng(0)
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_batches([rows(random, 2_000)]), sink)
    base = profile_table(sink.getvalue().to_pybytes(), "parquet", COLUMNS)
    compare(base, base)
    Profile.from_json(base.to_json())
    Path(path).read_bytes()


def table(cache: Path, *, large: int, repeats: int) -> list[Row]:
    """The rows of the table that are about cost."""
    a = write(cache / "reference-1m.parquet", MILLION, 1)
    b = write(cache / "current-1m.parquet", MILLION, 2)
    runs = [alone(cold, str(a), str(b)) for _ in range(repeats)]
    least = min(run["cold"] for run in runs)
    warm = min(run["warm"] for run in runs)
    reading = min(alone(floor, str(a), str(b))["seconds"] for _ in range(repeats))
    small = alone(memory, str(a))
    file = write(cache / f"rows-{large // MILLION}m.parquet", large, 3)
    big = alone(memory, str(file))
    day = min((alone(one_more_day, str(a)) for _ in range(2)), key=lambda run: run["ratio"])
    each = least / VALUES * 1e9
    return [
        Row("cold, both sides of 1M × 20", "≤ 0.6 CPU s", f"{least:.2f} s", least <= 0.6),
        Row("… per value", "≤ 16.5 ns",
            f"{each:.1f} ns (reading alone {reading / VALUES * 1e9:.1f})", each <= 16.5),
        Row("warm, profiles exist", "≤ 0.02 s", f"{warm:.3f} s", warm <= 0.02),
        Row("a profile as JSON", "", f"{runs[0]['bytes'] / 1024:.0f} KB"),
        Row("memory over the interpreter, 1M rows", "≤ 150 MB", f"{small['mb']:.0f} MB",
            small["mb"] <= 150),
        Row(f"memory over the interpreter, {large // MILLION}M rows", "≤ 150 MB",
            f"{big['mb']:.0f} MB, {big['seconds']:.1f} CPU s", big["mb"] <= 150),
        Row("one more day in a year of 365", "1.0 ± 0.1 × the day", f"{day['ratio']:.3f} ×",
            abs(day["ratio"] - 1) <= 0.1),
    ]  # fmt: skip


def since(periods: int = 200, size: int = 500) -> list[Row]:
    """A check of 20 columns that all drift, over a run of many periods: since when?"""
    random = np.random.default_rng(4)
    moved = Week(tuple(0.5 for _ in Week().shift), tilt=random.normal(0, 0.7, (8, 50)))
    reference = counts(random, 20_000, Week(), "base")
    run = [counts(random, size, moved, f"p{index:03d}") for index in range(periods)]
    seconds = []
    for length in (periods // 2, periods):
        start = time.process_time()
        compare(reference, run[-length:])
        seconds.append(time.process_time() - start)
    ratio = seconds[1] / seconds[0]
    return [
        Row(f"since when, 20 drifted columns, {periods} periods", "≤ 2.5 × half of them",
            f"{seconds[1]:.1f} CPU s ({ratio:.1f} ×)", ratio <= 2.5)
    ]  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
