"""The same small contract without a key of ODCS and with it, and what each key is given there."""

import copy

from tests.tasks.contracts.conftest import document

STRING = {"name": "s", "logicalType": "string"}
PROPERTY = {
    "id": "x1", "name": "renamed", "physicalName": "OTHER", "physicalType": "VARCHAR(2)",
    "description": "d", "businessName": "b", "deprecated": True,
    "synonyms": [{"synonym": "x"}], "authoritativeDefinitions": [{"url": "u", "type": "t"}],
    "tags": ["t"], "customProperties": [{"property": "profile", "value": "text"}],
    "primaryKey": True, "primaryKeyPosition": 2, "logicalType": "integer",
    "logicalTypeOptions": {"minLength": 2}, "required": True, "unique": True,
    "semanticType": "dimension", "partitioned": True, "partitionKeyPosition": 1,
    "classification": "restricted", "encryptedName": "e", "transformSourceObjects": ["a"],
    "transformLogic": "a + b", "transformDescription": "d", "examples": ["a"],
    "enum": [{"value": "a"}], "criticalDataElement": True,
    "relationships": [{"to": "others.id"}],
    "quality": [{"metric": "nullValues", "mustBe": 0}],
    "properties": [STRING], "items": STRING | {"logicalTypeOptions": {"minLength": 2}},
    "map": {"key": {"name": "k", "logicalType": "string"},
            "value": {"name": "v", "logicalType": "integer"}},
}  # fmt: skip
"""A value that asks for something, by key of a property."""
RULE = {"metric": "invalidValues", "mustBe": 0}
CUSTOM = {"type": "custom", "engine": "greatExpectations", "implementation": {
    "type": "expect_column_value_lengths_to_equal", "kwargs": {"value": 2}}}  # fmt: skip
RULES = {
    "id": "q", "authoritativeDefinitions": [{"url": "u", "type": "t"}], "businessImpact": "b",
    "customProperties": [{"property": "p", "value": 1}], "dimension": "accuracy", "method": "m",
    "tags": ["t"], "name": "mine", "description": "said so", "severity": "warning",
    "type": "text", "schedule": "0 20 * * *", "scheduler": "cron", "unit": "percent",
    "metric": "nullValues", "rule": "nullValues", "arguments": {"pattern": "^a"},
    "query": "select 1", "engine": "sluice", "implementation": None,
    "mustBe": 3, "mustNotBe": 3, "mustBeGreaterThan": 3, "mustBeGreaterOrEqualTo": 3,
    "mustBeLessThan": 3, "mustBeLessOrEqualTo": 3, "mustBeBetween": [3, 4],
    "mustNotBeBetween": [3, 4],
}  # fmt: skip
OPERATORS = {key for key in RULES if key.startswith("must")}
CONTRACT = {
    "tenant": "t", "tags": ["t"], "dataProduct": "d", "domain": "d", "context": "c",
    "support": [{"channel": "c"}], "price": {"priceAmount": 1}, "roles": [{"role": "r"}],
    "authoritativeDefinitions": [{"url": "u", "type": "t"}],
    "contractCreatedTs": "2024-01-01T00:00:00Z", "version": "2.0.0", "kind": "Wish",
    "apiVersion": "v9", "id": "another", "name": "Another", "status": "deprecated",
    "servers": [], "description": {"purpose": "p"}, "schema": [],
    "team": {"members": [{"username": "another", "role": "owner"}]},
    "slaDefaultElement": "things.at",
    "slaProperties": [{"property": "retention", "value": 2, "unit": "d"}],
    "customProperties": [{"property": "quarantineLimit", "value": 0.25}],
}  # fmt: skip
SERVER = {
    "id": "i", "server": "another", "description": "d", "environment": "prod",
    "roles": [{"role": "r"}], "type": "custom", "location": "s3://lake/else/", "format": "parquet",
    "customProperties": [{"property": "partitioning", "value": "none"}], "encoding": "latin-1",
    "delimiter": ";", "endpointUrl": "https://example.org",
}  # fmt: skip
TABLE = {
    key: PROPERTY[key]
    for key in ("id", "description", "businessName", "deprecated", "synonyms", "tags",
                "authoritativeDefinitions", "physicalType", "physicalName")
} | {
    "name": "another", "dataGranularityDescription": "d", "context": "c", "logicalType": "object",
    "customProperties": [{"property": "quarantineLimit", "value": 0.25}],
    "properties": [STRING], "relationships": [{"from": "things.other", "to": "others.id"}],
    "quality": [{"metric": "rowCount", "mustBe": 3}],
}  # fmt: skip
SLA = {
    "id": "i", "property": "frequency", "value": 9, "valueExt": 3, "unit": "h",
    "element": "things.s", "driver": "analytics", "description": "d", "scheduler": "cron",
    "schedule": "0 20 * * *", "authoritativeDefinitions": [{"url": "u", "type": "t"}],
    "customProperties": [{"property": "severity", "value": "warning"}],
}  # fmt: skip
ENUM = {
    "label": "l", "id": "i", "description": "d", "tags": ["t"], "value": "b",
    "customProperties": [{"property": "p", "value": 1}],
    "authoritativeDefinitions": [{"url": "u", "type": "t"}],
}  # fmt: skip
REFERENCE = {
    "id": "i", "type": "foreignKey", "from": "things.other", "to": "others.else",
    "customProperties": [{"property": "severity", "value": "warning"}],
}  # fmt: skip
DAYS = {
    "minimum": "2024-01-02", "maximum": "2024-01-02", "exclusiveMinimum": "2024-01-02",
    "exclusiveMaximum": "2024-01-02",
}  # fmt: skip
NUMBERS = {
    "minimum": 2, "maximum": 2, "exclusiveMinimum": 2, "exclusiveMaximum": 2, "multipleOf": 2,
}  # fmt: skip
CLOCKS = dict.fromkeys(DAYS, "10:00:00")
OPTIONS = {
    "string": {"minLength": 2, "maxLength": 2, "pattern": "a", "format": "uuid"},
    "date": DAYS | {"format": "dd.MM.yyyy"},
    "timestamp": DAYS
    | {"format": "dd.MM.yyyy", "timezone": False, "defaultTimezone": "Europe/Berlin"},
    "time": CLOCKS | {"format": "HH:mm", "timezone": True, "defaultTimezone": "Europe/Berlin"},
    "integer": NUMBERS | {"format": "u8"},
    "number": NUMBERS | {"format": "f32"},
    "object": {"minProperties": 1, "maxProperties": 2, "required": ["s"]},
    "array": {"minItems": 1, "maxItems": 2, "uniqueItems": True},
    "vector": {"dimensions": 3, "elementType": "uint8", "normalized": True,
               "distanceMetric": "cosine", "embeddingModel": "m", "embeddingModelVersion": "1"},
}  # fmt: skip
OF_OBJECTS = {
    "properties": [STRING, {"name": "t", "logicalType": "string"}],
    "logicalTypeOptions": {"minProperties": 1},
}
"""Values of keys that mean another thing on an object."""
BASE = {"name": "other", "logicalType": "string"}
AT = {"name": "at", "logicalType": "timestamp"}


def pairs(kind, key):
    """The same small contract without a key and with it."""
    if kind == "contract":
        # slaDefaultElement speaks only where a freshness names no element.
        fresh = {"slaProperties": [{"property": "freshness", "value": 1, "element": "things.old"}]}
        without = document([STRING, AT, AT | {"name": "old"}])
        if key == "slaDefaultElement":
            del fresh["slaProperties"][0]["element"]
            without |= fresh
        return without, without | {key: CONTRACT[key]}
    if kind == "server":
        without = document([STRING])
        made = copy.deepcopy(without)
        made["servers"][0][key] = SERVER[key]
        return without, made
    if kind == "table":
        return document([BASE]), document([BASE], table={key: TABLE[key]})
    if kind == "property":
        base = BASE | {
            "properties": {"logicalType": "object"},
            "items": {"logicalType": "array"},
            "map": {"logicalType": "map"},
        }.get(key, {})
        if key == "primaryKeyPosition":
            keys = [STRING | {"primaryKey": True, "primaryKeyPosition": 1}]
            base |= {"primaryKey": True}
            return document([base, *keys]), document([base | {key: 2}, *keys])
        return document([STRING, base]), document([STRING, base | {key: PROPERTY[key]}])
    if kind in {"object", "field"}:
        without = {"name": "outer", "logicalType": "object", "properties": [STRING]}
        made = copy.deepcopy(without)
        if kind == "object":
            made[key] = OF_OBJECTS.get(key, PROPERTY[key])
        else:
            made["properties"][0][key] = PROPERTY[key]
        return document([BASE, without]), document([BASE, made])
    if kind == "part":
        base = {"logicalType": {"properties": "object", "items": "array", "map": "map"}.get(
            key, "string")}  # fmt: skip
        outer = {"name": "list", "logicalType": "array"}
        made = base | {key: PROPERTY[key]}
        if key in {"name", "physicalName"}:  # an item has no key in the file; a field has
            base, made = (
                {"logicalType": "object", "properties": [BASE | {"required": True} | part]}
                for part in ({}, {key: PROPERTY[key]})
            )
        return (
            document([STRING, outer | {"items": base}]),
            document([STRING, outer | {"items": made}]),
        )
    if kind == "map":
        outer = {"name": "m", "logicalType": "map"}
        plain = {"key": {"logicalType": "string"}, "value": {"logicalType": "string"}}
        strict = plain | {key: plain[key] | {"logicalTypeOptions": {"minLength": 2}}}
        return document([outer | {"map": plain}]), document([outer | {"map": strict}])
    if kind == "enum":
        entry = {"value": "a"}
        return (
            document([BASE | {"enum": [entry]}]),
            document([BASE | {"enum": [entry | {key: ENUM[key]}]}]),
        )
    if kind == "relationship":
        relation = {"to": "others.id"} | ({"from": "things.s"} if key == "from" else {})
        made = relation | {key: REFERENCE[key]}
        if key == "from":
            sides = [{"table": {"relationships": [item]}} for item in (relation, made)]
            return tuple(document([STRING, BASE], **side) for side in sides)
        return tuple(document([BASE | {"relationships": [item]}]) for item in (relation, made))
    if kind == "quality":
        base = RULE if key not in {"engine", "implementation"} else CUSTOM
        made = base | {key: RULES[key]}
        if key == "implementation":
            made = copy.deepcopy(CUSTOM)
            made["implementation"]["kwargs"]["value"] = 3
        elif key == "engine":
            made = CUSTOM | {"engine": "sluice", "implementation": {"check": "textEncoding"}}
        elif key == "type":
            made = {"type": "text", "description": "in words"}
        elif key in OPERATORS:
            made = {"metric": "invalidValues", key: RULES[key]}
        elif key == "query":
            made = {"type": "sql", "query": "select 1", "mustBe": 0}
        return tuple(document([BASE | {"quality": [rule]}]) for rule in (base, made))
    if kind == "sla":
        level = {"property": "retention", "value": 3, "unit": "d"}
        if key in {"element", "customProperties"}:
            level = {"property": "freshness", "value": 3, "unit": "d", "element": "things.at"}
        value = "things.old" if key == "element" else SLA[key]
        columns = [AT, AT | {"name": "old"}]
        return tuple(
            document(columns, slaProperties=[item]) for item in (level, level | {key: value})
        )
    logical = kind.removeprefix("options.")
    base = {"name": "other", "logicalType": logical}
    least = {"dimensions": 2} if logical == "vector" else {}
    return tuple(
        document([STRING, base | ({"logicalTypeOptions": options} if options else {})])
        for options in (least, least | {key: OPTIONS[logical][key]})
    )
