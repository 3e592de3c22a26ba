"""Rules inside arrays, objects and maps, and of objects that may be absent."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pyarrow as pa
import pytest

from tasks.contracts.model import Column
from tasks.contracts.odcs import contract_of
from tasks.contracts.odcs.nested import Checker
from tasks.contracts.validation.checks import compile_checks
from tasks.errors import InvalidContract
from tests.tasks.contracts.conftest import document

AROUND = {
    "an array": (lambda part: {"items": part}, "array", lambda value: [value]),
    "an object": (
        lambda part: {"items": {"logicalType": "object", "properties": [part | {"name": "f"}]}},
        "array",
        lambda value: [{"f": value}],
    ),
    "a map": (
        lambda part: {"map": {"key": {"logicalType": "string"}, "value": part}},
        "map",
        lambda value: {"k": value},
    ),
    "an array of arrays": (
        lambda part: {"items": {"logicalType": "array", "items": part}},
        "array",
        lambda value: [[value]],
    ),
}
DAY = {"logicalType": "date"}
STAMP = {"logicalType": "timestamp"}
RULES = [
    ({"logicalType": "string"}, {"minLength": 2}, "ab", "a"),
    ({"logicalType": "string"}, {"maxLength": 2}, "ab", "abc"),
    ({"logicalType": "string"}, {"pattern": "^a+$"}, "aa", "aab"),
    ({"logicalType": "string"}, {"pattern": "^a+$"}, "aa", "aa\n"),
    ({"logicalType": "string"}, {"pattern": "b"}, "abc", "ac"),
    ({"logicalType": "string"}, {"format": "uuid"}, "0" * 8 + "-0000" * 3 + "-" + "0" * 12, "0"),
    ({"logicalType": "string"}, {"format": "email"}, "a@b.c", "a@b"),
    ({"logicalType": "string"}, {"format": "ipv6"}, "::1", ":::1"),
    ({"logicalType": "integer"}, {"minimum": 2}, 2, 1),
    ({"logicalType": "integer"}, {"maximum": 2}, 2, 3),
    ({"logicalType": "integer"}, {"exclusiveMinimum": 2}, 3, 2),
    ({"logicalType": "integer"}, {"exclusiveMaximum": 2}, 1, 2),
    ({"logicalType": "integer"}, {"minimum": 1, "exclusiveMinimum": 2}, 3, 2),
    ({"logicalType": "integer"}, {"minimum": 3, "exclusiveMinimum": 2}, 3, 2),
    ({"logicalType": "integer"}, {"format": "u8"}, 255, 256),
    ({"logicalType": "number"}, {"multipleOf": 0.1}, 0.3, 0.25),
    ({"logicalType": "number"}, {"format": "f32"}, 3e38, 4e38),
    (DAY, {"minimum": "2024-01-02"}, "2024-01-02", "2024-01-01"),
    (DAY, {"format": "dd.MM.yyyy"}, "02.01.2024", "2024-01-02"),
    (DAY, {}, "2024-02-29", "2023-02-29"),
    (STAMP, {"exclusiveMaximum": "2024-01-02"}, "2024-01-01T23:59:59Z", "2024-01-02T01:00+01:00"),
    (STAMP, {"format": "yyyy-MM-dd HH:mmX"}, "2024-01-01 10:00Z", "2024-01-01T10:00:00Z"),
    ({"logicalType": "time"}, {"maximum": "10:00"}, "10:00:00", "10:00:01"),
    ({"logicalType": "string", "enum": [{"value": "a"}]}, {}, "a", "b"),
    ({"logicalType": "integer", "enum": [{"value": 1}]}, {}, 1.0, 2),
    (DAY | {"enum": [{"value": "2024-01-01"}]}, {}, "2024-01-01", "2024-01-02"),
    ({"logicalType": "boolean"}, {}, True, "true"),
    ({"logicalType": "string", "required": True}, {}, "a", None),
    ({"logicalType": "array"}, {"maxItems": 1}, [1], [1, 2]),
    ({"logicalType": "array"}, {"uniqueItems": True}, [1, True], [1, 1.0]),
    ({"logicalType": "object"}, {"required": ["x"]}, {"x": 1}, {"y": 1}),
    ({"logicalType": "object"}, {"minProperties": 2}, {"x": 1, "y": 2}, {"x": 1}),
    ({"logicalType": "vector"}, {"dimensions": 2}, [0.5, 1], [0.5]),
    ({"logicalType": "vector"}, {"dimensions": 1, "elementType": "uint8"}, [255], [256]),
    ({"logicalType": "vector"}, {"dimensions": 2, "normalized": True}, [0.6, 0.8], [1, 1]),
]  # fmt: skip


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize(("part", "options", "good", "bad"), RULES, ids=str)
def test_each_rule_of_a_part_is_kept_wherever_it_lies(around, part, options, good, bad):
    described, kind, holding = AROUND[around]
    part = part | ({"logicalTypeOptions": options} if options else {})
    contract = contract_of(
        document([{"name": "n", "logicalType": kind, **described(part)}]), "things", "t"
    )
    checker = Checker(contract.column("n"))
    assert checker.fault(holding(good)) == ""
    assert checker.fault(holding(bad)).startswith("n")


@pytest.mark.parametrize("around", AROUND)
@pytest.mark.parametrize(
    ("part", "said"),
    [
        ({"logicalType": "string", "logicalTypeOptions": {"pattern": "("}}, "does not compile"),
        ({"logicalType": "string", "logicalTypeOptions": {"format": "phone"}}, "phone"),
        ({"logicalType": "date", "logicalTypeOptions": {"format": "YYYY"}}, "YYYY"),
        ({"logicalType": "date", "logicalTypeOptions": {"minimum": "soon"}}, "soon"),
        ({"logicalType": "string", "enum": [{"value": 1}]}, "enum"),
        ({"logicalType": "integer", "logicalTypeOptions": {"minimum": 3, "maximum": 2}}, "no v"),
        ({"logicalType": "object", "logicalTypeOptions": {"required": ["x"]},
          "properties": [{"name": "y", "logicalType": "string"}]}, "x"),
    ],
)  # fmt: skip
def test_a_part_that_nothing_could_check_is_refused_at_load(around, part, said):
    described, kind, _ = AROUND[around]
    with pytest.raises(InvalidContract, match=said):
        contract_of(
            document([{"name": "n", "logicalType": kind, **described(part)}]), "things", "t"
        )


def test_a_map_knows_what_its_keys_are():
    described = {"map": {"key": {"logicalType": "integer", "logicalTypeOptions": {"maximum": 9}},
                         "value": {"logicalType": "string"}}}  # fmt: skip
    checker = Checker(Column(name="m", type="map", items=described))
    assert checker.fault({"9": "x"}) == ""
    assert "key 10" in checker.fault({"10": "x"})
    assert "key ten" in checker.fault({"ten": "x"})
    assert checker.fault([("9", "x")]) == "", "typed files bring pairs"


def test_values_that_typed_files_bring_are_read_as_what_they_are():
    parts = [
        ("number", Decimal("1.5")), ("integer", Decimal(2)), ("date", date(2024, 1, 1)),
        ("timestamp", datetime(2024, 1, 1, tzinfo=UTC)), ("time", time(10)),
        ("timestamp", datetime(2024, 1, 1)),  # noqa: DTZ001 - as a file without zones has it
    ]  # fmt: skip
    for kind, value in parts:
        checker = Checker(Column(name="n", type="array", items={"items": {"logicalType": kind}}))
        assert checker.fault([value]) == ""


def test_what_is_private_inside_is_private_outside_and_never_shown():
    secret = {"logicalType": "string", "classification": "restricted", "enum": [{"value": "a"}]}
    inner = {"logicalType": "object", "properties": [secret | {"name": "s"}]}
    contract = contract_of(
        document([{"name": "n", "logicalType": "array", "items": inner}]), "things", "t"
    )
    assert contract.column("n").private
    assert "hidden" not in Checker(contract.column("n")).fault([{"s": "hidden"}])


def test_fields_of_a_private_object_and_passwords_are_private():
    outer = {"name": "o", "logicalType": "object", "classification": "confidential",
             "properties": [{"name": "f", "logicalType": "string"}]}  # fmt: skip
    word = {"name": "w", "logicalType": "string", "logicalTypeOptions": {"format": "password"}}
    contract = contract_of(document([outer, word]), "things", "t")
    assert all(column.private for column in contract.columns)


ADDRESS = {"name": "address", "logicalType": "object", "properties": [
    {"name": "street", "logicalType": "string", "required": True},
    {"name": "zip", "logicalType": "string"},
    {"name": "geo", "logicalType": "object", "properties": [
        {"name": "lat", "logicalType": "number", "required": True},
        {"name": "lon", "logicalType": "number"}]},
]}  # fmt: skip
ID = {"name": "id", "logicalType": "integer", "required": True}


def test_an_object_that_is_absent_lacks_nothing_and_one_that_is_there_may(lake, judge):
    contract = contract_of(document([ID, ADDRESS]), "things", "t")
    lake.jsonl("a.jsonl", [
        {"id": 1, "address": {"street": "Elm", "geo": {"lat": 1}}},
        {"id": 2},
        {"id": 3, "address": None},
        {"id": 4, "address": {"zip": "9"}},
        {"id": 5, "address": {}},
        {"id": 6, "address": {"street": None}},
        {"id": 7, "address": {"street": "Elm", "geo": {"lon": 1}}},
        {"id": 8, "address": {"street": "Elm", "geo": None}},
        {"id": 9, "address": 5},
    ])  # fmt: skip
    judge(contract, lake)
    found = judge.reasons()
    assert sorted(judge.good()["id"]) == [1, 2, 3, 8]
    assert [found[row] for row in (4, 5, 6)] == [["address.fields"]] * 3
    assert found[7] == ["address.geo.fields"]
    assert "address.street.type" in found[9]


def test_a_required_object_must_be_there_though_none_of_its_fields_must(lake, judge):
    inner = {"name": "o", "logicalType": "object", "required": True,
             "properties": [{"name": "f", "logicalType": "string"}]}  # fmt: skip
    lake.jsonl("a.jsonl", [{"id": 1, "o": {}}, {"id": 2}, {"id": 3, "o": {"f": "x"}}])
    judge(contract_of(document([ID, inner]), "things", "t"), lake)
    assert judge.reasons() == {2: ["o.fields"]}


def test_a_required_object_inside_an_optional_one(lake, judge):
    inner = {"name": "i", "logicalType": "object", "required": True,
             "properties": [{"name": "f", "logicalType": "string"}]}  # fmt: skip
    outer = {"name": "o", "logicalType": "object", "properties": [inner]}
    lake.jsonl("a.jsonl", [{"id": 1}, {"id": 2, "o": {}}, {"id": 3, "o": {"i": {}}}])
    judge(contract_of(document([ID, outer]), "things", "t"), lake)
    assert judge.reasons() == {2: ["o.fields"]}


def test_options_of_an_object_whose_fields_are_columns_are_kept(lake, judge):
    options = {"required": ["a"], "minProperties": 2, "maxProperties": 3}
    outer = {"name": "o", "logicalType": "object", "logicalTypeOptions": options,
             "properties": [{"name": key, "logicalType": "integer"} for key in "ab"]}  # fmt: skip
    rows = [{"a": 1, "b": 1}, {"b": 1, "c": 1}, {"a": 1}, dict.fromkeys("abcd", 1), None]
    lake.jsonl("a.jsonl", [{"id": n, "o": row} for n, row in enumerate(rows, 1)])
    judge(contract_of(document([ID, outer]), "things", "t"), lake)
    assert judge.reasons() == {row: ["o.fields"] for row in (2, 3, 4)}


def test_keys_quality_and_references_of_fields_count_as_of_columns():
    field = {"name": "f", "logicalType": "string", "primaryKey": True,
             "quality": [{"metric": "invalidValues", "mustBe": 0, "name": "q",
                          "arguments": {"validValues": ["a"]}}],
             "relationships": [{"to": "others.id"}]}  # fmt: skip
    outer = {"name": "o", "logicalType": "object", "properties": [field]}
    contract = contract_of(document([ID, outer]), "things", "t")
    assert contract.primary_key == ("o.f",)
    found = {check.id for check in compile_checks(contract)}
    assert {"q", "o.f.unique", "o.f.reference"} < found


def test_an_object_may_lie_in_parquet_or_as_text_in_a_table(lake, judge):
    contract = contract_of(document([ID, ADDRESS]), "things", "t")
    kind = pa.struct([("street", pa.string()), ("zip", pa.string())])
    rows = [{"street": "Elm", "zip": None}, None, {"street": None, "zip": "9"}]
    table = pa.table({"id": [1, 2, 3], "address": pa.array(rows, kind)})
    lake.parquet("a.parquet", table)
    lake.put("b.csv", b'id,address\n4,"{""street"": ""Elm""}"\n5,\n6,"{""zip"": ""9""}"\n7,Elm\n')
    lake.put("c.csv", b"id,address.street,address.zip\n8,Elm,\n9,,\n10,,9\n")
    judge(contract, lake)
    assert sorted(judge.good()["id"]) == [1, 2, 4, 5, 8, 9]
