"""What a conversion made, how it was proven, and whether it may go on: values, decisions."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tasks.model_spec import ConversionSpec, FormatSpec
from tasks.reports.pages import SIGNS, table
from tasks.values import Check, Frozen, Verdict

MEGA = 1_000_000
ARTIFACTS: Mapping[str, str] = {
    "tflite_float16": "tflite/model_float16.tflite",
    "tflite_int8": "tflite/model_int8.tflite",
    "tfjs_float16": "tfjs/model.json",
}
"""Main file of each format, below the output folder. TF.js puts its shards beside model.json."""

TITLES: Mapping[str, str] = {
    "tflite_float16": "TFLite float16",
    "tflite_int8": "TFLite int8",
    "tfjs_float16": "TensorFlow.js float16",
}


class Parity(Frozen):
    """How far a converted model's answers lie from the original's, in the graph's own unit.

    ``mean_error`` and ``max_error`` are absolute differences over all rows and outputs; both are
    None when an answer was not finite, because then no number would be honest.
    """

    rows: int
    mean_error: float | None
    max_error: float | None
    latency_ms_p50: float
    runtime: str


class Converted(Frozen):
    """One format: its files (path below the output folder → bytes) and its parity."""

    format: str
    files: Mapping[str, int]
    parity: Parity
    seconds: float

    @property
    def size(self) -> int:
        """Bytes of all files together: what a client downloads."""
        return sum(self.files.values())


class ConversionReport(Frozen):
    """Everything that a conversion leaves to read."""

    model: str
    formats: tuple[Converted, ...]
    versions: Mapping[str, str]
    seconds: Mapping[str, float]
    verdict: Verdict

    @property
    def files(self) -> tuple[str, ...]:
        """All files, relative to the output folder, sorted."""
        return tuple(sorted(path for made in self.formats for path in made.files))

    @property
    def parity(self) -> dict[str, float]:
        """Mean absolute error by format, as the manifest carries it."""
        return {
            made.format: made.parity.mean_error
            for made in self.formats
            if made.parity.mean_error is not None
        }

    def to_markdown(self) -> str:
        """The conversion table of the run's artifact."""
        rows = [
            (
                TITLES[made.format],
                _size(made.size),
                _error(made.parity.mean_error),
                _error(made.parity.max_error),
                f"{made.parity.rows:,}",
                f"{made.parity.latency_ms_p50:.3f} ms",
                made.parity.runtime,
            )
            for made in self.formats
        ]
        header = (
            *("format", "size", "mean error", "largest error", "rows", "latency p50"),
            "run with",
        )
        lines = [
            f"## {SIGNS[self.verdict.outcome]} Conversion of {self.model}: {self.verdict.outcome}",
            "",
            self.verdict.reason,
            "",
            table(header, rows, numeric=range(1, 6)),
        ]
        versions = ", ".join(f"{name} {version}" for name, version in sorted(self.versions.items()))
        seconds = ", ".join(f"{name} {value:.1f} s" for name, value in self.seconds.items())
        lines += ["", f"Errors are in the unit of the graph's output. {versions}. {seconds}."]
        return "\n".join(lines)


def wanted(spec: ConversionSpec) -> dict[str, FormatSpec]:
    """The formats that a model asks for, in a fixed order, with their limits."""
    asked = {name: getattr(spec, name) for name in ARTIFACTS}
    return {name: limits for name, limits in asked.items() if limits is not None}


def judge(model: str, spec: ConversionSpec, made: tuple[Converted, ...]) -> Verdict:
    """Sizes and parity against the limits of model.yaml.

    Returns:
        ``pass`` when every limit holds; ``error`` when an asked format is missing, because then
        nothing was measured. Asking for no format passes: there is nothing to prove.
    """
    limits = wanted(spec)
    if not limits:
        return Verdict(
            subject=f"{model} conversion", outcome="pass", reason="No edge format is asked for."
        )
    by_name = {item.format: item for item in made}
    checks: list[Check] = []
    for name, limit in limits.items():
        item = by_name.get(name)
        if item is None:
            checks.append(
                Check(name=name, outcome="error", observed="nothing", bound="a file", detail="")
            )
            continue
        checks += [_size_check(item, limit), _parity_check(item, limit)]
    return Verdict.of(f"{model} conversion", tuple(checks))


def parity_of(
    expected: list[list[float]],
    answered: list[list[float | None]],
    latency_ms_p50: float,
    runtime: str,
) -> Parity:
    """Compare answers [n][outputs]; None and NaN stand for numbers that are not finite.

    Raises:
        ValueError: the shapes differ, or there is no row.
    """
    if not expected or len(expected) != len(answered):
        raise ValueError(f"{len(answered)} answers for {len(expected)} rows")
    mean: float | None = None
    largest: float | None = None
    differences: list[float] = []
    for truth, answer in zip(expected, answered, strict=True):
        for one, other in zip(truth, answer, strict=True):
            differences.append(math.nan if other is None else abs(one - other))
    if all(math.isfinite(value) for value in differences):
        mean, largest = math.fsum(differences) / len(differences), max(differences)
    return Parity(
        rows=len(expected),
        mean_error=mean,
        max_error=largest,
        latency_ms_p50=latency_ms_p50,
        runtime=runtime,
    )


def _size_check(item: Converted, limit: FormatSpec) -> Check:
    return Check(
        name=f"{item.format} size",
        outcome="pass" if 0 < item.size <= limit.max_bytes else "fail",
        observed=_size(item.size),
        bound=f"≤ {_size(limit.max_bytes)}",
    )


def _parity_check(item: Converted, limit: FormatSpec) -> Check:
    error = item.parity.mean_error
    return Check(
        name=f"{item.format} parity",
        outcome="pass" if error is not None and error <= limit.max_error else "fail",
        observed=_error(error),
        bound=f"≤ {limit.max_error:g}",
        detail="an answer is not finite" if error is None else f"over {item.parity.rows} rows",
    )


def _size(count: int) -> str:
    return f"{count / MEGA:.2f} MB" if count >= MEGA else f"{count / 1_000:.1f} kB"


def _error(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.2g}"
