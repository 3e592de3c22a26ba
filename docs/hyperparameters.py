"""The page of hyperparameters, from the code that reads them."""

from __future__ import annotations

from pathlib import Path

from models.runtime.script_mode import WORDS
from tasks.hyperparameters import HyperparameterReading, readings

ROOT = Path(__file__).resolve().parents[1]


def hyperparameters_page() -> str:
    """What the shared code reads, by name; the parts of a family that read it."""
    runtime = ROOT / "models" / "runtime"
    files = {
        path.relative_to(runtime).with_suffix("").as_posix() + ".py": path.read_bytes()
        for path in sorted(runtime.rglob("*.py"))
    }
    by_name: dict[str, list[HyperparameterReading]] = {}
    for reading in readings(files):
        by_name.setdefault(reading.name, []).append(reading)
    lines = [
        "# Hyperparameters",
        "",
        "What `training.hyperparameters` of a model.yaml may say where Sluice's own backends "
        "train, as the code reads it ([models](models.md) says what each does). A model reads "
        "those of its own task, input, backend and networks; any other name is an error before a "
        "job is paid for, unless the model's own code holds it.",
        "",
        "| name | default | must be | read by |",
        "|---|---|---|---|",
    ]
    for name, places in sorted(by_name.items(), key=lambda item: item[0].lower()):
        defaults = ", ".join(sorted({_default(one) for one in places}))
        wanted = "; ".join(sorted({_wanted(one) for one in places}))
        where = ", ".join(sorted({f"`{one.path.removesuffix('.py')}`" for one in places}))
        lines.append(f"| `{name}` | {defaults} | {wanted} | {where} |")
    return "\n".join(lines) + "\n"


def _default(reading: HyperparameterReading) -> str:
    if reading.computed:
        return "by the code"
    value = reading.default
    text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f"`{text}`" if text else "none"


def _wanted(reading: HyperparameterReading) -> str:
    kinds = {"integer": "a whole number", "number": "a number", "text": "a text"}
    said = [kinds.get(reading.method, "whole numbers, comma-separated")]
    for bound, value in reading.bounds.items():
        choices = isinstance(value, tuple)
        said.append(
            " or ".join(f"`{one}`" for one in value) if choices else f"{WORDS[bound]} {value:g}"
        )
    return ", ".join(said)
