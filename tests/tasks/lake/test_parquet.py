"""Parquet by its encodings: whatever a writer chose, the same rows come, and no bomb does."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.errors import UnreadableData
from tasks.lake.bounds import Limits
from tasks.lake.formats import LocalReader
from tasks.lake.parquet import _rows_held

DELTAS = ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"]


def parquet(columns, **more):
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, **more)
    return out.getvalue()


@pytest.fixture
def read(tmp_path):
    def chunks(body, limits=None):
        path = tmp_path / "object"
        path.write_bytes(body)
        return list(LocalReader(limits or Limits()).rows(path, "raw/things/a.parquet"))

    return chunks


def listed(chunks, name):
    return [value for chunk in chunks for value in chunk.columns[name].to_pylist()]


TEXTS = [None if n % 7 == 0 else f"a prefix that all share {n % 50}" for n in range(3000)]


@pytest.mark.parametrize("encoding", DELTAS)
@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.binary()])
def test_delta_encoded_text_is_text(read, encoding, version, kind):
    body = parquet(
        {"s": pa.array(TEXTS, kind), "n": range(3000), "town": ["here", "there"] * 1500},
        use_dictionary=["town"],
        column_encoding={"s": encoding},
        data_page_version=version,
        row_group_size=700,
    )
    for limits in (Limits(), Limits(chunk_rows=400), Limits(held_bytes=1)):
        chunks = read(body, limits)
        assert listed(chunks, "s") == TEXTS
        assert listed(chunks, "town") == ["here", "there"] * 1500
        assert [row for chunk in chunks for row in chunk.rows] == list(range(1, 3001))
        assert max(map(len, chunks)) <= limits.chunk_rows
        assert chunks[0].columns["s"].type == pa.string()


def test_rows_that_are_decoded_a_few_at_a_time_come_in_large_chunks(read):
    body = parquet({"s": TEXTS}, use_dictionary=False, column_encoding={"s": DELTAS[0]})
    (chunk,) = read(body, Limits(held_bytes=100_000))
    assert len(chunk) == 3000


@pytest.mark.parametrize("encoding", DELTAS)
def test_a_column_of_nulls_and_a_table_without_rows(read, encoding):
    how = {"use_dictionary": False, "column_encoding": {"s": encoding}}
    (chunk,) = read(parquet({"s": pa.nulls(3, pa.string())}, **how))
    assert listed([chunk], "s") == [None] * 3
    (chunk,) = read(parquet({"s": pa.array([], pa.string())}, **how))
    assert len(chunk) == 0


BIG = "z" * 200_000
REPEATED = {
    "a shared prefix": (
        [BIG] * 500,
        {"use_dictionary": False, "column_encoding": {"s": DELTAS[0]}},
    ),
    "a dictionary of bytes": (pa.array([BIG.encode()] * 500), {}),
    "a dictionary in a struct": ([{"a": BIG}] * 500, {}),
}


@pytest.mark.parametrize("case", REPEATED)
def test_a_value_that_all_rows_repeat_is_no_way_around_the_bounds(read, tmp_path, case):
    values, how = REPEATED[case]
    body = parquet({"s": values}, **how)
    assert len(body) < 50_000
    limits = Limits(held_bytes=1 << 20, free_bytes=8 << 20, columnar_ratio=100)
    with pytest.raises(UnreadableData, match="as a bomb does"):
        read(body, limits)
    metadata = pq.read_metadata(tmp_path / "object")
    assert _rows_held(metadata, set(), limits) <= 5
    coded = {metadata.schema.column(0).path}
    assert _rows_held(metadata, coded, limits) == limits.chunk_rows
