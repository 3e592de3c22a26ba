"""The laws of profiles: merging is exact, and a profile of parts is the profile of the whole."""

import gzip
import io
import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.drift import Profile, fit_grid, merged, profile_batches, profile_table
from tasks.drift.profiles import counts as limits
from tasks.drift.profiles.cells import CELLS, EDGES, MIDDLE, CellCounter
from tasks.errors import ConfigurationError, ProfileIncompatible, UnreadableData

COLUMNS = {"x": "numeric", "c": "categorical", "t": "text", "v": "vector"}
number = st.none() | st.floats(width=64) | st.integers(-(10**9), 10**9).map(float)
word = st.none() | st.sampled_from(["a", "b", "it's", "ß", ""]) | st.text(max_size=6)
row = st.fixed_dictionaries(
    {"x": number, "c": word, "t": word, "v": st.lists(st.floats(-9, 9), min_size=2, max_size=2)}
)
SCHEMA = pa.schema(
    [("x", pa.float64()), ("c", pa.string()), ("t", pa.string()), ("v", pa.list_(pa.float64()))]
)


def batch(rows):
    return pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


GRID = fit_grid(
    batch([{"x": float(i), "c": "a", "t": "a few words a few", "v": [i, 1.0]} for i in range(50)]),
    COLUMNS,
)


def profiled(rows, name):
    return profile_batches([batch(rows)], COLUMNS, GRID, partition=name)


@settings(max_examples=25)
@given(st.lists(row, max_size=30), st.lists(row, max_size=30), st.lists(row, max_size=30))
def test_merging_is_exact_associative_and_commutative(first, second, third):
    a, b, c = profiled(first, "a"), profiled(second, "b"), profiled(third, "c")
    whole = profile_batches([batch(first + second + third)], COLUMNS, GRID)
    left, right = a.merge(b).merge(c), c.merge(b.merge(a))
    assert left == right
    assert left.columns == whole.columns
    assert left.rows == whole.rows
    assert Profile.from_json(left.to_json()) == left
    assert left.to_json() == right.to_json()


@settings(max_examples=20)
@given(st.lists(st.lists(st.integers(0, 40), max_size=40), min_size=3, max_size=3))
def test_merging_stays_exact_when_there_are_too_many_values(parts):
    def of(codes, name):
        rows = pa.RecordBatch.from_pydict({"c": pa.array([str(i) for i in codes], pa.string())})
        return profile_batches([rows], {"c": "categorical"}, grid, partition=name)

    grid = fit_grid(pa.table({"c": ["0"]}), {"c": "categorical"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "EXACT_VALUES", 12)
        patch.setattr("tasks.drift.profiles.categories.EXACT_VALUES", 12)
        a, b, c = (of(codes, name) for codes, name in zip(parts, "abc", strict=True))
        whole = of(parts[0] + parts[1] + parts[2], "whole")
        left, right = a.merge(b).merge(c), c.merge(a).merge(b)
        assert left.columns == right.columns == whole.columns
        distinct = len({code for part in parts for code in part})
        assert (left.columns["c"].values is None) == (distinct > 12)
        if distinct > 12:
            assert left.columns["c"].sketch.distinct == pytest.approx(distinct, rel=0.15)


def test_a_partition_is_not_counted_twice():
    a = profiled([], "2026-01-05")
    with pytest.raises(ProfileIncompatible, match="2026-01-05"):
        a.merge(a)


def test_other_grids_do_not_mix():
    other = fit_grid(batch([{"x": 7.0, "c": "a", "t": "a", "v": [0.0, 1.0]}] * 9), COLUMNS)
    with pytest.raises(ProfileIncompatible, match="different grids"):
        profiled([], "a").merge(profile_batches([], COLUMNS, other, partition="b"))


@given(st.lists(st.floats(width=64), max_size=60), st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_every_number_falls_into_the_cell_between_its_edges(values, centre, scale):
    array = np.asarray(values, np.float64)
    counter = CellCounter(centre, scale)
    counter.add(array)
    cells = counter.cells()
    assert cells.sum() + counter.not_a_number + counter.infinite == len(values)
    assert counter.not_a_number == np.isnan(array).sum()
    assert counter.infinite == np.isinf(array).sum()
    finite = np.sort(array[np.isfinite(array)])
    with np.errstate(over="ignore"):
        units = (finite - centre) / scale
    placed = np.repeat(np.arange(CELLS), cells)
    # A number within float32's rounding of an edge may lie on either side of it, none further.
    slack = 1e-6 * np.maximum(np.abs(units), 1e-3)
    lower = np.concatenate(([-np.inf], EDGES))[placed]
    upper = np.concatenate((EDGES, [np.inf]))[placed]
    assert (units >= lower - slack).all()
    assert (units <= upper + slack).all()


def test_the_centre_falls_into_the_middle_cell():
    counter = CellCounter(5.0, 2.0)
    counter.add(np.asarray([5.0, 5.001]))
    assert counter.cells()[MIDDLE] == 2


def test_threads_and_row_groups_give_the_same_profile(tmp_path):
    random = np.random.default_rng(0)
    path = tmp_path / "rows.parquet"
    table = pa.table(
        {"x": random.normal(size=5_000), "c": random.integers(0, 9, 5_000).astype(str)}
    )
    pq.write_table(table, path, row_group_size=700)
    columns = {"x": "numeric", "c": "categorical"}
    one = profile_table(path, "parquet", columns, partition="p")
    two = profile_table(path, "parquet", columns, one.grid, partition="p", threads=2)
    assert one == two
    assert one.rows == 5_000


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_delta_encoded_names_give_the_same_profile(tmp_path, encoding, version):
    table = pa.table({"c": [str(n % 9) for n in range(900)], "d": ["x", None, "y"] * 300})
    columns = {"c": "categorical", "d": "categorical"}
    path = tmp_path / "rows.parquet"
    pq.write_table(table, path)
    expected = profile_table(path, "parquet", columns)
    how = {"use_dictionary": ["d"], "column_encoding": {"c": encoding}}
    pq.write_table(table, path, row_group_size=200, data_page_version=version, **how)
    for threads in (1, 2):
        found = profile_table(path, "parquet", columns, expected.grid, threads=threads)
        assert found == expected
    assert profile_table(path.read_bytes(), "parquet", columns, expected.grid) == expected


def test_formats_agree():
    rows = [
        {"x": 1.5, "c": "a", "t": "Good food", "day": "2026-01-01"},
        {"x": None, "c": None, "t": None, "day": "2026-01-02"},
        {"x": -3.25, "c": "b", "t": "Bad food, bad wine", "day": None},
    ] * 20
    columns = {"x": "numeric", "c": "categorical", "t": "text"}
    table = pa.Table.from_pylist(rows)
    grid = fit_grid(table, columns)
    parquet = io.BytesIO()
    pq.write_table(table, parquet)
    csv = "x,c,t,day\n" + "".join(
        f"{'' if r['x'] is None else r['x']},{r['c'] or ''},"
        + (f'"{r["t"]}"' if r["t"] else "")
        + f",{r['day'] or ''}\n"
        for r in rows
    )
    lines = "".join(json.dumps(r) + "\n" for r in rows)
    profiles = [
        profile_table(parquet.getvalue(), "parquet", columns, grid),
        profile_table(csv.encode(), "csv", columns, grid),
        profile_table(lines.encode(), "jsonl", columns, grid),
    ]
    assert profiles[0] == profiles[1] == profiles[2]
    words = profiles[0].columns["t.words_used"]
    assert words.values["bad"] == 20
    assert words.values["food"] == 40


def test_cells_that_are_no_number_are_counted_and_do_not_end_the_reading():
    csv = "x\n" + "1\n?\n \n+2.5e1\nnan\n12/31/2025\n"
    profile = profile_table(csv.encode(), "csv", {"x": "numeric"})
    column = profile.columns["x"]
    assert (column.rows, column.invalid, column.nulls) == (6, 2, 2)
    assert column.cells.sum() == 2


def test_a_column_that_is_not_there_is_null_everywhere():
    profile = profile_table(b"y\n1\n2\n", "csv", {"x": "numeric", "c": "categorical"})
    assert profile.rows == 2
    assert profile.columns["x"].nulls == profile.columns["c"].nulls == 2


PACKED = gzip.compress(b"x\n" + b"1.5\n" * 2_000, mtime=0)  # its text names a test
DAMAGED = PACKED[:12] + bytes(255 - byte for byte in PACKED[12:])


@pytest.mark.parametrize(
    ("data", "fmt"),
    [
        (b"", "parquet"),
        (b"PAR1 and then nothing", "parquet"),
        (b"", "csv"),
        (b"a,b\n1,2,3\n", "csv"),
        (b"[1, 2]\n", "jsonl"),
        (b'{"x": 1}\n{"x": \n', "jsonl"),
        (b"\x1f\x8b\x08 broken", "csv"),
        (DAMAGED, "csv"),
        (b'{"x": ' + b"[" * 100_000, "jsonl"),
    ],
)
def test_what_cannot_be_decoded_is_said(data, fmt):
    with pytest.raises(UnreadableData, match="the given bytes"):
        profile_table(data, fmt, {"a": "numeric"})


def test_a_grid_of_other_columns_is_refused():
    with pytest.raises(ConfigurationError, match="fitted for"):
        profile_table(b"a\n1\n", "csv", {"a": "numeric"}, GRID)


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format":"other"}', GRID.model_dump_json()],
)
def test_what_is_no_profile_is_refused(text):
    with pytest.raises(UnreadableData):
        Profile.from_json(text)


def test_a_profile_of_another_version_is_refused():
    value = json.loads(profiled([], "a").to_json())
    value["version"] = 99
    with pytest.raises(UnreadableData, match="version is 99"):
        Profile.from_json(json.dumps(value))


def test_images_are_described_and_broken_ones_are_invalid():
    from PIL import Image

    def encoded(colour):
        buffer = io.BytesIO()
        Image.new("RGB", (40, 30), colour).save(buffer, "PNG")
        return buffer.getvalue()

    images = [encoded("white"), encoded("black"), b"no image", None]
    rows = pa.RecordBatch.from_pydict({"i": pa.array(images, pa.binary())})
    profile = profile_batches([rows], {"i": "image"})
    assert set(profile.columns) == {
        f"i.{part}" for part in ("bytes", "width", "height", "brightness", "contrast", "sharpness")
    }
    width = profile.columns["i.width"]
    assert (width.rows, width.nulls, width.invalid, width.cells.sum()) == (4, 1, 1, 2)


def test_no_profile_to_merge_is_said():
    with pytest.raises(ProfileIncompatible, match="no profile"):
        merged([])
