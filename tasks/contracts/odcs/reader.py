"""Read a contract from ``data_contracts/<dataset>.odcs.yaml`` (ODCS v3).

The file is checked against the published JSON schema first, then against what this pipeline can
keep: a rule that nothing would check is refused, so that a contract never promises in vain.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from pydantic import ValidationError

from tasks.contracts.model import NESTED, Column, Contract, Format, Quality, Reference
from tasks.contracts.odcs.columns import columns_of
from tasks.contracts.odcs.documents import Fault, plain
from tasks.contracts.odcs.levels import levels_of, severity_of
from tasks.contracts.odcs.nested import shape_of
from tasks.contracts.odcs.quality import quality_of
from tasks.contracts.odcs.records import records_of
from tasks.contracts.odcs.standard import key_faults
from tasks.contracts.odcs.text_form import text_form
from tasks.errors import ContractMissing, InvalidContract
from tasks.yaml_documents import yaml_document

SUFFIX = ".odcs.yaml"
FORMATS = {
    "csv": "csv",
    "json": "jsonl",
    "jsonl": "jsonl",
    "ndjson": "jsonl",
    "parquet": "parquet",
    "images": "images",
}
STAND_IN = {"logicalType": "string"}
UNREADABLE = (
    TypeError, LookupError, AttributeError, ValueError, ArithmeticError, RecursionError
)  # fmt: skip


def known_contracts(contracts_dir: Path) -> tuple[str, ...]:
    """Data sets that have a contract, sorted."""
    return tuple(
        sorted(path.name.removesuffix(SUFFIX) for path in contracts_dir.glob(f"*{SUFFIX}"))
    )


def load_contract(dataset: str, contracts_dir: Path) -> Contract:
    """Read and check one contract.

    Raises:
        ContractMissing: the data set has no contract.
        InvalidContract: the file is not a contract that can be kept; every fault is named.
    """
    path = contracts_dir / f"{dataset}{SUFFIX}"
    if dataset not in known_contracts(contracts_dir):
        raise ContractMissing(
            f"Data set {dataset!r} has no contract: {path} does not exist.",
            f"Write it, or use one of {', '.join(known_contracts(contracts_dir)) or '(none yet)'}.",
        )
    try:
        document: Any = yaml_document(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise InvalidContract(
            f"{path} is not YAML: {error}.", "Correct the file at the line named above."
        ) from error
    return contract_of(document, dataset, str(path))


def contract_of(document: Any, dataset: str, where: str) -> Contract:
    """A contract from a parsed ODCS document.

    Raises:
        InvalidContract: it cannot be kept; every fault is named.
    """
    try:
        document = plain(document)
        faults = list(schema_faults(document)) or list(key_faults(document))
        if not faults:
            return _read(document, dataset)
    except Fault as fault:
        faults = [str(fault)]
    except ValidationError as error:
        faults = [
            f"{'.'.join(map(str, e['loc']))}: {e['msg']} (got {e['input']!r:.80})"
            for e in error.errors()
        ]
    except UNREADABLE as error:
        # The schema leaves room for values that no one can read; only this file is in trouble.
        faults = [f"a value of the wrong kind ({type(error).__name__}: {error})"]
    raise InvalidContract(
        f"{where} is not a contract that can be kept: {'; '.join(faults[:10])}.",
        "Correct these places; docs/contracts.md lists what a contract may say.",
    )


@lru_cache(maxsize=4)
def _validator(definition: str = "") -> Any:
    import jsonschema

    package = resources.files("open_data_contract_standard")
    schema = json.loads((package / "schema.json").read_text(encoding="utf-8"))
    if definition:
        kept = {key: schema[key] for key in ("$schema", "$defs")}
        schema = {**kept, "$ref": f"#/$defs/{definition}"}
    return jsonschema.validators.validator_for(schema)(schema)


def schema_faults(document: Any) -> Iterator[str]:
    """Where a document leaves the published ODCS JSON schema.

    Nested properties are judged one by one: the schema's ``unevaluatedProperties`` visits what lies
    below a property many times over, which takes hours where objects lie five deep.
    """
    waiting: list[tuple[str, str, Any]] = [("", "", document)]
    while waiting:
        path, definition, element = waiting.pop(0)
        alone = element
        if definition:
            if isinstance(element, Mapping) and "logicalType" not in element:
                yield f"{path.rstrip('.')}: {_untyped(element)}"
                continue
            alone = _alone(element, path, waiting)
        elif isinstance(element, Mapping) and isinstance(element.get("schema"), list):
            tables = enumerate(element["schema"])
            alone = {
                **element,
                "schema": [_alone(table, f"schema.{at}.", waiting) for at, table in tables],
            }
        errors = list(_validator(definition).iter_errors(alone))
        counted = {tuple(error.absolute_path) for error in errors if _miscounts(error)}
        for error in sorted(errors, key=lambda e: list(map(str, e.path))):
            where = f"{path}{'.'.join(map(str, error.absolute_path))}".rstrip(".")
            if tuple(error.absolute_path) not in counted:
                yield f"{where or 'file'}: {error.message:.200}"
            elif _miscounts(error):
                yield f"{where}: {_operators(error.instance)}"


def _untyped(element: Mapping[str, Any]) -> str:
    """What is said of a column or item without a type; the schema asks for a map's keys then."""
    physical = element.get("physicalType")
    told = f"; physicalType {physical!r:.40} is only told" if physical else ""
    return f"{str(element.get('name') or 'it')[:80]} has no logicalType: write one{told}"


def _miscounts(error: Any) -> bool:
    """Whether a rule of quality has no operator, or several."""
    rule = error.validator in {"oneOf", "anyOf"} and isinstance(error.instance, Mapping)
    return bool(rule and "metric" in error.instance and len(_named_operators(error.instance)) != 1)


def _named_operators(rule: Mapping[str, Any]) -> list[str]:
    return sorted(key for key in rule if key.startswith(("mustBe", "mustNotBe")))


def _operators(rule: Mapping[str, Any]) -> str:
    named = _named_operators(rule)
    if not named:
        return f"{rule['metric']} has no operator: say what it must be (mustBe, mustBeLessThan …)"
    return (
        f"{rule['metric']} has {len(named)} operators, {', '.join(named)}: write mustBeBetween, "
        "or a rule for each"
    )


def _alone(element: Any, path: str, waiting: list[tuple[str, str, Any]]) -> Any:
    """A table or property with stand-ins for what lies below it, which waits for its own turn."""
    if not isinstance(element, Mapping):
        return element
    outline = dict(element)
    inner = outline.get("properties")
    if isinstance(inner, list):
        waiting += [
            (f"{path}properties.{at}.", "SchemaProperty", part) for at, part in enumerate(inner)
        ]
        outline["properties"] = []
    if isinstance(outline.get("items"), Mapping):
        waiting.append((f"{path}items.", "SchemaItemProperty", outline["items"]))
        outline["items"] = STAND_IN
    if isinstance(outline.get("map"), Mapping):
        parts = [key for key in ("key", "value") if isinstance(outline["map"].get(key), Mapping)]
        waiting += [
            (f"{path}map.{key}.", "SchemaItemProperty", outline["map"][key]) for key in parts
        ]
        outline["map"] = {**outline["map"], **dict.fromkeys(parts, STAND_IN)}
    return outline


def _read(document: Mapping[str, Any], dataset: str) -> Contract:
    tables = document.get("schema") or []
    if len(tables) != 1:
        raise Fault(f"schema holds {len(tables)} objects; one contract describes one data set")
    table = tables[0]
    if table["name"] != dataset:
        raise Fault(f"schema.0.name is {table['name']!r}, but the file belongs to {dataset!r}")
    custom = _custom(document) | _custom(table)
    columns, objects = columns_of(table.get("properties") or [])
    for column in columns:
        if column.type in NESTED:
            shape_of(column)
    known = {column.name: column for column in columns}
    names = set(known)
    server = _server(document)
    quality = tuple(_qualities(table, known, server["format"]))
    limit = custom.get("quarantineLimit", 0.01)
    if not isinstance(limit, int | float) or isinstance(limit, bool) or not 0 <= limit < 1:
        raise Fault(f"customProperties quarantineLimit is {limit!r}, not a share in [0, 1)")
    return Contract(
        dataset=dataset,
        version=str(document["version"]),
        id=document["id"],
        name=document.get("name") or dataset,
        status=document.get("status") or "draft",
        owner=_owner(document),
        description=(document.get("description") or {}).get("purpose", ""),
        columns=columns,
        objects=objects,
        primary_key=_primary_key(table),
        quality=quality,
        references=tuple(_references(table, names)),
        quarantine_limit=float(limit),
        drift_policy=custom.get("driftPolicy") or {},
        **records_of(custom, dataset, columns),
        **levels_of(document, table["name"], known),
        **server,
    )


def _custom(element: Mapping[str, Any]) -> dict[str, Any]:
    listed = [(item["property"], item["value"]) for item in element.get("customProperties") or []]
    if len(dict(listed)) < len(listed):
        raise Fault(f"customProperties say one thing twice: {', '.join(n for n, _ in listed)}")
    return dict(listed)


def _owner(document: Mapping[str, Any]) -> str:
    team = document.get("team") or {}
    members = team if isinstance(team, list) else team.get("members") or []
    owners = [m for m in members if m.get("role") == "owner"]
    if not owners:
        raise Fault("team names no member whose role is owner")
    return str(owners[0]["username"])


def _server(document: Mapping[str, Any]) -> dict[str, Any]:
    servers = [item for item in document.get("servers") or [] if item["type"] == "s3"]
    if not servers:
        raise Fault("servers names no place of type s3")
    if len(servers) > 1:
        raise Fault(
            f"servers names {len(servers)} places of type s3 "
            f"({', '.join(item['server'] for item in servers)}); one contract describes one place"
        )
    server = servers[0]
    location = urlsplit(server["location"])
    if location.scheme != "s3" or not location.netloc:
        raise Fault(f"servers.location is {server['location']!r}, not s3://bucket/prefix/")
    pattern = location.path.lstrip("/")
    prefix = re.split(r"[*{?]", pattern)[0]
    if not prefix.endswith(("/", "=")):
        raise Fault(f"servers.location prefix {prefix!r} does not end in a slash")
    written = str(server.get("format", ""))
    if written not in FORMATS:
        raise Fault(f"servers.format is {written!r}, not one of {', '.join(FORMATS)}")
    partitioning = _custom(server).get("partitioning", "day")
    if partitioning != "day":
        raise Fault(
            f"servers partitioning is {partitioning!r}; only 'day' is read: folders must "
            "name the day that their objects belong to"
        )
    return {
        "location_prefix": prefix,
        "location_pattern": "" if prefix == pattern else pattern,
        "location_exclude": _excluded(_custom(server).get("exclude", [])),
        "format": FORMATS[written],
        **text_form(server, FORMATS[written]),
        "partitioning": partitioning,
    }


def _excluded(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise Fault(f"servers customProperties exclude is {value!r}, not a list of file names")
    return tuple(value)


def _leaves(
    properties: Iterable[Mapping[str, Any]], prefix: str = ""
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Properties that are columns, fields of objects under the name ``outer.inner``."""
    for item in properties:
        name = f"{prefix}{item['name']}"
        if item.get("logicalType") == "object" and item.get("properties"):
            yield from _leaves(item["properties"], f"{name}.")
        else:
            yield name, item


def _primary_key(table: Mapping[str, Any]) -> tuple[str, ...]:
    leaves = _leaves(table.get("properties") or [])
    members = [(name, item) for name, item in leaves if item.get("primaryKey")]
    members.sort(key=lambda member: member[1].get("primaryKeyPosition", -1))
    return tuple(name for name, _ in members)


def _qualities(
    table: Mapping[str, Any], columns: Mapping[str, Column], form: Format
) -> Iterator[Quality]:
    for rule in table.get("quality") or []:
        yield from quality_of(rule, "", columns, form)
    for name, item in _leaves(table.get("properties") or []):
        for rule in item.get("quality") or []:
            yield from quality_of(rule, name, columns, form)


def _references(table: Mapping[str, Any], names: set[str]) -> Iterator[Reference]:
    pairs = [(item.get("from"), item) for item in table.get("relationships") or []]
    for column, part in _leaves(table.get("properties") or []):
        pairs += [(column, item) for item in part.get("relationships") or []]
    for source, item in pairs:
        sources = [source] if isinstance(source, str) else list(source or [])
        targets = [item["to"]] if isinstance(item["to"], str) else list(item["to"])
        own = tuple(name.removeprefix(f"{table['name']}.") for name in sources)
        for name in own:
            if name not in names:
                raise Fault(f"a relationship starts at {name!r}, which is not a column")
        if any("/" in target or "." not in target for target in targets):
            raise Fault(f"relationship to {item['to']!r} is not written <dataset>.<column>")
        datasets = {target.split(".", 1)[0] for target in targets}
        if len(datasets) != 1 or len(own) != len(targets):
            raise Fault(f"relationship to {item['to']!r} does not pair columns of one data set")
        yield Reference(
            columns=own,
            dataset=datasets.pop(),
            targets=tuple(target.split(".", 1)[1] for target in targets),
            severity=severity_of(item, f"relationship to {item['to']!r}"),
        )
