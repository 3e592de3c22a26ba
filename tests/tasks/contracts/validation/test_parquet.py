"""Parquet as Spark, Hive, pandas and others write it keeps the contract, nested or not."""

import io
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tasks.contracts.validation.sink import RECORDS_BYTES

AT = datetime(2024, 7, 1, 1, 2, 3, tzinfo=UTC)
END = datetime(9999, 12, 31, tzinfo=UTC)
ID = UUID("0e02b2c3-d479-4a2b-8f4e-00112233aabb")
TEXT, NUMBER, WHOLE = (
    {"logicalType": kind} for kind in ("string", "number", "integer")
)  # fmt: skip
STAMP, DAY = {"logicalType": "timestamp"}, {"logicalType": "date"}


def listed(items):
    return {"logicalType": "array", "items": items}


def mapped(value, key=TEXT):
    return {"logicalType": "map", "map": {"key": key, "value": value}}


def struct(**fields):
    return {
        "logicalType": "object",
        "properties": [{"name": name, **field} for name, field in fields.items()],
    }


MONEY = pa.decimal128(10, 2)
SPARK = pa.decimal128(38, 18)
STRUCT = pa.struct([("at", pa.timestamp("us", tz="UTC")), ("on", pa.date32()), ("is", MONEY)])
ONE = {"at": AT, "on": AT.date(), "is": Decimal("1.50")}
WRITTEN = {"at": "2024-07-01T01:02:03+00:00", "on": "2024-07-01", "is": 1.5}
OBJECT = struct(at=STAMP, on=DAY, **{"is": NUMBER})
MAP = pa.map_(pa.string(), pa.int64())

NESTED = {
    "map": (
        [[("a", 1)], [("b", 2), ("c", 3)], None],
        MAP,
        mapped(WHOLE),
        [{"a": 1}, {"b": 2, "c": 3}],
    ),
    "map of struct": (
        [[("a", ONE)], []],
        pa.map_(pa.string(), STRUCT),
        mapped(OBJECT),
        [{"a": WRITTEN}, {}],
    ),
    "map of list": (
        [[("a", [1, 2])]],
        pa.map_(pa.string(), pa.list_(pa.int32())),
        mapped(listed(WHOLE)),
        [{"a": [1, 2]}],
    ),
    "map by number": (
        [[(7, 1.5)]],
        pa.map_(pa.int32(), pa.float64()),
        mapped(NUMBER, WHOLE),
        [{"7": 1.5}],
    ),
    "map by day": (
        [[(AT.date(), 1)]],
        pa.map_(pa.date32(), pa.int64()),
        mapped(WHOLE),
        [{"2024-07-01": 1}],
    ),
    "map in a map": (
        [[("a", [("b", 1)])]],
        pa.map_(pa.string(), MAP),
        mapped(mapped(WHOLE)),
        [{"a": {"b": 1}}],
    ),
    "list of decimal": (
        [[Decimal("1.50")], [Decimal("2.25")]],
        pa.list_(MONEY),
        listed(NUMBER),
        [[1.5], [2.25]],
    ),
    "list of Spark's decimal": ([[Decimal("0.1")]], pa.list_(SPARK), listed(NUMBER), [[0.1]]),
    "list of whole decimal": ([[Decimal(7)]], pa.list_(pa.decimal128(38, 0)), listed(WHOLE), [[7]]),
    "list of decimal256": (
        [[Decimal("1.5")]],
        pa.list_(pa.decimal256(50, 3)),
        listed(NUMBER),
        [[1.5]],
    ),
    "list of struct": ([[ONE], [], None], pa.list_(STRUCT), listed(OBJECT), [[WRITTEN], []]),
    "list of list": (
        [[[1], []], [[2, 3]]],
        pa.list_(pa.list_(pa.int64())),
        listed(listed(WHOLE)),
        [[[1], []], [[2, 3]]],
    ),
    "list of map": ([[[("a", 1)]]], pa.list_(MAP), listed(mapped(WHOLE)), [[{"a": 1}]]),
    "list of days": ([[AT.date()]], pa.list_(pa.date32()), listed(DAY), [["2024-07-01"]]),
    "list of moments in ns": (
        [[AT]],
        pa.list_(pa.timestamp("ns", tz="UTC")),
        listed(STAMP),
        [[WRITTEN["at"]]],
    ),
    "list of text": ([["a", "b"]], pa.list_(pa.large_string()), listed(TEXT), [["a", "b"]]),
    "list of binary text": ([[b"a"]], pa.list_(pa.binary()), listed(TEXT), [["a"]]),
    "list of one category": (
        [["a"]],
        pa.list_(pa.dictionary(pa.int8(), pa.string())),
        listed(TEXT),
        [["a"]],
    ),
    "list of nothing": ([[], None], pa.list_(pa.null()), listed(TEXT), [[]]),
    "list of uint64": ([[7]], pa.list_(pa.uint64()), listed(WHOLE), [[7]]),
    "large list": ([[1], None], pa.large_list(pa.int64()), listed(WHOLE), [[1]]),
    "fixed-size list": (
        [[1, 2], None, [3, 4]],
        pa.list_(pa.int64(), 2),
        listed(WHOLE),
        [[1, 2], [3, 4]],
    ),
    "list view": ([[1], [2, 3]], pa.list_view(pa.int64()), listed(WHOLE), [[1], [2, 3]]),
    "struct as it is": ([ONE], STRUCT, {"logicalType": "object"}, [WRITTEN]),
}


@pytest.mark.parametrize("case", NESTED)
def test_nested_values_keep_the_contract(case, lake, judge, contract):
    values, kind, described, wanted = NESTED[case]
    columns = [{"name": "id", "logicalType": "integer"}, {"name": "x", **described}]
    table = pa.table({"id": range(len(values)), "x": pa.array(values, kind)})
    lake.parquet("part-00000.snappy.parquet", table)
    report = judge(contract(columns, form="parquet", limit=0.0), lake)
    assert judge.quarantined() == []
    assert (report.outcome, report.rows_good) == ("pass", len(values))
    good = judge.good()["x"]
    found = [json.loads(text) if isinstance(text, str) else None for text in good]
    assert [value for value in found if value is not None] == wanted
    assert found.count(None) == values.count(None)


FLAT = {
    "decimal": ([Decimal("1.50"), None], MONEY, NUMBER, [1.5]),
    "whole decimal": ([Decimal(7)], pa.decimal128(20, 0), WHOLE, [7]),
    "uint64": ([7, None], pa.uint64(), WHOLE, [7]),
    "half float": ([1.5, None], pa.float16(), NUMBER, [1.5]),
    "null": ([None], pa.null(), NUMBER, []),
    "large text": (["a"], pa.large_string(), TEXT, ["a"]),
    "text view": (["a"], pa.string_view(), TEXT, ["a"]),
    "category": (["a", None], pa.dictionary(pa.int8(), pa.string()), TEXT, ["a"]),
    "binary text": (["grün".encode(), None], pa.binary(), TEXT, ["grün"]),
    "large binary text": ([b"a"], pa.large_binary(), TEXT, ["a"]),
    "fixed binary text": ([b"ab"], pa.binary(2), TEXT, ["ab"]),
    "uuid": ([ID.bytes, None], pa.uuid(), TEXT, [str(ID)]),
    "uuid by form": ([ID.bytes], pa.uuid(), TEXT | {"logicalTypeOptions": {"format": "uuid"}},
                     [str(ID)]),
    "json text": (['{"a":1}', None], pa.json_(), TEXT, ['{"a":1}']),
    "boolean in a byte": ([1, 0, None], pa.bool8(), {"logicalType": "boolean"}, [True, False]),
    "day": ([AT.date()], pa.date32(), DAY, [AT.date()]),
    "day in ms": ([AT.date()], pa.date64(), DAY, [AT.date()]),
    "time": ([time(1, 2, 3)], pa.time64("us"), {"logicalType": "time"}, None),
    "moment": ([AT, END], pa.timestamp("us", tz="UTC"), STAMP, [AT, END]),
    "moment in ms": ([AT], pa.timestamp("ms", tz="UTC"), STAMP, [AT]),
}  # fmt: skip


COLUMNS_ONLY = {"time", "day in ms"}


@pytest.mark.parametrize(
    ("case", "inside"),
    [
        *((case, False) for case in FLAT),
        *((case, True) for case in sorted(FLAT.keys() - COLUMNS_ONLY)),
    ],
)
def test_plain_values_keep_the_contract_also_as_fields_of_a_struct(
    case, inside, lake, judge, contract
):
    values, kind, described, wanted = FLAT[case]
    column = {"name": "x", **described}
    array = pa.array(values, kind)
    if inside:
        array = pa.StructArray.from_arrays([array], ["x"])
        column = {"name": "s", "logicalType": "object", "properties": [column]}
    columns = [{"name": "id", "logicalType": "integer"}, column]
    name = "s" if inside else "x"
    lake.parquet("a.parquet", pa.table({"id": range(len(values)), name: array}))
    report = judge(contract(columns, form="parquet", limit=0.0), lake)
    assert judge.quarantined() == []
    assert report.outcome == "pass"
    (part,) = report.good_files
    good = pq.read_table(judge.out / part)["s.x" if inside else "x"].to_pylist()
    if wanted is not None:
        assert [value for value in good if value is not None] == wanted


@pytest.mark.parametrize(
    ("kind", "described", "good"),
    [
        (pa.decimal128(38, 10), NUMBER, 1),
        (pa.string(), NUMBER, 0),
        (pa.string(), TEXT, 2),
        (pa.decimal128(18, 0), WHOLE, 2),
        (pa.int64(), WHOLE, 2),
    ],
)
def test_what_is_unique_is_what_good_rows_carry(kind, described, good, lake, judge, contract):
    """docs/contracts.md: a number is a float; keys of more digits are text, or integers."""
    keys = ["12345678901234567.1000000001", "12345678901234567.1000000002"]
    if described is WHOLE:
        keys = ["123456789012345678", "123456789012345679"]
    values = pa.array(keys).cast(kind)
    lake.parquet("a.parquet", pa.table({"id": [1, 2], "key": values}))
    columns = [{"name": "id", **WHOLE}, {"name": "key", "unique": True, **described}]
    assert judge(contract(columns, form="parquet"), lake).rows_good == good


MIDNIGHT, LATER = datetime(2024, 7, 1), datetime(2024, 7, 1, 0, 30)  # noqa: DTZ001 - a wall's
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    ("kind", "zone"),
    [
        *((pa.timestamp(unit), None) for unit in ("s", "ms", "us", "ns")),
        (pa.timestamp("us", tz="UTC"), UTC),
        (pa.timestamp("us", tz="Europe/Berlin"), BERLIN),
        (pa.timestamp("ms", tz="+02:00"), BERLIN),
    ],
)
def test_a_moment_is_a_day_at_midnight_of_its_own_clock_and_else_none(
    kind, zone, inside, lake, judge, contract
):
    old = datetime(1931, 7, 1)  # noqa: DTZ001 - a wall's, before the epoch
    walls = [MIDNIGHT, LATER, None, old if zone in {None, UTC} else MIDNIGHT, LATER]
    array = pa.array([wall and wall.replace(tzinfo=zone) for wall in walls], kind)
    column = {"name": "x", **DAY}
    if inside:
        array = pa.StructArray.from_arrays([array], ["x"])
        column = {"name": "s", "logicalType": "object", "properties": [column]}
    lake.parquet("a.parquet", pa.table({"s" if inside else "x": array}))
    judge(contract([column], form="parquet"), lake)
    name = "s.x" if inside else "x"
    assert judge.reasons() == {2: [f"{name}.type"], 5: [f"{name}.type"]}
    days = [day for day in judge.good()[name] if isinstance(day, date)]
    assert days == [MIDNIGHT.date(), walls[3].date()]


@pytest.mark.parametrize("moment", [MIDNIGHT, LATER, LATER.replace(tzinfo=BERLIN)])
@pytest.mark.parametrize("around", ["list", "map", "struct"])
def test_a_moment_among_days_is_none_wherever_it_is_nested(moment, around, lake, judge, contract):
    at = pa.timestamp("us", tz="Europe/Berlin" if moment.tzinfo else None)
    values, kind, described = {
        "list": ([[moment]], pa.list_(at), listed(DAY)),
        "map": ([[("a", moment)]], pa.map_(pa.string(), at), mapped(DAY)),
        "struct": ([[{"on": moment}]], pa.list_(pa.struct([("on", at)])),
                   listed({"logicalType": "object", "properties": [{"name": "on", **DAY}]})),
    }[around]  # fmt: skip
    lake.parquet("a.parquet", pa.table({"x": pa.array(values, kind)}))
    judge(contract([{"name": "x", **described}], form="parquet"), lake)
    [line] = judge.quarantined()
    [reason] = line["reasons"]
    assert "is not a date but a moment" in str(reason)


def test_sparks_older_timestamps_do_not_wrap(lake, judge, contract):
    stamps = [AT.replace(tzinfo=None), END.replace(tzinfo=None), datetime(1, 1, 1)]  # noqa: DTZ001
    table = pa.table(
        {
            "id": [1, 2, 3],
            "at": pa.array(stamps, pa.timestamp("us")),
            "l": pa.array([[stamp] for stamp in stamps], pa.list_(pa.timestamp("us"))),
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out, use_deprecated_int96_timestamps=True)
    lake.put("a.parquet", out.getvalue())
    columns = [{"name": "id", **WHOLE}, {"name": "at", **STAMP}, {"name": "l", **listed(STAMP)}]
    report = judge(contract(columns, form="parquet", limit=0.0), lake)
    assert report.outcome == "pass"
    assert [stamp.year for stamp in judge.good()["at"]] == [2024, 9999, 1]
    assert [json.loads(text)[0][:4] for text in judge.good()["l"]] == ["2024", "9999", "0001"]


def test_what_does_not_fit_costs_its_row_and_is_kept_exactly(lake, judge, contract):
    exact = Decimal("0.123456789012345678")
    table = pa.table(
        {
            "id": pa.array([1, None, None], pa.int64()),
            "twice": pa.array([[("a", 1)], [("a", 1), ("a", 2)], []], MAP),
            "money": pa.array([[exact]] * 3, pa.list_(SPARK)),
            "raw": pa.array([b"a", b"\xff\x00", b"b"]),
            "far": pa.array([[1], [2**62], [3]], pa.list_(pa.timestamp("us"))),
            "big": pa.array([1, 2**64 - 1, 3], pa.uint64()),
        }
    )
    lake.parquet("a.parquet", table)
    columns = [{"name": "id", **WHOLE, "required": True}, {"name": "twice", **mapped(WHOLE)},
               {"name": "raw", **TEXT}, {"name": "big", **WHOLE}]  # fmt: skip
    report = judge(contract(columns, form="parquet"), lake)
    assert (report.rows_good, report.rows_quarantined) == (1, 2)
    first, second = judge.quarantined()
    record = first["record"]
    assert record["twice"] == [["a", 1], ["a", 2]]
    assert record["money"] == [{"$numberDecimal": str(exact)}]
    assert record["raw"] == {"$binary": {"base64": "/wA=", "subType": "00"}}
    assert record["far"] == [f"{2**62} as timestamp[us]"]
    assert record["big"] == {"$numberDecimal": str(2**64 - 1)}
    assert [reason["check"] for reason in second["reasons"]] == ["id.required"]
    found = {reason["check"] for reason in first["reasons"]}
    assert found == {"id.required", "twice.type", "raw.type", "big.type"}


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_slice_of_a_nested_column_is_read_where_it_lies(number, lake, judge, contract):
    rows = [[("a", n)] * (n % 2) for n in range(40)]
    table = pa.table({"x": pa.array(rows, MAP), "id": range(40)}).slice(number * 7)
    lake.parquet("a.parquet", table)
    columns = [{"name": "id", **WHOLE}, {"name": "x", **mapped(WHOLE)}]
    judge(contract(columns, form="parquet", limit=0.0), lake, batch_rows=9)
    good = judge.good()
    assert [json.loads(text) for text in good["x"]] == [
        {"a": n} if n % 2 else {} for n in good["id"]
    ]


def test_one_object_fills_no_disk_with_its_quarantine(lake, judge, contract):
    """Its first rows are written out, the others named: all are counted, and found again."""
    texts = [f"{row:06d}" + "x" * 100_000 for row in range(400)]
    ages = [row if row % 40 else -1 for row in range(400)]  # one in forty fails otherwise
    key = lake.parquet("a.parquet", pa.table({"id": pa.array(texts), "age": pa.array(ages)}))
    small = lake.parquet("b.parquet", pa.table({"id": pa.array(["toolong"]), "age": pa.array([1])}))
    columns = [
        {"name": "id", "logicalType": "string", "logicalTypeOptions": {"maxLength": 6}},
        {"name": "age", "logicalType": "integer", "logicalTypeOptions": {"minimum": 0}},
    ]
    report = judge(contract(columns, form="parquet"), lake, batch_rows=150)
    assert (report.rows_in, report.rows_quarantined) == (401, 401)
    told, brief = [], []
    for line in judge.quarantined():
        (brief if "rows" in line else told).append(line)
    assert [line["record"]["id"] for line in told if line["source"] == small] == ["toolong"]
    whole = [line["row"] for line in told if line["source"] == key]
    assert sum(len(line["record"]["id"]) for line in told) < RECORDS_BYTES + 200_000
    named = {}
    for line in brief:
        assert line["source"] == key
        assert line["version_id"] == "v1"
        assert "record" not in line
        for first, last in line["rows"]:
            named |= dict.fromkeys(
                range(first, last + 1), sorted(reason["check"] for reason in line["reasons"])
            )
    assert sorted([*whole, *named]) == list(range(1, 401))
    assert all(("age.range" in checks) == ((row - 1) % 40 == 0) for row, checks in named.items())
    assert any(f"{len(named)} quarantined rows of {key}" in notice for notice in report.notices)
