"""Every key of ODCS v3.2 and what becomes of it: honoured, told, information, or refused.

The loader walks each document along this table: a key that is not in it is refused. A test walks
the published schema, so that no key of the standard is left out; the documentation's table is made
from it. ``information`` asks nothing of the data or of the pipeline. A value that asks for nothing
(``unique: false``) is accepted where its key is refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

Treatment = Literal["honoured", "told", "information", "refused"]


@dataclass(frozen=True)
class Key:
    """What becomes of one key.

    Attributes:
        treatment: See the module.
        how: How it is honoured or told, or why it is refused.
        into: Elements that its value consists of, by the name of a table here.
        idle: Values that ask for nothing where the key is refused.
        refuses: Values that are refused where the key is not, with the reason.
    """

    treatment: Treatment
    how: str = ""
    into: str = ""
    idle: tuple[Any, ...] = ()
    refuses: Mapping[Any, str] | None = None


def _honoured(how: str, into: str = "") -> Key:
    return Key("honoured", how, into)


def _told(how: str) -> Key:
    return Key("told", how)


def _refused(how: str, *idle: Any) -> Key:
    return Key("refused", how, idle=(None, *idle))


_INFORMATION = Key("information")
_RANGE = _honoured("`<column>.range`")
_ELEMENT = dict.fromkeys(
    ("id", "description", "businessName", "deprecated", "synonyms", "authoritativeDefinitions",
     "tags"),
    _INFORMATION,
)  # fmt: skip
_PROPERTY: Mapping[str, Key] = {
    **_ELEMENT,
    "name": _honoured("what good rows, checks and reports call it"),
    "physicalName": _honoured("what the file calls it"),
    "physicalType": Key("information", "the file's own types are read, and judged by logicalType"),
    "customProperties": Key("honoured", "`profile`, `formerNames`; others are information"),
    "primaryKey": _honoured("`.required` and `.unique`"),
    "primaryKeyPosition": _honoured("order of the columns of a key"),
    "logicalType": _honoured("`<column>.type`"),
    "logicalTypeOptions": _honoured("below, by type", "options"),
    "required": _honoured("`<column>.required`; inside an object that may be absent, `.fields`"),
    "unique": _honoured("`<column>.unique`, over the whole snapshot"),
    "semanticType": Key(
        "information",
        "a `measure` is refused: it stands in no file",
        refuses={"measure": "a measure is computed by those who read, and stands in no file"},
    ),
    "partitioned": _honoured(
        "where the file lacks it, read from the folder `<name>=<value>/`; refused of an object and "
        "of its fields, whose names no folder bears"
    ),
    "partitionKeyPosition": Key("information", "folders bear their names, in any order"),
    "classification": _honoured("`restricted`, `confidential`: values never stand in a report"),
    "encryptedName": _INFORMATION,
    "transformSourceObjects": _INFORMATION,
    "transformLogic": _INFORMATION,
    "transformDescription": _INFORMATION,
    "examples": _INFORMATION,
    "enum": _honoured("`<column>.enum`", "enum"),
    "criticalDataElement": _INFORMATION,
    "relationships": _honoured("`<columns>.reference`", "relationship"),
    "quality": _honoured("one check for each rule", "quality"),
    "properties": _honoured("fields of an object are columns, `outer.inner`", "property"),
    "items": _honoured("what an array holds", "part"),
    "map": _honoured("keys and values of a map", "map"),
}
_WHOLE = "inside an array or a map only rules of a single value are checked"
_PART: Mapping[str, Key] = {
    **_PROPERTY,
    "properties": _honoured("fields of an object", "part"),
    "logicalType": _honoured("`<column>.type`, which names the place"),
    "required": _honoured("`<column>.type`: no item, value or field is missing"),
    "enum": _honoured("`<column>.type`", "enum"),
    "classification": _honoured("the whole column is then private"),
    "customProperties": _INFORMATION,
    "unique": _refused(f"{_WHOLE}; items that differ are uniqueItems", False),
    "primaryKey": _refused(_WHOLE, False),
    "primaryKeyPosition": _refused(_WHOLE, -1),
    "partitioned": _refused("no folder bears the name of an item", False),
    "partitionKeyPosition": _refused("no folder bears the name of an item", -1),
    "relationships": _refused(_WHOLE, []),
    "quality": Key("honoured", f"`type: text` is information; others are refused: {_WHOLE}"),
}
_MOMENT: Mapping[str, Key] = {
    "format": _honoured("a JDK pattern, understood as a whole; ISO 8601 when there is none"),
    "minimum": _RANGE,
    "maximum": _RANGE,
    "exclusiveMinimum": _RANGE,
    "exclusiveMaximum": _RANGE,
}
_NUMBER: Mapping[str, Key] = {
    "minimum": _RANGE,
    "maximum": _RANGE,
    "exclusiveMinimum": _RANGE,
    "exclusiveMaximum": _RANGE,
    "multipleOf": _honoured("`<column>.multiple`"),
}
_RULE: Mapping[str, Key] = {
    **dict.fromkeys(
        ("id", "authoritativeDefinitions", "businessImpact", "customProperties", "dimension",
         "method", "tags"),
        _INFORMATION,
    ),
    "name": _honoured("the check's name"),
    "description": _honoured("the rule as reports say it"),
    "severity": _honoured("`error` decides; `warning` and `info` are told"),
    "type": _honoured("`library`, `custom`; `text` is information, `sql` is refused"),
    "schedule": Key("information", "every run checks every rule"),
    "scheduler": Key("information", "every run checks every rule"),
    "unit": _honoured("`rows` or `percent`"),
    "metric": _honoured("`nullValues`, `missingValues`, `invalidValues`, `duplicateValues`, "
                        "`rowCount`"),
    "rule": _refused("it is the old word for metric"),
    "arguments": _honoured("`missingValues`, `validValues`, `pattern`, `properties`"),
    "query": _refused("no database runs the query"),
    "engine": _honoured("`greatExpectations` or `sluice`"),
    "implementation": _honoured("an expectation that judges row by row, or a check of ours"),
    **dict.fromkeys(
        ("mustBe", "mustNotBe", "mustBeGreaterThan", "mustBeGreaterOrEqualTo", "mustBeLessThan",
         "mustBeLessOrEqualTo", "mustBeBetween", "mustNotBeBetween"),
        _honoured("what the count, or the share, must be"),
    ),
}  # fmt: skip
ELEMENTS: Mapping[str, Mapping[str, Key]] = {
    "contract": {
        **dict.fromkeys(
            ("tenant", "tags", "dataProduct", "domain", "context", "support", "price", "roles",
             "authoritativeDefinitions", "contractCreatedTs"),
            _INFORMATION,
        ),
        "version": _honoured("compared with the version in force"),
        "kind": _honoured("`DataContract`"),
        "apiVersion": _honoured("as the published schema lists them"),
        "id": _honoured("stands in reports and manifests"),
        "name": _honoured("stands in reports"),
        "status": _told("a contract that is `deprecated` or `retired` says so in its report"),
        "servers": _honoured("exactly one of type `s3`; others are information", "server"),
        "description": _honoured("`purpose` stands in reports"),
        "schema": _honoured("exactly one object", "table"),
        "team": _honoured("the member whose role is `owner` stands in reports"),
        "slaDefaultElement": _honoured("the element of a freshness that names none"),
        "slaProperties": _honoured("below", "sla"),
        "customProperties": _honoured("those of this pipeline; others are information"),
    },
    "server": {
        **dict.fromkeys(
            ("id", "server", "description", "environment", "roles"), _INFORMATION
        ),
        "type": _honoured("`s3` is read; other types are information"),
        "customProperties": _honoured("`partitioning: day`, `exclude`"),
        "location": _honoured("the prefix (or pattern) of the keys; the installation names the "
                              "bucket"),
        "format": _honoured("`csv`, `json`, `jsonl`, `ndjson`, `parquet`, `images`"),
        "encoding": _honoured("of CSV and JSON"),
        "delimiter": _honoured("`,` `;` tab `|` of CSV, `new_line`, `array` of JSON, no other"),
        "endpointUrl": _refused("the installation names the endpoint (AWS_ENDPOINT_URL)"),
    },
    "table": {
        **_ELEMENT,
        "name": _honoured("the data set, and the file's name"),
        "logicalType": _honoured("`object`"),
        "physicalType": _INFORMATION,
        "physicalName": Key("information", "servers.location says where the rows lie"),
        "customProperties": _honoured("those of this pipeline; others are information"),
        "dataGranularityDescription": _INFORMATION,
        "context": _INFORMATION,
        "properties": _honoured("the columns", "property"),
        "relationships": _honoured("`<columns>.reference`", "relationship"),
        "quality": _honoured("one check for each rule", "quality"),
    },
    "property": _PROPERTY,
    "part": _PART,
    "map": {
        "key": _honoured("`<column>.type`: what every key is", "part"),
        "value": _honoured("`<column>.type`: what every value is", "part"),
    },
    "enum": {
        **dict.fromkeys(
            ("label", "id", "description", "customProperties", "authoritativeDefinitions", "tags"),
            _INFORMATION,
        ),
        "value": _honoured("must be a value of the column's type"),
    },
    "relationship": {
        "id": _INFORMATION,
        "type": _honoured("`foreignKey`"),
        "from": _honoured("columns of this data set"),
        "to": _honoured("`<dataset>.<column>`; an address of another file is refused"),
        "customProperties": _honoured("`severity`"),
    },
    "quality": _RULE,
    "sla": {
        **dict.fromkeys(
            ("id", "driver", "description", "authoritativeDefinitions"), _INFORMATION
        ),
        "property": _honoured("`freshness` is a check; `frequency`, `retention` are told; of the "
                              "others a report says that they are not measured"),
        "value": _honoured("of `freshness`, `frequency`, `retention`"),
        "valueExt": _refused("one value is compared"),
        "unit": _honoured("minutes, hours, days, weeks, months (30 days), years (365 days)"),
        "element": _honoured("the column of `freshness`"),
        "schedule": Key("information", "every run looks"),
        "scheduler": Key("information", "every run looks"),
        "customProperties": _honoured("`severity` of `freshness`"),
    },
    "options.string": {
        "minLength": _honoured("`<column>.length`"),
        "maxLength": _honoured("`<column>.length`"),
        "pattern": _honoured("`<column>.pattern`: searched for, tied to the ends by `^` and `$`"),
        "format": _honoured("`<column>.format`: `email`, `uuid`, `uri`, `hostname`, `ipv4`, "
                            "`ipv6`, `byte` (Base64); `password` hides values; others are refused"),
    },
    "options.date": _MOMENT,
    "options.timestamp": {
        **_MOMENT,
        "timezone": _honoured("whether texts may name a zone; without one, and without "
                              "`defaultTimezone`, good rows hold bare wall-clock times"),
        "defaultTimezone": _honoured("zone of times that name none (UTC when it is not said)"),
    },
    "options.time": {
        **_MOMENT,
        "timezone": _refused("a time of day without its day has no zone", False),
        "defaultTimezone": _refused("a time of day without its day has no zone"),
    },
    "options.integer": {
        **_NUMBER,
        "format": _honoured("`<column>.format`: what i8 … i64, u8 … u32 hold; wider is refused"),
    },
    "options.number": {**_NUMBER, "format": _honoured("`<column>.format`: what f32, f64 hold")},
    "options.object": {
        "minProperties": _honoured("`<object>.fields`, or `<column>.type`"),
        "maxProperties": _honoured("`<object>.fields`, or `<column>.type`"),
        "required": _honoured("`<object>.fields`, or `<column>.type`"),
    },
    "options.array": {
        "minItems": _honoured("`<column>.type`"),
        "maxItems": _honoured("`<column>.type`"),
        "uniqueItems": _honoured("`<column>.type`"),
    },
    "options.vector": {
        "dimensions": _honoured("`<column>.type`"),
        "elementType": _honoured("`<column>.type`: what an element holds"),
        "normalized": _honoured("`<column>.type`: length 1"),
        "distanceMetric": _INFORMATION,
        "embeddingModel": _INFORMATION,
        "embeddingModelVersion": _INFORMATION,
    },
    "options.boolean": {},
    "options.map": {},
}  # fmt: skip


def key_faults(document: Mapping[str, Any]) -> Iterator[str]:
    """Where a document says what would not be kept."""
    yield from _faults(document, "contract", "")


def _faults(element: Mapping[str, Any], kind: str, path: str) -> Iterator[str]:
    table = ELEMENTS[kind]
    for name, value in element.items():
        where, key = f"{path}{name}", table.get(name)
        if key is None:
            yield f"{where}: nothing here knows this key"
        elif key.treatment == "refused":
            if value not in key.idle:
                yield f"{where}: it cannot be checked: {key.how}"
        elif key.refuses and value in key.refuses:
            yield f"{where}: {value!r} cannot be checked: {key.refuses[value]}"
        elif kind == "part" and name == "quality":
            for number, rule in enumerate(value):
                if rule.get("type") != "text":
                    yield f"{where}.{number}: quality cannot be checked: {_WHOLE}"
        elif key.into:
            yield from _within(element, name, value, key.into, where)


def _within(
    element: Mapping[str, Any], name: str, value: Any, into: str, where: str
) -> Iterator[str]:
    if into == "options":
        into = f"options.{element.get('logicalType')}"
        if into not in ELEMENTS:
            return  # a column without a type is refused by that name
    if isinstance(value, Mapping):
        yield from _faults(value, into, f"{where}.")
        return
    for number, inner in enumerate(value or ()):
        if name == "servers" and inner.get("type") != "s3":
            continue
        yield from _faults(inner, into, f"{where}.{number}.")
