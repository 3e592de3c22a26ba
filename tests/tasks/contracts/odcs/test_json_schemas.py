"""JSON schemas as rules name them: refused where they cannot be kept, and what one row may do."""

import pytest

from tasks.contracts.odcs.documents import Fault
from tasks.contracts.odcs.json_schemas import matching, require_schema
from tasks.contracts.validation import evidence
from tests.tasks.contracts.odcs.test_expectations import SCHEMA, contract, of

pytestmark = pytest.mark.seconds(60)
NOWHERE = {"$ref": "#/$defs/none"}


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"$schema": 7}, r"\$schema is none: 7 is no text"),
        ({"properties": {"a": {"$ref": "#/title"}}, "title": "x"}, "'#/title', which is no schema"),
        ({"$ref": "#/x/y", "x": {"y": {"type": "objekt"}}}, "at '#/x/y'.type is none: 'objekt'"),
        ({"$ref": "#/x/y", "x": {"y": {"allOf": 5}}}, "at '#/x/y'.allOf is none"),
        *(
            ({below: {name: NOWHERE}}, "refers to '#/.defs/none'")
            for below in ("properties", "patternProperties", "$defs")
            for name in ("default", "enum", "const", "examples")
        ),
        (
            {
                "$defs": {"b": {}, "a": {"$id": "urn:a", "items": {"$ref": "#/$defs/b"}}},
                "$ref": "urn:a",
            },
            "refers to '#/.defs/b', which does not stand in it",
        ),
        ({"$defs": {"x": {"$ref": "#/$defs/x"}}}, "without end"),
        (
            {"$defs": {"x": {"$ref": "#/$defs/y"}, "y": {"anyOf": [{"$ref": "#/$defs/x"}]}}},
            "without end",
        ),
        ({"anyOf": [{"type": "null"}, {"$ref": "#"}]}, "without end"),
    ],
)
def test_a_schema_that_no_row_could_be_held_against_is_refused(schema, said):
    with pytest.raises(Fault, match=said):
        require_schema(schema, "rule")


@pytest.mark.parametrize(
    ("schema", "kept", "broken"),
    [
        ({"properties": {"a": {"$ref": "#"}}, "type": "object"}, '{"a": {"a": {}}}', '{"a": 1}'),
        ({"properties": {"$ref": {"type": "string"}}}, '{"$ref": "x"}', '{"$ref": 1}'),
        ({"enum": [{"$ref": "else"}]}, '{"$ref": "else"}', "1"),
        ({"items": {"$ref": "#/x/y"}, "x": {"y": {"type": "null"}}}, "[null]", "[1]"),
        (
            {
                "$defs": {"a": {"$id": "urn:a", "$defs": {"b": {"type": "null"}},
                                "items": {"$ref": "#/$defs/b"}}},
                "$ref": "urn:a",
            },
            "[null]", "[1]",
        ),
        (
            {"$schema": "http://json-schema.org/draft-07/schema#",
             "definitions": {"a": {"$id": "#a", "type": "null"}}, "items": {"$ref": "#a"}},
            "[null]", "[1]",
        ),
        ({"$anchor": "n", "items": {"$ref": "#n"}, "type": "array"}, "[[]]", "[1]"),
        ({"multipleOf": 0.5}, "1.5", "1e400"),
        ({"multipleOf": 0.5}, "15e-1", "1" + "0" * 400),
        (False, None, "1"),
    ],
)  # fmt: skip
def test_a_schema_is_followed_as_json_schema_says(schema, kept, broken):
    require_schema(schema, "rule")
    keeps = matching(schema)
    assert kept is None or keeps(kept)
    assert not keeps(broken)


def test_a_number_that_no_float_holds_breaks_the_schema_in_its_row_alone(lake, judge):
    rows = [{"s": text} for text in ("1.5", "1e400", "1" + "0" * 400, "2")]
    lake.jsonl("a.jsonl", rows)
    report = judge(contract(SCHEMA, of("s", json_schema={"multipleOf": 0.5})), lake)
    assert {check.id: check.outcome for check in report.checks}["it"] == "fail"
    assert judge.reasons() == {2: ["it"], 3: ["it"]}


def test_whatever_else_a_schema_raises_leaves_its_check_alone_open(lake, judge, monkeypatch):
    def fails(_text):
        raise AttributeError("no\nattribute")

    monkeypatch.setattr(evidence, "matching", lambda _schema: fails)
    lake.jsonl("a.jsonl", [{"s": "1"}, {"s": None}])
    report = judge(contract(SCHEMA, of("s", json_schema={})), lake)
    told = {check.id: (check.outcome, check.detail) for check in report.checks}
    assert told.pop("it") == ("error", "AttributeError: no attribute")
    assert "error" not in {outcome for outcome, _ in told.values()}
    assert judge.reasons() == {}
