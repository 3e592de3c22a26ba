"""Write the reference pages from the code, so that they cannot fall behind it.

``python -m docs.generate`` writes them; a test compares.
"""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin

import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from docs.hyperparameters import hyperparameters_page
from tasks import errors, model_page
from tasks.contracts import load_contract
from tasks.contracts.model import LogicalType
from tasks.contracts.odcs.expectations import REFUSED, ROWS
from tasks.contracts.odcs.standard import ELEMENTS
from tasks.metrics import METRICS, TASKS, names_for
from tasks.model_spec import ModelSpec, known_models, load_model_spec
from tasks.release.deliveries import delivery_of
from tasks.settings import Settings
from tasks.specs.behaviour import CHANGES

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
ODCS = {
    "contract": "The contract",
    "server": "servers, of type s3",
    "table": "schema, the data set",
    "property": "properties: columns, and fields of objects that are columns",
    "part": "Inside arrays and maps: items, keys, values and their fields",
    "map": "map",
    "enum": "enum",
    "relationship": "relationships",
    "quality": "quality",
    "sla": "slaProperties",
    **{f"options.{kind}": f"logicalTypeOptions of a {kind}" for kind in get_args(LogicalType)},
}


def pages(models: Sequence[str] = ()) -> dict[str, str]:
    """Text of each generated page by file name.

    Args:
        models: Those that get a page; without names those that have one.
    """
    named = models or [path.stem for path in sorted((DOCS / "models").glob("*.md"))]
    return {
        "settings.md": _settings(),
        "model-yaml.md": _model_yaml(),
        "errors.md": _errors(),
        "hyperparameters.md": hyperparameters_page(),
        "commands.md": _commands(),
        "examples/model.yaml": _example(),
        "odcs.md": _odcs(),
        **{f"models/{name}.md": text for name, text in _model_pages(named)},
    }


def _model_pages(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What is watched of each model."""
    for name in names:
        spec = load_model_spec(name, ROOT / "models")
        contract = load_contract(spec.data.dataset, ROOT / "data_contracts")
        yield name, model_page.page(spec, contract, delivery_of(spec.release).where(spec))


def _settings() -> str:
    rows = [
        (f"`SLUICE_{name.upper()}`", _default(field), field.description or "")
        for name, field in Settings.model_fields.items()
    ]
    return (
        "# Settings\n\nEnvironment variables of one installation, checked at the start of every "
        "run. AWS's own variables (`AWS_ENDPOINT_URL`, `AWS_REGION`, the credential chain) and "
        "Prefect's (`PREFECT_API_URL` …) count as AWS and Prefect define them. Secrets are not "
        "settings: code asks Secrets Manager for them by name.\n\n"
        + _table(("variable", "default", "meaning"), rows)
    )


def _model_yaml() -> str:
    parts = [
        "# model.yaml\n\nOne file in each folder below `models/`. Unknown keys are refused, and "
        "so is a key that stands twice; every fault is named before anything is spent. A number is "
        "written as one: `010`, `12:00:00` and `yes` are texts, here as in JSON."
    ]
    parts += [
        f"## {title}\n\n{inspect.getdoc(model) or ''}\n\n"
        + _table(
            ("key", "default", "meaning"),
            [
                (f"`{name}`", _default(field), _meaning(title, name, field))
                for name, field in model.model_fields.items()
            ],
        )
        for title, model in _models("model.yaml", ModelSpec)
    ]
    rows = [
        (
            f"`{name}`",
            " and ".join(task for task in TASKS if name in names_for(task)),
            metric.better,
            metric.unit,
            metric.meaning,
        )
        for name, metric in METRICS.items()
    ]
    parts.append(
        "## Metrics\n\nWhat the shared programs measure on the held-out split, for candidate, "
        "champion and baseline alike. A gate names any of its task; one that `metrics()` of a "
        "model.py measures ([models.md](models.md#modelpy)) says `better:`.\n\n"
        + _table(("metric", "task", "better when", "unit", "meaning"), rows)
    )
    changes = [
        (
            f"`{name}`",
            takes.of,
            "" if takes.by is None else f"{takes.by[0]:g} … {takes.by[1]:g}",
            "a value or text" if takes.to else "",
            takes.says,
        )
        for name, takes in CHANGES.items()
    ]
    parts.append(
        "## Changes\n\nWhat a rule of `behaviour` can do to rows "
        "([gates.md](gates.md#behaviour)). A row that a change leaves as it is does not count.\n\n"
        + _table(("change", "of", "by", "to", "what becomes of a row"), changes)
    )
    return "\n\n".join(parts)


EXAMPLE: dict[str, Any] = {
    "name": "price-estimator",
    "family.task": "regression",
    "family.input": "tabular",
    "family.backend": "keras",
    "owner": "valuation",
    "description": "Estimates the sale price of a house from its listing.",
    "data.dataset": "property_sales",
    "data.label": "price",
    "data.holdout_days": 30,
    "data_gates.allow.column": "grade",
    "data_gates.allow.reason": "An appraiser gives it before the house is listed.",
    "training.hourly_usd": 0.23,
    "training.max_runtime_seconds": 43_200,
    "training.hyperparameters": {"epochs": 100, "batch_size": 32, "learning_rate": 0.001},
    "training.metrics.name": "validation:mae",
    "training.metrics.regex": r"\bval_mae=([0-9.eE+-]+)",
    "gates.metric": "mae",
    "gates.better": "smaller",
    "gates.at_least": 0,
    "gates.at_most": 150_000,
    "gates.no_worse_than_champion": 0.05,
    "gates.no_worse_than_baseline": 0.1,
    "gates.confidence": 0.95,
    "gates.slices.column": "zipcode",
    "gates.slices.no_worse_than_champion": 0.15,
    "behaviour.change": "multiply",
    "behaviour.column": "sqft_living",
    "behaviour.by": 1.2,
    "behaviour.expect": "not_lower",
    "release.prediction_bins": [200_000, 400_000, 800_000],
}
"""Values of the complete example, where the default would say nothing."""
ERRORS = {"tflite_float16": 0.005, "tflite_int8": 0.1, "tfjs_float16": 0.005}


def _example() -> str:
    head = (
        "# Every key of a model.yaml, with its meaning; a key with a default may be left out.\n"
        "# `make new-model NAME=x` writes a short one to begin with.\n"
    )
    return head + "\n".join(_keys(ModelSpec, "", "")) + "\n"


def _keys(model: type[BaseModel], path: str, indent: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        full = f"{path}{name}"
        inner = _inner(field.annotation)
        words = (inspect.getdoc(inner[0]) if inner and not path else field.description) or ""
        if not path:
            yield ""
        yield from textwrap.wrap(
            words, 98, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
        )
        if not inner:
            value = yaml.safe_dump(
                _example_value(full, field), default_flow_style=True, width=10_000
            )
            yield f"{indent}{name}: {value.removesuffix('...' + chr(10)).strip()}"
            continue
        yield f"{indent}{name}:"
        listed = get_origin(field.annotation) is tuple
        lines = list(_keys(inner[0], f"{full}.", indent + ("    " if listed else "  ")))
        # The dash stands before the first key, below the words about it.
        first = next(n for n, line in enumerate(lines) if not line.strip().startswith("#"))
        if listed:
            lines[first] = f"{indent}  - {lines[first].strip()}"
        yield from lines


def _example_value(full: str, field: Any) -> Any:
    *_, part, name = ["", *full.split(".")]
    value = EXAMPLE.get(full, ERRORS.get(part) if name == "max_error" else None)
    if value is None:
        value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        raise KeyError(f"{full} is required: give EXAMPLE a value for it")
    return list(value) if isinstance(value, tuple) else value


def _models(title: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    yield title, model
    prefix = "" if title == "model.yaml" else f"{title}."
    for name, field in model.model_fields.items():
        for inner in _inner(field.annotation):
            yield from _models(f"{prefix}{name}", inner)


def _inner(annotation: Any) -> list[type[BaseModel]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return [annotation]
    models = [model for part in get_args(annotation) for model in _inner(part)]
    return list(dict.fromkeys(models))


def _errors() -> str:
    tree = inspect.getdoc(errors) or ""
    rows = [
        (
            f"`{name}`",
            (inspect.getdoc(error) or "").splitlines()[0],
            "yes" if error.retryable else "no",
        )
        for name, error in vars(errors).items()
        if inspect.isclass(error) and issubclass(error, errors.SluiceError)
    ]
    return (
        "# Errors\n\nEvery error names the thing, its value, and what to do next.\n\n```text\n"
        + tree.split("\n\n", 1)[1]
        + "\n```\n\n"
        + _table(("error", "meaning", "does a retry help?"), rows)
    )


def _commands() -> str:
    rows = []
    for line in (ROOT / "Makefile").read_text("utf-8").splitlines():
        target = re.match(r"^([a-z-]+):.*## (.*)$", line)
        if target:
            rows.append((f"`make {target.group(1)}`", target.group(2).replace("`", "")))
    return "# Commands\n\n" + _table(("command", "what it does"), rows)


def _odcs() -> str:
    parts = [
        "# ODCS, key by key\n\nWhat becomes of every key of the [Open Data Contract Standard]"
        "(https://bitol-io.github.io/open-data-contract-standard/) v3.2. The loader walks each "
        "contract along this table, and a test walks the published schema: no key is ignored. What "
        "is *told* stands in reports and decides nothing; what is *information* asks nothing of "
        "the data (everything below such a key included). A key that is *refused* is named when "
        "the contract is loaded; a value of it that asks for nothing (`unique: false`) is fine. "
        "[contracts.md](contracts.md) says how the checks work."
    ]
    for name, keys in ELEMENTS.items():
        if not keys:
            continue
        rows = [(f"`{key}`", entry.treatment, entry.how) for key, entry in sorted(keys.items())]
        parts.append(f"## {ODCS[name]}\n\n{_table(('key', 'what becomes of it', 'how'), rows)}")
    expectations = [(f"`{name}`", "kept", _arguments(name)) for name in sorted(ROWS)]
    refusals = [(f"`{name}`", "refused", why) for name, why in sorted(REFUSED.items())]
    parts.append(
        "## Expectations of Great Expectations\n\nAll that its core offers. With `mostly`, rows "
        "are counted and none is set aside. Its own verdict counts: an exception, or a failure "
        "that names no row, is an `error`. Arguments are held to their kind and to the columns' "
        "types when the contract is loaded: patterns and lengths look at texts (strings, times, "
        "what is nested, as JSON), sums at numbers, and types are compared that can be equal. A "
        "text that is no JSON breaks a JSON schema in its row alone, and a schema refers to "
        "nothing outside itself.\n\n"
        + _table(
            ("expectation", "what becomes of it", "arguments, or why"), [*expectations, *refusals]
        )
    )
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _arguments(name: str) -> str:
    expectation = ROWS[name]
    arguments = [
        *expectation.columns,
        *sorted(expectation.needs),
        *sorted(expectation.one_of),
        *sorted(expectation.may),
        "mostly",
    ]
    return ", ".join(f"`{argument}`" for argument in arguments)


def _default(field: Any) -> str:
    if field.default_factory is not None:
        return "none"
    if field.default is PydanticUndefined:
        return "**required**"
    if isinstance(field.default, BaseModel):
        return "see below"
    text = str(field.default)
    return f"`{text}`" if text not in {"", "()", "None"} else "none"


def _meaning(title: str, name: str, field: Any) -> str:
    """What a key says: its own words, or those of the part that it holds."""
    inner = _inner(field.annotation)
    if field.description or not inner:
        return field.description or _kind(field.annotation)
    part = name if title == "model.yaml" else f"{title}.{name}"
    words = (inspect.getdoc(inner[0]) or "").split("\n\n")[0].replace("\n", " ")
    return f"{words} See [{part}](#{part.replace('.', '')})."


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return f"One of {', '.join(f'`{value}`' for value in get_args(annotation))}."
    if get_origin(annotation) is not None or isinstance(annotation, UnionType):
        return str(annotation).replace("typing.", "")
    return getattr(annotation, "__name__", str(annotation))


def _table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = ["| " + " | ".join(header) + " |", "|" + "---|" * len(header)]
    lines += [
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write every page."""
    for name, text in pages(known_models(ROOT / "models")).items():
        (DOCS / name).write_text(text, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
