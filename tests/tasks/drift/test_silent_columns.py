"""Columns that tell nothing, beside one that does: they raise nothing, and hinder nothing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from tasks.drift import compare, fit_grid
from tasks.drift.profiles.profile import Profile
from tasks.drift.scan import profile_batches

SILENT = {
    "one number": ("numeric", lambda rows: pa.array(np.full(rows, 7.3))),
    "no number": ("numeric", lambda rows: pa.nulls(rows, pa.float64())),
    "one category": ("categorical", lambda rows: pa.array(["a"] * rows)),
    "no category": ("categorical", lambda rows: pa.nulls(rows, pa.string())),
}


def profiles(kind, made, counts, shift=0.0):
    """Periods of unlike sizes, the last of them moved."""
    random, kinds = np.random.default_rng(1), {"x": kind, "y": "numeric"}
    tables = [
        pa.table({"x": made(rows), "y": random.normal(shift * (index == len(counts) - 1), 1, rows)})
        for index, rows in enumerate(counts)
    ]
    grid = fit_grid(tables[0], kinds)
    found = [profile_batches(iter(table.to_batches()), kinds, grid) for table in tables]
    return [
        Profile(grid, one.rows, (f"2026-01-{day + 1:02d}",), one.columns)
        for day, one in enumerate(found)
    ]


@pytest.mark.parametrize("periods", [2, 3, 8])
@pytest.mark.parametrize("silent", SILENT)
def test_a_silent_column_is_quiet_and_its_neighbour_is_not(silent, periods):
    for seed in range(4):
        sizes = np.random.default_rng(seed).integers(1000, 20_000, periods + 1).tolist()
        *reference, still = profiles(*SILENT[silent], sizes)
        quiet = {one.name: one for one in compare(reference, still).columns}["x"]
        assert (quiet.drifted, quiet.p) == (False, 1.0)
        *reference, moved = profiles(*SILENT[silent], sizes, shift=3.0)
        assert compare(reference, moved).drifted == ("y",)
