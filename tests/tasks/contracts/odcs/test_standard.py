"""The walk over the published schema of ODCS: no key of it is ignored."""

import json
from importlib import resources

import pytest

from tasks.contracts.model import NESTED
from tasks.contracts.odcs import contract_of
from tasks.contracts.odcs.nested import Checker
from tasks.contracts.odcs.standard import ELEMENTS, key_faults
from tasks.errors import InvalidContract
from tests.tasks.contracts.conftest import document
from tests.tasks.contracts.odcs.pairs import BASE, STRING, pairs

SCHEMA = json.loads((resources.files("open_data_contract_standard") / "schema.json").read_text())
DEFS = SCHEMA["$defs"]
PLACES = {
    "contract": SCHEMA,
    "table": DEFS["SchemaObject"],
    "property": DEFS["SchemaProperty"],
    "part": DEFS["SchemaItemProperty"],
    "enum": DEFS["EnumValue"],
    "relationship": DEFS["RelationshipBase"],
    "quality": DEFS["DataQuality"],
    "sla": DEFS["ServiceLevelAgreementProperty"],
}
BY_TYPE = ("string", "date", "timestamp", "time", "integer", "number", "object", "array", "vector")


def at(ref):
    """The definition that a reference names."""
    found = SCHEMA
    for part in ref.removeprefix("#/").split("/"):
        found = found[part]
    return found


def keys_of(node):
    """Keys that a schema node allows, through references and conditions; not below them."""
    found = set(node.get("properties", {}))
    if "$ref" in node:
        found |= keys_of(at(node["$ref"]))
    for part in (*node.get("allOf", ()), *node.get("oneOf", ())):
        found |= keys_of(part)
    if "then" in node:
        found |= keys_of(node["then"])
    return found


def options_of(kind):
    """Keys of ``logicalTypeOptions`` of one logical type."""
    for part in DEFS["SchemaBaseProperty"]["allOf"]:
        condition = part.get("if", {})
        for asked in condition.get("anyOf", [condition]):
            if asked.get("properties", {}).get("logicalType", {}).get("const") == kind:
                options = part["then"]["properties"].get("logicalTypeOptions", {})
                return set(options.get("properties", {}))
    return set()


def walked():
    for kind, node in PLACES.items():
        yield from ((kind, key) for key in keys_of(node))
    yield from (("server", key) for key in DEFS["Server"]["properties"])
    yield from (("server", key) for key in DEFS["ServerSource"]["S3Server"]["properties"])
    for kind in BY_TYPE:
        yield from ((f"options.{kind}", key) for key in options_of(kind))
    yield from (("map", key) for key in ("key", "value"))


WALKED = sorted(set(walked()))


def test_the_walk_meets_what_the_standard_says_of_a_property():
    assert {("property", "transformLogic"), ("options.vector", "normalized")} < set(WALKED)
    assert {("quality", "mustNotBeBetween"), ("part", "properties")} < set(WALKED)
    assert len(WALKED) > 180


def test_each_key_of_the_standard_is_classified_and_nothing_else_is():
    known = {(kind, key) for kind, table in ELEMENTS.items() for key in table}
    assert known == set(WALKED)


PROBES = (
    [], ["a"], ["ab"], ["b"], ["a", "a"], [None], [1], [[]], [["ab"]], [["a"]], [{}],
    [{"s": 1}], [{"k": 1}], [{"k": "x"}], [{"other": "x"}], [{"renamed": "x"}], [{"OTHER": "x"}],
    {}, {"s": "x"}, {"s": "x", "t": 1, "u": 2}, {"k": "x"},
    {"kk": "xx"}, {"kk": "x"}, {"k": "xx"}, [1, 2, 3],
    [0.6, 0.8], [0.5, 0.5], [1.5, 2.5], "a",
)  # fmt: skip
"""Values of nested columns: what is said of them is what their rules mean."""


def meaning(made):
    """Everything of a contract that is not for reading alone."""
    contract = contract_of(made, "things", "test")
    found = contract.model_dump()
    for column, told in zip(contract.columns, found["columns"], strict=True):
        del told["description"], told["items"]
        if column.type in NESTED:
            checker = Checker(column)
            told["faults"] = [checker.fault(value) for value in PROBES]
            told["named"] = [checker.named(v) for v in PROBES if not checker.fault(v)]
    return found


SAID = {
    ("contract", "servers"): "type s3",
    ("contract", "schema"): "0 objects",
    ("server", "type"): "type s3",
    ("server", "customProperties"): "partitioning",
}
"""What an error names where it does not name the key itself."""
ONE_VALUE = {("contract", "kind"), ("relationship", "type"), ("table", "logicalType")}
"""Keys for which the standard knows one value alone."""


@pytest.mark.parametrize(("kind", "key"), WALKED, ids=str)
def test_each_key_changes_the_contract_or_is_information_or_is_refused(kind, key):
    without, made = pairs(kind, key)
    try:
        before = meaning(without)
    except InvalidContract:
        before = None  # the key is needed
    treatment, named = ELEMENTS[kind][key].treatment, SAID.get((kind, key), key)
    if treatment == "refused":
        with pytest.raises(InvalidContract, match=named):
            meaning(made)
        return
    said, after = "", None
    try:
        after = meaning(made)
    except InvalidContract as error:
        said = str(error)
    if said:  # some values of an honoured key are refused
        assert treatment == "honoured", said
        assert named in said
        return
    if treatment == "information":
        assert after == before, "what is called information changes the contract"
        return
    assert (kind, key) in ONE_VALUE or after != before, "honoured in words only"


OF_PROPERTIES = sorted(key for kind, key in WALKED if kind == "property")
MISPLACED = {
    "object": {"customProperties": "profile", "enum": "enum", "items": "items", "map": "map",
               "logicalType": "properties", "partitioned": "partitioned", "quality": "quality",
               "primaryKey": "primaryKey", "primaryKeyPosition": "primaryKeyPosition",
               "relationships": "relationships", "unique": "unique"},
    "field": {"partitioned": "partitioned", "properties": "properties", "items": "items",
              "map": "map"},
}  # fmt: skip
"""Keys of a property that are refused on an object whose fields are columns, or on such a field."""


@pytest.mark.parametrize("kind", MISPLACED)
@pytest.mark.parametrize("key", OF_PROPERTIES)
def test_a_key_of_an_object_or_of_its_field_is_kept_or_refused_by_name(kind, key):
    before, made = pairs(kind, key)
    if key in MISPLACED[kind]:
        with pytest.raises(InvalidContract, match=MISPLACED[kind][key]):
            meaning(made)
    elif ELEMENTS["property"][key].treatment == "information" or key == "primaryKeyPosition":
        assert meaning(made) == meaning(before), "a position orders what else is a key"
    else:
        assert meaning(made) != meaning(before), "honoured in words only"


@pytest.mark.parametrize(
    ("key", "value"),
    [("partitioned", False), ("primaryKeyPosition", -1), ("unique", False),
     ("customProperties", [{"property": "shown", "value": 1}])],
)  # fmt: skip
@pytest.mark.parametrize("inner", [True, False])
def test_a_value_that_asks_nothing_of_an_object_is_no_reason_to_refuse(key, value, inner):
    field, outer = dict(STRING), {"name": "outer", "logicalType": "object"}
    (field if inner else outer)[key] = value
    made = document([outer | {"properties": [field]}])
    assert contract_of(made, "things", "test").column("outer.s")


@pytest.mark.parametrize(
    "part",
    [
        {"partitioned": True},
        {"customProperties": [{"property": "profile", "value": "text"}]},
        {"customProperties": [{"property": "profile", "value": "none"}]},
        {"primaryKeyPosition": 1},
    ],
)
def test_so_it_is_refused_of_an_object_inside_an_object(part):
    inner = {"name": "inner", "logicalType": "object", "properties": [STRING], **part}
    outer = {"name": "outer", "logicalType": "object", "properties": [BASE, inner]}
    with pytest.raises(InvalidContract, match=r"object outer\.inner: "):
        contract_of(document([outer]), "things", "test")


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("part", "unique", False),
        ("part", "primaryKey", False),
        ("part", "partitioned", False),
        ("part", "primaryKeyPosition", -1),
        ("part", "relationships", []),
        ("part", "quality", [{"type": "text", "description": "in words"}]),
        ("options.time", "timezone", False),
    ],
)
def test_a_value_that_asks_for_nothing_is_no_reason_to_refuse(kind, key, value):
    inner = {"logicalType": "string", key: value}
    if kind == "options.time":
        made = document([{"name": "t", "logicalType": "time", "logicalTypeOptions": {key: value}}])
    else:
        made = document([{"name": "list", "logicalType": "array", "items": inner}])
    assert contract_of(made, "things", "test")


DEEP = {
    "array": lambda part: {"logicalType": "array", "items": part},
    "object": lambda part: {"logicalType": "array", "items": {
        "logicalType": "object", "properties": [part | {"name": "inner"}]}},
    "map": lambda part: {"logicalType": "map", "map": {
        "key": {"logicalType": "string"}, "value": part}},
}  # fmt: skip


@pytest.mark.parametrize("around", DEEP)
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("unique", True),
        ("primaryKey", True),
        ("partitioned", True),
        ("relationships", [{"to": "others.id"}]),
        ("quality", [{"metric": "nullValues", "mustBe": 0}]),
    ],
)
def test_a_rule_of_a_whole_column_inside_a_nested_one_is_refused_by_name(around, key, value):
    outer = {"name": "n", **DEEP[around]({"logicalType": "string", key: value})}
    with pytest.raises(InvalidContract, match=key):
        contract_of(document([outer]), "things", "test")


def test_a_measure_stands_in_no_file():
    with pytest.raises(InvalidContract, match="measure"):
        contract_of(document([BASE | {"semanticType": "measure"}]), "things", "test")


def test_other_servers_are_information_and_a_second_lake_is_not():
    made = document([STRING])
    kafka = {"server": "stream", "type": "kafka", "host": "h", "format": "avro"}
    assert contract_of(made | {"servers": [kafka, *made["servers"]]}, "things", "t").format == "csv"
    with pytest.raises(InvalidContract, match="2 places of type s3"):
        contract_of(made | {"servers": made["servers"] * 2}, "things", "t")


def test_a_key_that_nobody_knows_is_a_fault():
    assert list(key_faults({"surprise": 1})) == ["surprise: nothing here knows this key"]
