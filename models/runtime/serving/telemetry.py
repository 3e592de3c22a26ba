"""What the server counts, and how it tells: Prometheus text and CloudWatch metrics.

Values are counted into fixed bins while serving; a background thread publishes the difference of
each period, so that a window costs a handful of numbers whatever the traffic.
"""

from __future__ import annotations

import os
import threading
import time
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

LATENCY_STEP = 10 ** (1 / 12)
"""Latency bins are twelve to a decade: a bin's middle is at most 10 % off."""
LATENCY_EDGES_MS = tuple(0.05 * LATENCY_STEP**k for k in range(72))
PROMETHEUS_EDGES_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0)


@dataclass(frozen=True)
class Counts:
    """Totals since the server started."""

    answered: int
    rejected: int
    failed: int
    latency_seconds: float
    predictions: tuple[int, ...]
    latencies: tuple[int, ...]
    turned_away: int = 0


class Telemetry:
    """Thread-safe counters.

    Args:
        edges: Inner edges of the prediction bins, ascending.
        model: Name that the Prometheus series carry.
    """

    def __init__(self, edges: Sequence[float], model: str = "model") -> None:
        self.edges = tuple(float(edge) for edge in edges)
        self._model = model
        self._lock = threading.Lock()
        self._answered = self._rejected = self._failed = self._turned_away = 0
        self._seconds = 0.0
        self._predictions = [0] * (len(self.edges) + 1)
        self._latencies = [0] * (len(LATENCY_EDGES_MS) + 1)

    def answered(self, scores: Sequence[float], seconds: float) -> None:
        """A request that got its predictions, one score each."""
        latency = bisect_right(LATENCY_EDGES_MS, seconds * 1000)
        bins = [bisect_right(self.edges, score) for score in scores]
        with self._lock:
            self._answered += 1
            self._seconds += seconds
            self._latencies[latency] += 1
            for index in bins:
                self._predictions[index] += 1

    def rejected(self) -> None:
        """A request that could not be read (4xx)."""
        with self._lock:
            self._rejected += 1

    def turned_away(self) -> None:
        """A request that found too many others waiting (503)."""
        with self._lock:
            self._turned_away += 1

    def failed(self) -> None:
        """A request that the model could not answer (500)."""
        with self._lock:
            self._failed += 1

    def counts(self) -> Counts:
        """Totals as of now, consistent with one another."""
        with self._lock:
            return Counts(
                self._answered,
                self._rejected,
                self._failed,
                self._seconds,
                tuple(self._predictions),
                tuple(self._latencies),
                self._turned_away,
            )

    def prometheus(self) -> str:
        """Prometheus text format 0.0.4."""
        now = self.counts()
        label = f'model="{self._model}"'
        lines = ["# TYPE sluice_requests_total counter"]
        lines += [
            f'sluice_requests_total{{{label},outcome="{outcome}"}} {count}'
            for outcome, count in (
                ("answered", now.answered),
                ("rejected", now.rejected),
                ("failed", now.failed),
                ("turned_away", now.turned_away),
            )
        ]
        lines.append("# TYPE sluice_predictions_total counter")
        lines += [
            f'sluice_predictions_total{{{label},bin="{index}"}} {count}'
            for index, count in enumerate(now.predictions)
        ]
        lines.append("# TYPE sluice_request_seconds histogram")
        for edge in PROMETHEUS_EDGES_S:
            below = sum(now.latencies[: bisect_right(LATENCY_EDGES_MS, edge * 1000)])
            lines.append(f'sluice_request_seconds_bucket{{{label},le="{edge:g}"}} {below}')
        lines += [
            f'sluice_request_seconds_bucket{{{label},le="+Inf"}} {now.answered}',
            f"sluice_request_seconds_sum{{{label}}} {now.latency_seconds:.6f}",
            f"sluice_request_seconds_count{{{label}}} {now.answered}",
            "# TYPE process_resident_memory_bytes gauge",
            f"process_resident_memory_bytes {resident_bytes()}",
        ]
        return "\n".join(lines) + "\n"


@dataclass
class Publisher:
    """Publishes each period's counts to CloudWatch, from a thread of its own.

    Every metric goes out with the dimensions (ModelName, VariantName), and PredictionLatency and
    MemoryUsage once more with ModelName alone. Nothing that goes wrong here may reach a request:
    a failed period is kept and published with the next.
    """

    telemetry: Telemetry
    namespace: str
    dimensions: tuple[tuple[str, str], ...]
    period: float = 10.0
    time_scale: float = 1.0
    time_epoch: float = 0.0
    client: Any = None
    _done: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _published: Counts | None = None

    def start(self) -> None:
        """Start the thread."""
        self._published = self.telemetry.counts()
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Publish what is left, and end."""
        self._done.set()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def publish(self) -> None:
        """Publish what came since the last time."""
        now = self.telemetry.counts()
        data = self.data(self._published, now, self._now())
        if self.client is None:
            import boto3

            self.client = boto3.client("cloudwatch")
        self.client.put_metric_data(Namespace=self.namespace, MetricData=data)
        self._published = now

    def data(self, before: Counts | None, now: Counts, at: float) -> list[dict[str, Any]]:
        """The MetricData of one period.

        Args:
            before: Totals when the period began; None when the server started.
            now: Totals at its end.
            at: Unix time on the installation's clock, in seconds.
        """
        old = before or Counts(0, 0, 0, 0.0, (0,) * len(now.predictions), (0,) * len(now.latencies))
        bins = {
            float(index): count - was
            for index, (count, was) in enumerate(zip(now.predictions, old.predictions, strict=True))
        }
        milliseconds = {
            _middle(index): count - was
            for index, (count, was) in enumerate(zip(now.latencies, old.latencies, strict=True))
        }
        memory = {float(resident_bytes()): 1}
        model_wide = tuple(pair for pair in self.dimensions if pair[0] == "ModelName")
        return [
            self._datum(name, unit, values, dimensions, at)
            for name, unit, values, dimensions in (
                ("PredictionBin", "None", bins, self.dimensions),
                ("PredictionLatency", "Milliseconds", milliseconds, self.dimensions),
                ("PredictionLatency", "Milliseconds", milliseconds, model_wide),
                ("MemoryUsage", "Bytes", memory, self.dimensions),
                ("MemoryUsage", "Bytes", memory, model_wide),
            )
            if any(values.values())
        ]

    def _datum(
        self,
        name: str,
        unit: str,
        values: Mapping[float, int],
        dimensions: tuple[tuple[str, str], ...],
        at: float,
    ) -> dict[str, Any]:
        counts = {value: count for value, count in values.items() if count}
        return {
            "MetricName": name,
            "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions],
            "Timestamp": datetime.fromtimestamp(at, tz=UTC),
            "Values": list(counts),
            "Counts": [float(count) for count in counts.values()],
            "Unit": unit,
            "StorageResolution": 1,
        }

    def _run(self) -> None:
        over = False
        while not over:
            over = self._done.wait(self.period / self.time_scale)
            try:
                self.publish()
            except Exception as error:  # noqa: BLE001 - telemetry must never end the server
                print(f"metrics were not published: {type(error).__name__}: {error}", flush=True)

    def _now(self) -> float:
        real = time.time()
        return self.time_epoch + (real - self.time_epoch) * self.time_scale


def publisher_from(environment: Mapping[str, str], telemetry: Telemetry) -> Publisher | None:
    """The publisher that the environment asks for; None when it names no namespace or region."""
    namespace = environment.get("SLUICE_METRICS_NAMESPACE", "")
    region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
    if not namespace or not (region or environment.get("AWS_ENDPOINT_URL")):
        return None
    os.environ.setdefault("AWS_DEFAULT_REGION", region or "us-east-1")
    pairs = (
        ("ModelName", environment.get("SLUICE_MODEL", "model")),
        ("VariantName", environment.get("SLUICE_VARIANT", "")),
    )
    return Publisher(
        telemetry=telemetry,
        namespace=namespace,
        dimensions=tuple(pair for pair in pairs if pair[1]),
        period=float(environment.get("SLUICE_METRICS_SECONDS", "10")),
        time_scale=float(environment.get("SLUICE_TIME_SCALE", "1")),
        time_epoch=float(environment.get("SLUICE_TIME_EPOCH", "0")),
    )


def resident_bytes() -> int:
    """Memory that this process holds, in bytes; 0 where the system does not tell."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _middle(index: int) -> float:
    """Geometric middle of a latency bin, in milliseconds."""
    edge = LATENCY_EDGES_MS[min(index, len(LATENCY_EDGES_MS) - 1)]
    return round(edge / LATENCY_STEP**0.5 if index < len(LATENCY_EDGES_MS) else edge, 4)
