"""Two hundred malformed objects: each a clear error or quarantine, never a crash or silent pass."""

import gzip
import io
import json
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tasks.contracts.odcs import contract_of
from tasks.contracts.reports.pages import html, markdown
from tasks.contracts.validation import validate_snapshot
from tasks.lake.bounds import Limits
from tasks.lake.formats import LocalReader
from tests.tasks.contracts.conftest import Lake, document

CONTRACT = contract_of(
    document(
        [
            {"name": "id", "logicalType": "integer", "required": True},
            {"name": "name", "logicalType": "string", "required": True,
             "logicalTypeOptions": {"minLength": 1}},
        ],
        limit=0.99,
    ),
    "things",
    "test",
)  # fmt: skip
READER = LocalReader(Limits(free_bytes=1 << 20, chunk_rows=500))
START = datetime(2026, 1, 1)  # noqa: DTZ001 - a moment without a zone is part of the trick
NAMES = st.text(min_size=1, max_size=30)
HOSTILE = st.sampled_from(
    ["../../etc/passwd", "=cmd|' /C calc'!A0", "\x1b[2J", "id\u202e", "a" * 5000, "", "__class__",
     "id (unreadable)", "_day", "object (columns missing)", "%s%n", "${jndi:x}", "<script>"]
)  # fmt: skip


def table(columns):
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


WHOLE = table({"id": list(range(300)), "name": [f"n{n}" for n in range(300)]})
HUGE = table(
    {
        "id": pa.array(range(10_000)),
        "name": pa.DictionaryArray.from_arrays(pa.array([0] * 10_000), ["x" * (1 << 20)]),
    }
)
"""A few kilobytes that unfold into 10 GB of text."""
TRICKS = (
    "../../etc/passwd",
    "..%2f..%2fx",
    "a/../../b",
    "~root",
    "\x1b[2J",
    "\u202egnp",
    "a b;rm -rf",
    "CON",
)
LINES = b"".join(b"%d,n%d\n" % (n, n) for n in range(300))


@st.composite
def malformed(draw):
    """(ending, body, good rows that may at most come of it)."""
    kind = draw(st.integers(0, 16))
    if kind == 0:  # truncated Parquet
        return "parquet", WHOLE[: draw(st.integers(0, len(WHOLE) - 1))], 0
    if kind == 1:  # Parquet with damage anywhere
        body = bytearray(WHOLE)
        for at in draw(st.lists(st.integers(0, len(body) - 1), min_size=1, max_size=8)):
            body[at] ^= draw(st.integers(1, 255))
        return "parquet", bytes(body), 300
    if kind == 2:  # wrong encodings
        encoding = draw(st.sampled_from(["utf-16", "utf-16-le", "utf-32", "cp037", "shift-jis"]))
        return "csv", "id,name\n1,日本\n".encode(encoding, "ignore") + b"\xff", 0
    if kind == 3:  # zero bytes
        return draw(st.sampled_from(["csv", "csv.gz", "jsonl.gz", "parquet"])), b"", 0
    if kind == 4:  # a zip bomb
        return "csv.gz", gzip.compress(b"id,name\n" + b"1,a\n" * 5_000_000, 9), 0
    if kind == 5:  # gzip, cut off
        body = gzip.compress(b"id,name\n" + LINES)
        return "csv.gz", body[: draw(st.integers(0, len(body) - 1))], 0
    if kind == 6:  # bytes of nothing
        ending = draw(st.sampled_from(["csv", "csv.gz", "jsonl", "json", "parquet", "jpg"]))
        return ending, b"\0" + draw(st.binary(max_size=300)), 0
    if kind == 7:  # hostile column names beside, or instead of, ours
        extra = draw(st.lists(st.one_of(HOSTILE, NAMES), min_size=1, max_size=4, unique=True))
        kept = draw(st.booleans())
        record = dict.fromkeys(extra, "x") | ({"id": 1, "name": "a"} if kept else {})
        return "jsonl", json.dumps(record).encode(), 1
    if kind == 8:  # the same in Parquet
        extra = draw(st.lists(st.one_of(HOSTILE, NAMES), min_size=1, max_size=4, unique=True))
        clean = [name.encode("utf-8", "replace").decode() for name in extra]
        columns = {name: [1] for name in clean if name not in {"id", "name"}}
        return "parquet", table(columns | {"id": ["one"], "name": ["a"]}), 0
    if kind == 9:  # mixed schemas inside JSON lines
        value = draw(st.sampled_from(["1", 1.5, True, [1], {"a": 1}, None, 2**70, "\ud800"]))
        return "jsonl", json.dumps({"id": value, "name": "a"}).encode(), 0
    if kind == 10:  # lines that are no JSON objects
        line = draw(st.sampled_from(["[", "{", "1", '"a"', "nul", '{"id":NaN}', "{'id':1}"]))
        return "jsonl", line.encode(), 0
    if kind == 11:  # nested without end
        depth = draw(st.integers(5_000, 50_000))
        return "jsonl", b'{"id":' + b"[" * depth, 0
    if kind == 12:  # fields too few, too many, unquoted
        line = draw(st.sampled_from(["1", "1,a,b", '"1,a', '1,"a"b,c', ",", "?,a", "1,"]))
        return "csv", f"id,name\n{line}\n".encode(), 0
    if kind == 13:  # ten gigabytes, declared in passing
        return "parquet", HUGE, 0
    if kind == 14:  # tricks in the key; the rows themselves are good
        return f"{draw(st.sampled_from(TRICKS))}.csv", b"id,name\n" + LINES, 300
    if kind == 15:  # objects of one data set that are typed each in its own way
        value = draw(st.sampled_from([b"1", True, {"a": 1}, [1], START]))
        return "parquet", table({"id": [value], "name": ["a"]}), 0
    header = draw(st.sampled_from(["id,id", "name", "id;name", "a" * 200_000, "ID,NAME", "#"]))
    return "csv", f"{header}\n1,a\n".encode(), 0


def test_a_bad_row_is_kept_whatever_stands_beside_what_was_wrong(lake, judge):
    """Values that Python has no type for, in columns that the contract does not know."""
    beside = {
        "moment": pa.array([2**62], pa.timestamp("us", "UTC")),
        "nowhere": pa.array([5], pa.timestamp("us", "No/Where")),
        "day": pa.array([2**31 - 1], pa.int32()).cast(pa.date32()),
    }
    lake.put("a.parquet", table({"id": pa.nulls(1, pa.int64()), "name": ["a"], **beside}))
    lake.put("b.parquet", table({"id": [1], "name": ["a"], "moment": ["of another type"]}))
    report = judge(CONTRACT, lake, read=READER)
    assert (report.rows_in, report.rows_good, report.rows_quarantined) == (2, 1, 1)
    (line,) = judge.quarantined()
    assert line["record"]["moment"] == "4611686018427387904 as timestamp[us, tz=UTC]"
    assert line["record"]["nowhere"] == "5 as timestamp[us, tz=No/Where]"
    assert set(line["record"]) == {"id", "name", *beside}


@pytest.mark.parametrize("hostile", ["\x1b[31m", "\u202e", "\x07", "\u200b"])
def test_keys_and_values_cannot_move_what_stands_beside_them(hostile, lake, judge):
    lake.put(f"a{hostile}b.csv", f"id,name\n1,a\nx{hostile}y,b\n".encode())
    report = judge(CONTRACT, lake, read=READER)
    (check,) = (item for item in report.checks if item.failed)
    assert hostile in check.examples[0].value
    for shown in (markdown(report), html(report)):
        assert hostile not in shown
        assert f"x{ascii(hostile)[1:-1]}y" in shown.replace("\\\\", "\\").replace("\\[", "[")


SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]


@settings(max_examples=7, deadline=None, suppress_health_check=SLOW)
@given(objects=st.lists(malformed(), min_size=30, max_size=30))
def test_each_is_an_error_or_quarantine_and_the_counts_add_up(objects, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lake")
    lake = Lake(folder)
    most = {}
    for number, (ending, body, good) in enumerate(objects):
        most[lake.put(f"{number:03d}.{ending}", body)] = good
    lake.csv("good.csv.gz", [(1, "a"), (2, "b")], ["id", "name"])
    before = {path.name for path in folder.parent.iterdir()}
    report = validate_snapshot(CONTRACT, lake.snapshot(), lake.paths, folder / "out", read=READER)
    assert report.outcome in {"pass", "fail"}
    assert report.rows_in == report.rows_good + report.rows_quarantined
    assert report.objects_in == 31 == report.objects_read + report.unreadable_count
    good = pa.concat_tables(
        [pq.read_table(path) for path in sorted((folder / "out" / "good").glob("*.parquet"))]
    )
    assert good.num_rows == report.rows_good
    assert 2 <= good.num_rows <= 2 + sum(most.values())
    assert good.schema.names == ["id", "name", "_day"]
    assert None not in good["id"].to_pylist()
    told = {item.source for item in report.unreadable}
    for path in (folder / "out" / "quarantine").glob("rows-*.jsonl"):
        told |= {json.loads(line)["source"] for line in path.read_text().splitlines()}
    silent = [key for key, may in most.items() if key not in told and not may]
    assert silent == []
    shown = markdown(report) + html(report)
    assert "\x1b" not in shown
    assert "<script>" not in shown
    assert len(shown) < 200_000
    assert {path.name for path in folder.parent.iterdir()} == before
