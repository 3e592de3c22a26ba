"""Names, folders, unquoted YAML, patterns, service levels: what stands beside the types."""

from datetime import date

import pyarrow as pa
import pytest

from tasks.contracts.odcs import contract_of, load_contract
from tasks.contracts.odcs.patterns import python_pattern
from tasks.contracts.validation.service import service_notices
from tasks.errors import InvalidContract
from tests.tasks.contracts.conftest import document

ORDER = {"name": "order_id", "physicalName": "ORD NO.", "logicalType": "integer", "required": True}
ID = {"name": "id", "logicalType": "integer", "required": True}


def made(*properties, **more):
    return contract_of(document(list(properties), **more), "things", "t")


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_the_file_has_its_names_and_people_have_theirs(form, lake, judge):
    contract = made(ORDER, {"name": "note", "logicalType": "string", "physicalName": "TXT"})
    if form == "csv":
        lake.csv("a.csv", [(1, "x"), ("?", "y")], ["ORD NO.", "TXT"])
    elif form == "jsonl":
        lake.jsonl("a.jsonl", [{"ORD NO.": 1, "TXT": "x"}, {"TXT": "y"}])
    else:
        lake.parquet("a.parquet", pa.table({"ORD NO.": [1, None], "TXT": ["x", "y"]}))
    report = judge(contract, lake)
    assert judge.good()[["order_id", "note"]].to_numpy().tolist() == [[1, "x"]]
    (line,) = judge.quarantined()
    assert line["reasons"][0]["check"].startswith("order_id.")
    assert line["record"]["TXT"] == "y", "a quarantined row stays as it was written"
    assert not any("is new" in notice for notice in report.notices)


def test_a_file_that_uses_the_name_lacks_the_column_and_says_which(lake, judge):
    lake.csv("a.csv", [(1,)], ["order_id"])
    report = judge(made(ORDER), lake)
    assert report.rows_good == 0
    assert any("ORD NO." in notice for notice in report.notices)


def test_names_inside_objects_arrays_and_maps(lake, judge):
    field = {"name": "street", "physicalName": "STR", "logicalType": "string", "required": True}
    contract = made(
        ID,
        {"name": "home", "physicalName": "ADR", "logicalType": "object", "properties": [field]},
        {"name": "all", "logicalType": "array", "physicalName": "ALL",
         "items": {"logicalType": "object", "properties": [field]}},
        {"name": "by", "logicalType": "map", "map": {
            "key": {"logicalType": "string"},
            "value": {"logicalType": "object", "properties": [field]}}},
    )  # fmt: skip
    lake.jsonl("a.jsonl", [
        {"id": 1, "ADR": {"STR": "a"}, "ALL": [{"STR": "b"}], "by": {"k": {"STR": "c"}}},
        {"id": 2, "ADR": {"street": "a"}},
        {"id": 3, "ALL": [{"street": "b"}]},
    ])  # fmt: skip
    judge(contract, lake)
    (row,) = judge.good().to_dict("records")
    assert row["home.street"] == "a"
    assert row["all"] == '[{"street": "b"}]'
    assert row["by"] == '{"k": {"street": "c"}}'
    assert judge.reasons() == {2: ["home.fields"], 3: ["all.type"]}


def test_two_columns_are_not_read_from_one():
    with pytest.raises(InvalidContract, match="physicalName A more than once"):
        made({**ID, "physicalName": "A"}, {"name": "b", "physicalName": "A", "logicalType": "date"})


def test_a_partitioned_column_may_stand_in_the_folders(lake, judge):
    country = {"name": "country", "logicalType": "string", "required": True, "partitioned": True}
    lake.prefix = "raw/things/country=C%C3%B4te/"
    lake.csv("a.csv", [(1,)], ["id"])
    lake.prefix = "raw/things/country=__HIVE_DEFAULT_PARTITION__/"
    lake.csv("b.csv", [(2,)], ["id"])
    lake.prefix = "raw/things/country=DE/"
    lake.csv("c.csv", [(3, "AT")], ["id", "country"])
    judge(made(ID, country), lake)
    assert judge.good().set_index("id")["country"].to_dict() == {1: "Côte", 3: "AT"}


YAML = """
version: 1.0.0
kind: DataContract
apiVersion: v3.2.0
id: things
status: active
contractCreatedTs: 2024-01-01T10:00:00Z
team: {{members: [{{username: somebody, role: owner, dateIn: 2024-01-01}}]}}
servers:
  - {{server: lake, type: s3, location: s3://lake/raw/things/, format: csv}}
slaProperties:
  - {{property: endOfSupport, value: 2030-01-01}}
  - {{property: timeOfAvailability, value: 08:30}}
schema:
  - name: things
    properties:
      - name: on
        logicalType: {kind}
        examples: [2024-01-01, 08:30:00, no]
{more}
"""


def written(tmp_path, kind, more):
    (tmp_path / "things.odcs.yaml").write_text(YAML.format(kind=kind, more=more), encoding="utf-8")
    return load_contract("things", tmp_path)


@pytest.mark.parametrize(
    ("kind", "more", "good", "bad"),
    [
        ("date", "        logicalTypeOptions: {minimum: 2024-01-02}", "2024-01-02", "2024-01-01"),
        ("timestamp", "        logicalTypeOptions: {maximum: 2024-01-02 08:00:00}",
         "2024-01-02T08:00:00Z", "2024-01-02T08:00:01Z"),
        ("time", "        logicalTypeOptions: {exclusiveMinimum: 08:30:00}", "08:30:01", "08:30"),
        ("date", "        enum: [{value: 2024-01-02}]", "2024-01-02", "2024-01-01"),
        ("string", "        enum: [{value: no}, {value: on}, {value: 0123}]", "no", "False"),
        ("string", "        enum: [{value: 2024-01-02}]", "2024-01-02", "2024-01-03"),
        ("date", "        quality: [{metric: invalidValues, mustBe: 0, "
         "arguments: {validValues: [2024-01-02]}}]", "2024-01-02", "2024-01-01"),
    ],
)  # fmt: skip
def test_what_yaml_makes_of_unquoted_words_is_undone(kind, more, good, bad, tmp_path, lake, judge):
    contract = written(tmp_path, kind, more)
    lake.csv("a.csv", [(good,), (bad,)], ["on"])
    judge(contract, lake)
    assert list(judge.reasons()) == [3], "a header is row 1"


def test_dates_that_another_yaml_reader_left_are_text():
    options = {"minimum": date(2024, 1, 2)}
    contract = made({"name": "on", "logicalType": "date", "logicalTypeOptions": options})
    assert contract.column("on").minimum == "2024-01-02"


def test_a_value_that_no_value_of_the_column_can_equal_is_refused():
    for kind, value in (
        ("string", True), ("integer", "1"), ("boolean", 1), ("date", "soon"), ("integer", 1.5),
        ("integer", 2**63), ("integer", 1e300),
    ):  # fmt: skip
        column = {"name": "c", "logicalType": kind, "enum": [{"value": value}]}
        with pytest.raises(InvalidContract, match="enum"):
            made(column)
        rule = {"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": [value]}}
        with pytest.raises(InvalidContract, match="enum"):
            made({"name": "c", "logicalType": kind, "quality": [rule]})


@pytest.mark.parametrize(
    ("pattern", "good", "bad"),
    [
        ("^a$", ["a"], ["a\n", "ab", "ba"]),
        ("a", ["a", "bab"], ["b"]),
        ("^a", ["ab"], ["ba"]),
        ("a$", ["ba"], ["ab", "a\n"]),
        (r"^\d+$", ["12"], ["١٢"]),
        (r"^[\w-]+$", ["a-b"], ["é", "a b"]),
        (r"^[^\W\d]$", ["a"], ["1", "-"]),
        (r"^\W$", ["é", "-"], ["a"]),
        (r"^\$[$]$", ["$$"], ["$"]),
        (r"^(?<y>\d)\k<y>$", ["11"], ["12"]),
        (r"^a.c$", ["abc"], ["a\u2028c", "a\nc"]),
        (r"^(?!x)[a-z]+(?<=z)$", ["yz"], ["xz", "y"]),
        (r"^[[&&]$", ["[", "&"], ["a"]),
        (r"^\/\x41\u0042$", ["/AB"], ["AB"]),
    ],
)
def test_a_pattern_means_what_the_standard_says(pattern, good, bad, lake, judge):
    import re

    search = re.compile(python_pattern(pattern)).search
    assert [text for text in good if not search(text)] == []
    assert [text for text in bad if search(text)] == []
    column = {"name": "s", "logicalType": "string", "logicalTypeOptions": {"pattern": pattern}}
    lake.jsonl("a.jsonl", [{"s": text} for text in (*good, *bad)])
    judge(made(column), lake)
    assert judge.good()["s"].tolist() == good
    rule = {"metric": "invalidValues", "mustBe": 0, "arguments": {"pattern": pattern}}
    judge(made({"name": "s", "logicalType": "string", "quality": [rule]}), lake)
    assert judge.good()["s"].tolist() == good


@pytest.mark.parametrize(
    ("options", "good", "bad"),
    [
        ({"format": "i8"}, ["127", "-128"], ["128"]),
        ({"format": "u16"}, ["65535"], ["-1", "65536"]),
        ({"format": "i64"}, ["9223372036854775807"], ["9223372036854775808"]),
        ({"minimum": 5, "exclusiveMinimum": 3}, ["5"], ["4"]),
        ({"maximum": 5, "exclusiveMaximum": 5}, ["4"], ["5"]),
        ({"minimum": 0}, ["0"], ["-1"]),
    ],
)
def test_each_of_the_bounds_of_a_number_is_kept(options, good, bad, lake, judge):
    lake.csv("a.csv", [(value,) for value in (*good, *bad)], ["n"])
    judge(made({"name": "n", "logicalType": "integer", "logicalTypeOptions": options}), lake)
    assert judge.good()["n"].tolist() == list(map(int, good))


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        ("integer", {"format": "u64"}, "u64"),
        ("integer", {"format": "i128"}, "i128"),
        ("integer", {"minimum": 3, "maximum": 2}, "no value lies"),
        ("integer", {"minimum": 2**63}, "9223372036854775808 as a bound leaves no value"),
        ("integer", {"exclusiveMinimum": 2**63 - 1}, "leaves no value"),
        ("integer", {"maximum": -(10**20)}, "leaves no value"),
        ("integer", {"format": "u8", "minimum": 256}, "u8 holds 0 to 255"),
        ("integer", {"format": "u8", "exclusiveMaximum": 0}, "u8 holds 0 to 255"),
        ("number", {"format": "f32", "minimum": 1e39}, "f32 holds"),
        ("number", {"multipleOf": 1e-320}, "multipleOf 1e-320 is finer than numbers differ"),
        ("integer", {"multipleOf": 5e-324}, "is finer than numbers differ"),
        ("string", {"minLength": 3, "maxLength": 2}, "minLength"),
        ("string", {"format": "phone"}, "phone"),
        ("string", {"format": "date-time"}, "logicalType of their own"),
        ("string", {"format": "binary"}, "binary"),
        ("time", {"defaultTimezone": "Europe/Berlin"}, "defaultTimezone"),
    ],
)
def test_an_option_that_nothing_could_keep_is_refused(kind, options, said):
    with pytest.raises(InvalidContract, match=said):
        made({"name": "c", "logicalType": kind, "logicalTypeOptions": options})


def server(**more):
    found = document([ID])
    found["servers"][0] |= more
    return contract_of(found, "things", "t")


def test_what_a_server_says_is_read_or_refused():
    folders = [{"property": "partitioning", "value": "none"}]
    for more, said in (
        ({"customProperties": folders}, "partitioning is 'none'"),
        ({"delimiter": "::"}, "delimiter"),
        ({"encoding": "klingon"}, "klingon"),
        ({"endpointUrl": "https://s3.example.org"}, "endpointUrl"),
    ):
        with pytest.raises(InvalidContract, match=said):
            server(**more)
    assert server(delimiter=",", encoding="latin-1").encoding == "iso8859-1"


def levels(*items, **more):
    columns = [ID, {"name": "at", "logicalType": "timestamp"}]
    return contract_of(document(columns, slaProperties=list(items), **more), "things", "t")


FRESH = {"property": "freshness", "value": 3, "unit": "h", "element": "things.at"}


@pytest.mark.parametrize(
    ("items", "said"),
    [
        ([{**FRESH, "unit": "m"}], "minutes or months"),
        ([{**FRESH, "unit": "fortnight"}], "fortnight"),
        ([{**FRESH, "value": -1}], "-1"),
        ([{**FRESH, "value": None}], "None"),
        ([{**FRESH, "element": "things.id"}], "has no age"),
        ([{**FRESH, "element": "others.at"}], "others.at"),
        ([{**FRESH, "element": "things.at, things.id"}], "things.at, things.id"),
        ([FRESH, FRESH], "twice"),
        ([{**FRESH, "valueExt": 5}], "valueExt"),
        ([{**FRESH, "customProperties": [{"property": "severity", "value": "bad"}]}], "bad"),
    ],
)
def test_a_service_level_that_could_not_be_measured_is_refused(items, said):
    with pytest.raises(InvalidContract, match=said):
        levels(*items)


@pytest.mark.parametrize(
    ("unit", "days"), [("d", 2), ("h", 2 / 24), ("week", 14), ("y", 730), ("minutes", 2 / 1440)]
)
def test_units_of_a_service_level_count(unit, days):
    found = levels({**FRESH, "value": 2, "unit": unit}).freshness
    assert found is not None
    assert found.days == pytest.approx(days)


def test_levels_that_nothing_measures_and_an_end_of_life_stand_in_the_report(lake):
    latency = {"property": "latency", "value": 4, "unit": "d"}
    contract = levels(latency, FRESH, status="deprecated")
    lake.csv("a.csv", [(1,)], ["id"])
    said = " ".join(service_notices(contract, lake.snapshot(), date(2024, 3, 1)))
    assert "latency" in said
    assert "not measured" in said
    assert "deprecated" in said
    assert "freshness" not in said


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_number_may_stand_for_no_value(form, lake, judge):
    rule = {"metric": "missingValues", "mustBe": 0, "arguments": {"missingValues": [-999, "n/a"]}}
    contract = made({"name": "n", "logicalType": "number", "quality": [rule]})
    if form == "csv":
        lake.csv("a.csv", [("1",), ("-999",), ("n/a",)], ["n"])
    elif form == "jsonl":
        lake.jsonl("a.jsonl", [{"n": 1}, {"n": -999}, {"n": "n/a"}])
    else:
        lake.parquet("a.parquet", pa.table({"n": [1.0, -999.0]}))
    judge(contract, lake)
    assert judge.good()["n"].tolist() == [1]
    assert {reason for found in judge.reasons().values() for reason in found} == {"n.missingValues"}


RULE = {"metric": "invalidValues", "mustBe": 0}


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"metric": "nullValues", "mustBe": 0, "arguments": {"x": 1}}, "does not know"),
        ({"metric": "rowCount", "mustBe": 1}, "belongs to the table"),
        ({**RULE, "arguments": {"validValues": []}}, "not a list of values"),
        ({**RULE, "arguments": {"validValues": [None]}}, "no value but null"),
        ({**RULE, "arguments": {"pattern": "("}}, "does not compile"),
        ({"metric": "nullValues", "mustBeLessThan": -3, "unit": "percent"}, "no share of 0 to 100"),
        ({"metric": "nullValues", "mustBeLessOrEqualTo": 100, "unit": "percent"}, "every share"),
        ({"metric": "nullValues", "mustBe": 0.5}, "no count of rows"),
        ({"metric": "nullValues", "mustBeBetween": [5, 1]}, "greater one first"),
        ({"description": "something"}, "metric"),
        ({"metric": "invalidValues", "mustBeLessThan": 5,
          "arguments": {"validValues": ["a"], "pattern": "a"}}, "write two rules"),
        ({"type": "custom", "engine": "sluice", "implementation": "{"}, "not YAML"),
    ],
)  # fmt: skip
def test_a_quality_rule_that_says_nothing_is_refused(rule, said):
    with pytest.raises(InvalidContract, match=said):
        made({"name": "s", "logicalType": "string", "quality": [rule]})


@pytest.mark.parametrize("kind", ["string", "integer", "boolean", "date"])
def test_an_enum_of_nothing_but_null_is_refused_and_null_beside_a_value_is_no_value(kind):
    with pytest.raises(InvalidContract, match="enum lists no value but null"):
        made({"name": "c", "logicalType": kind, "enum": [{"value": None}]})
    with pytest.raises(InvalidContract, match="enum lists no value but null"):
        made({"name": "c", "logicalType": "array", "items": {
            "logicalType": kind, "enum": [{"value": None, "label": "none"}]}})  # fmt: skip
    value = {"string": "a", "integer": 1, "boolean": True, "date": "2024-01-01"}[kind]
    column = {"name": "c", "logicalType": kind, "enum": [{"value": None}, {"value": value}]}
    assert made(column).column("c").enum == (value,)


def test_null_beside_valid_values_is_no_value(lake, judge):
    rule = {**RULE, "arguments": {"validValues": [None, "a"]}}
    lake.jsonl("a.jsonl", [{"s": "a"}, {"s": "b"}, {"s": None}])
    judge(made({"name": "s", "logicalType": "string", "quality": [rule]}), lake)
    assert judge.reasons() == {2: ["s.invalidValues"]}


def test_valid_values_and_a_pattern_both_count(lake, judge):
    arguments = {"validValues": ["a1", "b1", "c"], "pattern": "1$"}
    lake.jsonl("a.jsonl", [{"s": "a1"}, {"s": "c"}, {"s": "d1"}])
    column = {"name": "s", "logicalType": "string", "quality": [{**RULE, "arguments": arguments}]}
    judge(made(column), lake)
    assert judge.good()["s"].tolist() == ["a1"]


def test_what_lies_deep_is_judged_as_quickly_as_what_does_not():
    part = {"name": "leaf", "logicalType": "string"}
    for depth in range(12):
        part = {
            "name": f"level{depth}",
            "logicalType": "array",
            "items": {"logicalType": "object", "properties": [part]},
        }
    assert made(part).column("level11").type == "array"
    part["items"]["properties"][0]["items"]["properties"][0]["surprise"] = 1
    with pytest.raises(InvalidContract, match=r"items\.properties\.0\.items.*surprise"):
        made(part)
