"""Profiles of a data set's days, kept beside the lake: each day is read once, ever.

A profile's name holds what it was made from (the day's object versions, the contract's version, the
grid), so that it never has to be looked at to know whether it still holds.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

from tasks import objects
from tasks.drift.grid import fit_grid
from tasks.drift.profiles.grid import GRID_VERSION, ColumnKind, Grid
from tasks.drift.profiles.profile import Profile
from tasks.drift.scan import profile_batches
from tasks.good_rows import DAY, LABEL_DAY, LABELS, day_of
from tasks.stored import parsed
from tasks.values import Snapshot, fingerprint

IMAGE = "image"
THREADS = 8
GRID_ROWS = 50_000
PICTURES = 256


def kinds_of(columns: Mapping[str, ColumnKind], good: Path) -> dict[str, ColumnKind]:
    """The contract's columns, and the picture itself where there are pictures."""
    pictured: dict[str, ColumnKind] = {IMAGE: "image"} if (good / LABELS).exists() else {}
    return {**dict(columns), **pictured}


def daily_profiles(
    bucket: str,
    snapshot: Snapshot,
    contract_version: str,
    columns: Mapping[str, ColumnKind],
    good: Path,
    grid: Grid | None = None,
) -> dict[date, Profile]:
    """Profiles of each day's good rows.

    Args:
        bucket: Lake bucket.
        snapshot: What the good rows were read from.
        contract_version: By which they are good.
        columns: What each column is.
        good: Folder of good rows, with ``_day`` (see tasks.contracts).
        grid: The grid of the baseline that will be compared with; the data set's own when None.
    """
    kinds = kinds_of(columns, good)
    grid = grid or _grid(bucket, snapshot.dataset, kinds, good)
    shelf = f"profiles/{snapshot.dataset}/{grid.fingerprint[:12]}"
    names = {
        day: f"{shelf}/{day}-{fingerprint([contract_version, *versions])[:16]}.json"
        for day, versions in _versions(snapshot).items()
    }
    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="profile") as pool:
        bodies = pool.map(lambda key: objects.read(bucket, key), names.values())
        there = dict(zip(names, bodies, strict=True))
    profiles = {
        day: Profile.from_json(item.body) for day, item in there.items() if item is not None
    }
    missing = set(names) - set(profiles)
    if not missing:
        return profiles

    def make(item: tuple[date, Any]) -> tuple[date, Profile]:
        day, table = item
        return day, profile_batches(iter(table.to_batches()), kinds, grid)

    fresh: dict[date, Profile] = {}
    with ThreadPoolExecutor(max_workers=THREADS, thread_name_prefix="profile") as pool:
        for tables in rows_by_day(good, missing):
            for day, profile in pool.map(make, tables.items()):
                fresh[day] = fresh[day].merge(profile) if day in fresh else profile
    for day, profile in sorted(fresh.items()):
        whole = Profile(profile.grid, profile.rows, (day.isoformat(),), profile.columns)
        objects.create(bucket, names[day], whole.to_json().encode())
        profiles[day] = whole
    return profiles


def rows_by_day(good: Path, days: set[date]) -> Iterator[dict[date, Any]]:
    """Good rows of the asked days as Arrow tables, a bounded part at a time.

    A part is one file of good rows (a batch of validation), or a few hundred pictures; a day may
    come in several parts.
    """
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    if (good / LABELS).exists():
        yield from _pictures_by_day(good, days)
        return
    for path in sorted(good.glob("*.parquet")):
        there = set(pc.unique(pq.read_table(path, columns=[DAY])[DAY]).to_pylist()) & days
        if there:
            table = pq.read_table(path)
            yield {day: table.filter(pc.equal(table[DAY], day)) for day in sorted(there)}


def _pictures_by_day(good: Path, days: set[date]) -> Iterator[dict[date, Any]]:
    import pyarrow as pa

    labels: list[tuple[date, dict[str, Any]]] = []
    for line in (good / LABELS).read_text("utf-8").splitlines():
        entry = json.loads(line)
        day = day_of(entry[LABEL_DAY])
        if day in days:
            labels.append((day, entry))
    labels.sort(key=lambda item: item[0])
    for start in range(0, len(labels), PICTURES):
        lines: dict[date, list[dict[str, Any]]] = {}
        for day, entry in labels[start : start + PICTURES]:
            lines.setdefault(day, []).append(entry)
        tables = {}
        for day, entries in lines.items():
            pictures = [(good / entry["file"]).read_bytes() for entry in entries]
            table = pa.Table.from_pylist(entries)
            tables[day] = table.append_column(IMAGE, pa.array(pictures, pa.binary()))
        yield tables


def _versions(snapshot: Snapshot) -> dict[date, list[str]]:
    """What each day is made of, in the snapshot's own order."""
    versions: dict[date, list[str]] = {}
    for item in snapshot.objects:
        versions.setdefault(item.day, []).append(f"{item.key}:{item.etag}:{item.size}")
    return versions


def _grid(bucket: str, dataset: str, kinds: Mapping[str, ColumnKind], good: Path) -> Grid:
    """The data set's grid: the first run fits it, and from then on it is frozen."""
    import pyarrow as pa

    key = f"profiles/{dataset}/grid-{fingerprint(dict(kinds))[:12]}-v{GRID_VERSION}.json"
    standing = objects.read(bucket, key)
    if standing is not None:
        return parsed(Grid, standing.body, f"s3://{bucket}/{key}")
    every = {date.fromisoformat(day) for day in _days_of(good)}
    rows = 0
    parts: list[Any] = []
    for tables in rows_by_day(good, every):
        parts += tables.values()
        rows += sum(table.num_rows for table in tables.values())
        if rows >= GRID_ROWS:
            break
    fitted = fit_grid(pa.concat_tables(parts, promote_options="default"), kinds)
    objects.create(bucket, key, fitted.model_dump_json().encode())
    # Another run may have been first; what stands there counts.
    agreed = objects.read(bucket, key)
    return parsed(Grid, agreed.body, f"s3://{bucket}/{key}") if agreed else fitted


def _days_of(good: Path) -> set[str]:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    if (good / LABELS).exists():
        lines = (good / LABELS).read_text("utf-8").splitlines()
        return {str(json.loads(line)[LABEL_DAY])[:10] for line in lines}
    return {
        str(day)
        for path in good.glob("*.parquet")
        for day in pc.unique(pq.read_table(path, columns=[DAY])[DAY]).to_pylist()
    }
