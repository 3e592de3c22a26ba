"""What is set aside is strict JSON: any reader reads it back, ours too, and nothing is lost."""

import base64
import json
import math
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.contracts.validation.strict_json import PACKED, TEXT, jsonable, like_json, strict
from tasks.lake.formats import LocalReader

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.decimals(),
    st.binary(max_size=8),
    st.dates(),
    st.times().map(lambda moment: moment.replace(fold=0)),
    st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(fold=0)),
    st.text(st.characters(), max_size=8),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


def refuse(name):
    raise AssertionError(f"{name} is not JSON")


def parsed(text):
    """As a parser reads it that knows RFC 8259 and nothing more."""
    text.encode("ascii")
    return json.loads(text, parse_constant=refuse)


def restored(written, like):
    """The value that the written form states."""
    if isinstance(like, bool) or like is None:
        return written
    if isinstance(like, dict):
        return {key: restored(written[key], item) for key, item in like.items()}
    if isinstance(like, list):
        return [restored(item, kind) for item, kind in zip(written, like, strict=True)]
    if isinstance(like, int):
        return int(written["$numberDecimal"]) if isinstance(written, dict) else written
    if isinstance(like, float):
        return float(written["$numberDouble"]) if isinstance(written, dict) else float(written)
    if isinstance(like, Decimal):
        return Decimal(written["$numberDecimal"])
    if isinstance(like, bytes):
        return base64.b64decode(written["$binary"]["base64"])
    if isinstance(like, str):
        return (
            written[TEXT].encode().decode("unicode_escape")
            if isinstance(written, dict)
            else written
        )
    return type(like).fromisoformat(written)


@given(VALUES)
def test_every_value_is_strict_json_and_states_itself(value):
    written = parsed(jsonable(value))
    assert written == strict(value) or "nan" in repr(value).lower()
    assert repr(restored(written, value)) == repr(value)


@given(VALUES)
def test_no_half_character_and_no_huge_number_is_left_for_a_parser_to_refuse(value):
    def walk(item):
        if isinstance(item, dict):
            for key, inner in item.items():
                key.encode()
                walk(inner)
        elif isinstance(item, list):
            for inner in item:
                walk(inner)
        elif isinstance(item, str):
            item.encode()
        elif isinstance(item, int) and not isinstance(item, bool):
            assert -(2**63) <= item < 2**63
        elif isinstance(item, float):
            assert math.isfinite(item)

    walk(parsed(jsonable({"record": value})))


def test_a_typed_value_is_judged_as_json_would_bring_it():
    at = datetime(2024, 7, 1, 1, tzinfo=UTC)
    value = {"d": Decimal("1.50"), "n": Decimal(7), "at": at, "on": date(2024, 7, 1),
             "t": time(1, 2), "nan": float("nan"), "l": [Decimal("2.5")], "b": True}  # fmt: skip
    assert like_json(value) == {
        "d": 1.5, "n": 7, "at": "2024-07-01T01:00:00+00:00", "on": "2024-07-01", "t": "01:02:00",
        "nan": None, "l": [2.5], "b": True,
    }  # fmt: skip


def test_quarantine_files_are_read_back_by_our_own_reader(lake, judge, contract):
    rows = {
        "id": pa.array([None] * 3, pa.int64()),
        "x": pa.array([float("nan"), float("inf"), -float("inf")]),
        "l": pa.array([[float("nan")], [float("inf")], []]),
        "raw": pa.array([b"\xff", b"a", None]),
        "at": pa.array([datetime(2024, 7, 1, 1, tzinfo=UTC)] * 3),
        "d": pa.array([Decimal("1.50")] * 3),
    }
    lake.parquet("a.parquet", pa.table(rows))
    columns = [{"name": "id", "logicalType": "integer", "required": True},
               {"name": "x", "logicalType": "number"}]  # fmt: skip
    report = judge(contract(columns, form="parquet"), lake)
    assert report.rows_quarantined == 3
    (name,) = report.quarantine_files
    path = judge.out / name
    (chunk,) = LocalReader().rows(path, name)
    assert (len(chunk), chunk.faults) == (3, ())
    for line in path.read_text(encoding="utf-8").splitlines():
        parsed(line)
    records = chunk.columns["record"]
    assert [record["x"]["$numberDouble"] for record in records] == ["NaN", "Infinity", "-Infinity"]
    assert records[0]["l"] == [{"$numberDouble": "NaN"}]
    assert records[0]["raw"]["$binary"]["base64"] == "/w=="
    assert records[0]["at"] == "2024-07-01T01:00:00+00:00"
    assert records[0]["d"] == {"$numberDecimal": "1.50"}


def test_half_a_character_in_a_record_does_not_spoil_the_file(lake, judge, contract):
    lake.put("a.jsonl", b'{"id":"\\ud800","\\udfff":[1]}\n{"id":1,"x":123456789012345678901234}\n')
    columns = [{"name": "id", "logicalType": "string"}]
    judge(contract(columns, form="jsonl"), lake)
    first, second = judge.quarantined()
    assert first["record"]["id"] == {TEXT: "\\ud800"}
    assert second["record"]["x"] == {"$numberDecimal": "123456789012345678901234"}


@pytest.mark.parametrize("leaf", [1, math.nan, Decimal(1), b"\xff", "\ud800"])
@pytest.mark.parametrize("inner", [lambda item: [item], lambda item: {"a": item}])
def test_a_record_as_deep_as_any_is_read_back_by_our_own_reader(leaf, inner, tmp_path):
    for depth in (60, 61, 62, 63, 64, 130):
        value = leaf
        for _ in range(depth):
            value = inner(value)
        (tmp_path / "rows").write_text(jsonable({"row": 2, "record": {"a": value}}) + "\n")
        (chunk,) = LocalReader().rows(tmp_path / "rows", "rows.jsonl")
        assert not chunk.faults, depth
        (back,), found = chunk.columns["record"], []
        while isinstance(back, dict | list):
            if isinstance(back, dict) and PACKED in back:
                back = json.loads(back[PACKED])
            found.append(back)
            back = next(iter(back.values() if isinstance(back, dict) else back))
        assert len(found) >= depth
        assert parsed(json.dumps(strict(leaf))) in found or back == leaf
