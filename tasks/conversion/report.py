"""What a conversion made, how it was proven, and whether it may go on: values, decisions."""

from __future__ import annotations

import math
from collections.abc import Mapping

from pydantic import Field

from tasks.conversion import vectors
from tasks.conversion.bounds import parity_checks, shown
from tasks.conversion.edge_signature import FILE, EdgeSignature
from tasks.conversion.parity import Parity, parity_of
from tasks.reports.pages import SIGNS, table
from tasks.specs.conversion import ConversionSpec, FormatSpec
from tasks.values import Check, Frozen, Verdict

__all__ = ["ConversionReport", "Converted", "Parity", "judge", "parity_of", "wanted"]

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


class Converted(Frozen):
    """One format: its files (path below the output folder → bytes), parity by output, tensors."""

    format: str
    files: Mapping[str, int]
    parities: tuple[Parity, ...] = Field(min_length=1)
    signature: EdgeSignature = EdgeSignature()
    seconds: float

    @property
    def parity(self) -> Parity:
        """That of the worst output: one that is not finite, else the largest mean error."""
        return max(
            self.parities,
            key=lambda one: math.inf if one.mean_error is None else one.mean_error,
        )

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
        """All files, relative to the output folder, sorted; with the names of their tensors."""
        names = [FILE, vectors.FILE] if self.formats else []
        return tuple(
            sorted([*names, *(path for conversion in self.formats for path in conversion.files)])
        )

    @property
    def parity(self) -> dict[str, float]:
        """Mean error by format (of its worst output), as the manifest carries it."""
        return {
            conversion.format: conversion.parity.mean_error
            for conversion in self.formats
            if conversion.parity.mean_error is not None
        }

    def to_markdown(self) -> str:
        """The conversion table of the run's artifact."""
        several = any(len(conversion.parities) > 1 for conversion in self.formats)
        rows = [
            (
                TITLES[conversion.format],
                *([f"`{parity.output}`"] if several else []),
                _size(conversion.size),
                shown(parity.mean_error),
                shown(parity.max_error),
                f"{parity.rows:,}",
                f"{parity.latency_ms_p50:.3f} ms",
                parity.runtime,
            )
            for conversion in self.formats
            for parity in conversion.parities
        ]
        header = (
            *("format", *(["output"] if several else []), "size", "mean error", "largest error"),
            *("rows", "latency p50", "run with"),
        )
        first = 1 + several
        lines = [
            f"## {SIGNS[self.verdict.outcome]} Conversion of {self.model}: {self.verdict.outcome}",
            "",
            self.verdict.reason,
            "",
            table(header, rows, numeric=range(first, first + 5)),
        ]
        versions = ", ".join(f"{name} {version}" for name, version in sorted(self.versions.items()))
        seconds = ", ".join(f"{name} {value:.1f} s" for name, value in self.seconds.items())
        checks = [
            (SIGNS[check.outcome], check.name, check.observed, check.bound, check.detail)
            for check in self.verdict.checks
        ]
        if checks:
            lines += ["", table(("", "bound", "observed", "asked for", "why"), checks)]
        tensors = [
            (
                TITLES[conversion.format],
                side,
                f"`{one.name}`",
                f"`{one.key}`",
                list(one.shape),
                one.dtype,
            )
            for conversion in self.formats
            for side, ones in (
                ("takes", conversion.signature.inputs),
                ("answers", conversion.signature.outputs),
            )
            for one in ones
        ]
        if tensors:
            named = ("format", "", "tensor", "called in the file", "shape of a row", "dtype")
            lines += ["", table(named, tensors)]
        lines += ["", f"Errors are in the unit of the graph's output. {versions}. {seconds}."]
        return "\n".join(lines)


def wanted(spec: ConversionSpec) -> dict[str, FormatSpec]:
    """The formats that a model asks for, in a fixed order, with their limits."""
    formats = {name: getattr(spec, name) for name in ARTIFACTS}
    return {name: limits for name, limits in formats.items() if limits is not None}


def judge(model: str, spec: ConversionSpec, conversions: tuple[Converted, ...]) -> Verdict:
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
    by_name = {item.format: item for item in conversions}
    checks: list[Check] = []
    for name, limit in limits.items():
        item = by_name.get(name)
        if item is None:
            checks.append(
                Check(name=name, outcome="error", observed="nothing", bound="a file", detail="")
            )
            continue
        checks.append(_size_check(item, limit))
        for parity in item.parities:
            checks += parity_checks(name, parity, limit)
    return Verdict.of(f"{model} conversion", tuple(checks))


def _size_check(item: Converted, limit: FormatSpec) -> Check:
    return Check(
        name=f"{item.format} size",
        outcome="pass" if 0 < item.size <= limit.max_bytes else "fail",
        observed=_size(item.size),
        bound=f"≤ {_size(limit.max_bytes)}",
    )


def _size(count: int) -> str:
    return f"{count / MEGA:.2f} MB" if count >= MEGA else f"{count / 1_000:.1f} kB"
