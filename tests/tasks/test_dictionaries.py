"""Which columns of a Parquet file Arrow reads as dictionaries."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.dictionaries import read_as_dictionaries

TABLE = pa.table({"a": ["x", "y"] * 50, "b": ["x"] * 100, "a.b": ["z"] * 100, "n": range(100)})


def written(**more):
    out = io.BytesIO()
    pq.write_table(TABLE, out, **more)
    return out


@pytest.mark.parametrize(
    ("how", "found"),
    [
        ({}, ["a", "b", "a.b"]),
        ({"use_dictionary": False}, ["a", "b", "a.b"]),
        ({"use_dictionary": ["a"], "column_encoding": {"b": "DELTA_BYTE_ARRAY"}}, ["a", "a.b"]),
        (
            {"use_dictionary": False, "column_encoding": {"a.b": "DELTA_LENGTH_BYTE_ARRAY"}},
            ["a", "b"],
        ),
    ],
)
def test_delta_encoded_columns_are_not(how, found):
    body = written(row_group_size=30, **how)
    names = read_as_dictionaries(pq.read_metadata(body), ["a", "b", "a.b", "unknown"])
    assert names == found
    read = pq.ParquetFile(body, read_dictionary=names).read()
    assert read.column("a").cast(pa.string()) == TABLE.column("a")
    assert read.column("a.b").cast(pa.string()) == TABLE.column("a.b")


def test_one_row_group_is_enough():
    class Two:
        num_columns, num_row_groups = 1, 2
        schema = pq.read_metadata(written()).schema

        def row_group(self, index):
            how = {"use_dictionary": False, "column_encoding": {"a": "DELTA_BYTE_ARRAY"}}
            return pq.read_metadata(written(**({} if index == 0 else how))).row_group(0)

    assert read_as_dictionaries(Two(), ["a"]) == []
