"""What clients may report, and which metrics it becomes. Pure.

Everything comes from strangers: a batch is strict and small, and only the versions that the
pointer names are counted, so that nobody can invent dimensions.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from tasks.model_spec import Name
from tasks.release.edge.windows import BIN, ERRORS, LATENCY, REQUESTS, dimensions
from tasks.values import Frozen, Pointer

Kind = Literal[
    "pointer",
    "experiment",
    "manifest",
    "missing",
    "truncated",
    "tampered",
    "load",
    "predict",
    "network",
]
Latency = Annotated[float, Field(ge=0, le=600_000, allow_inf_nan=False)]
PROBLEMS = "ClientProblems"


class Observation(Frozen):
    """One user's experience of one version in one rollout. ``latency_ms`` is a median."""

    version: str = Field(max_length=64)
    outcome: Literal["ok", "error"]
    kind: Kind | None = None
    latency_ms: Latency | None = None
    bin: Annotated[int, Field(ge=0, le=1000)] | None = None


class ReportBatch(Frozen):
    """What one client reports at once.

    ``observations`` are what the judge reads; ``latencies_ms`` are of all predictions, for people;
    ``token`` says who posts (`tokens`), where the installation asks for that.
    """

    schema_version: Literal[1]
    model: Name
    token: Annotated[str, Field(max_length=2_048)] = ""
    observations: tuple[Observation, ...] = Field(default=(), max_length=20)
    latencies_ms: tuple[Latency, ...] = Field(default=(), max_length=100)
    problems: Mapping[Kind, Annotated[int, Field(ge=1, le=1000)]] = Field(default_factory=dict)


def counted(pointer: Pointer | None) -> frozenset[str]:
    """The versions that clients may report on."""
    if pointer is None:
        return frozenset()
    shown = {pointer.rollout.version} if pointer.rollout else set()
    return frozenset({pointer.version} | shown)


def metrics(batch: ReportBatch, versions: Collection[str], at: datetime) -> list[dict[str, Any]]:
    """MetricData of a batch.

    Args:
        batch: What a client reported.
        versions: Those that are counted; others are left out.
        at: When the batch arrived. The clients' own clocks are not asked.
    """
    data: list[dict[str, Any]] = []

    def add(name: str, by: Mapping[str, str], values: list[float], unit: str) -> None:
        named = [{"Name": key, "Value": value} for key, value in by.items()]
        base = {"MetricName": name, "Dimensions": named, "Timestamp": at, "Unit": unit}
        data.append({**base, "Values": values, "Counts": [1.0] * len(values)})

    by_version: dict[str, list[Observation]] = defaultdict(list)
    for item in batch.observations:
        if item.version in versions:
            by_version[item.version].append(item)
    for version, reported in by_version.items():
        of_version = dimensions(batch.model, version)
        errors = sum(item.outcome == "error" for item in reported)
        good = [item for item in reported if item.outcome == "ok"]
        latencies = [item.latency_ms for item in good if item.latency_ms is not None]
        bins = [float(item.bin) for item in good if item.bin is not None]
        add(REQUESTS, of_version, [float(len(reported))], "Count")
        add(ERRORS, of_version, [float(errors)], "Count")
        if latencies:
            add(LATENCY, of_version, latencies, "Milliseconds")
        if bins:
            add(BIN, of_version, bins, "None")
    if batch.latencies_ms:
        add(LATENCY, {"ModelName": batch.model}, list(batch.latencies_ms), "Milliseconds")
    for kind, times in batch.problems.items():
        of_kind = {"ModelName": batch.model, "Kind": kind}
        add(PROBLEMS, of_kind, [float(times)], "Count")
    return data
