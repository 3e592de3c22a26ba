"""Counts of what each variant answered, published to CloudWatch once a second.

At 500 requests a second nothing may be published per request: a request adds to a slot of
(virtual) time under a lock of its own variant, and the slots are handed over together.
"""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

from embedded_aws.clock import Clock
from embedded_aws.world import MetricSink

NAMESPACE = "AWS/SageMaker"
PER_INSTANCE = "InvocationsPerInstance"
FLUSH_SECONDS = 1.0
# Slots divide a minute, so that none lies in two periods of a one-minute metric.
SLOT_SECONDS = (1, 2, 5, 10, 15, 20, 30, 60)


def slot_width(scale: float) -> int:
    """Virtual seconds in one slot: at least a quarter of a real second, at most a minute."""
    return next((width for width in SLOT_SECONDS if width >= scale / 4), SLOT_SECONDS[-1])


def coarse(microseconds: int) -> int:
    """Rounded to three digits (error ≤ 0.5 %), so that a day of latencies has few distinct values.

    Rounding is to the nearest, so that averages are not shifted.
    """
    if microseconds < 1000:
        return microseconds
    unit: int = 10 ** (len(str(microseconds)) - 3)
    return (microseconds + unit // 2) // unit * unit


@dataclass
class Slot:
    """What happened in one slot of time."""

    invocations: int = 0
    errors_4xx: int = 0
    errors_5xx: int = 0
    model_errors: int = 0
    per_instance: Counter[float] = field(default_factory=Counter)
    model_latency: Counter[int] = field(default_factory=Counter)
    overhead: Counter[int] = field(default_factory=Counter)


class Meter:
    """Counts of one variant."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._width = slot_width(clock.scale)
        self._lock = threading.Lock()
        self._slots: dict[int, Slot] = {}
        self._busy: set[int] = set()
        self._told = 0

    def observe(self, status: int, instances: int, model_us: int | None, total_us: int) -> None:
        """Count one invocation.

        Args:
            status: What the model answered; 0 for no answer, or none in time.
            instances: Instance count of the variant.
            model_us: Microseconds that the model took; None when it could not be asked.
            total_us: Microseconds of the whole invocation.
        """
        at = int(self._clock.now() // self._width) * self._width
        overhead = coarse(total_us - (model_us or 0))
        with self._lock:
            slot = self._slots.get(at)
            if slot is None:
                slot = self._slots[at] = Slot()
                self._busy.add(at - at % 60)
            slot.invocations += 1
            slot.per_instance[1.0 / max(1, instances)] += 1
            if not 200 <= status < 300:
                slot.model_errors += 1
                if 400 <= status < 500:
                    slot.errors_4xx += 1
                else:
                    slot.errors_5xx += 1
            if model_us is not None:
                slot.model_latency[coarse(model_us)] += 1
            slot.overhead[overhead] += 1

    def take(self) -> dict[int, Slot]:
        """Hand over the slots filled since the last call, by their virtual start."""
        with self._lock:
            slots, self._slots = self._slots, {}
        return slots

    def idle(self) -> list[int]:
        """Minutes without a request that have ended since the last call, none before the first."""
        minute = int(self._clock.now() // 60) * 60
        with self._lock:
            ended = range(self._told, minute, 60) if self._told else range(0)
            idle = [one for one in ended if one not in self._busy]
            self._told = minute
            self._busy = {one for one in self._busy if one >= minute}
        return idle


class Meters:
    """The meters of all variants, and their publication.

    ``scaled`` are endpoints and variants that scale with their load: of them a minute without a
    request is published, too, as a zero. With no traffic at all they could not scale in otherwise.
    """

    def __init__(self, clock: Clock, sink: MetricSink) -> None:
        self._clock = clock
        self._sink = sink
        self._lock = threading.Lock()
        self._meters: dict[tuple[str, str], Meter] = {}
        self.scaled: frozenset[tuple[str, str]] = frozenset()

    def of(self, endpoint: str, variant: str) -> Meter:
        """The meter of a variant; an update's old and new fleet share it."""
        with self._lock:
            return self._meters.setdefault((endpoint, variant), Meter(self._clock))

    def forget(self, endpoint: str) -> None:
        """Publish what is left of a deleted endpoint and drop its meters."""
        self.flush()
        with self._lock:
            for key in [key for key in self._meters if key[0] == endpoint]:
                del self._meters[key]

    def flush(self) -> None:
        """Publish everything counted since the last flush."""
        with self._lock:
            meters = list(self._meters.items())
        for (endpoint, variant), meter in meters:
            dimensions = {"EndpointName": endpoint, "VariantName": variant}
            for at, slot in meter.take().items():
                self._publish(dimensions, at, slot)
            for minute in meter.idle():
                if (endpoint, variant) in self.scaled:
                    self._sink.record(
                        NAMESPACE, PER_INSTANCE, dimensions, [(0.0, 1.0)], "Count", float(minute)
                    )

    def _publish(self, dimensions: dict[str, str], at: int, slot: Slot) -> None:
        n = slot.invocations
        series: list[tuple[str, list[tuple[float, float]], str]] = [
            ("Invocations", [(1.0, n)], "Count"),
            (PER_INSTANCE, list(slot.per_instance.items()), "Count"),
            ("Invocation4XXErrors", _yes_no(slot.errors_4xx, n), "Count"),
            ("Invocation5XXErrors", _yes_no(slot.errors_5xx, n), "Count"),
            ("InvocationModelErrors", _yes_no(slot.model_errors, n), "Count"),
            ("ModelLatency", list(slot.model_latency.items()), "Microseconds"),
            ("OverheadLatency", list(slot.overhead.items()), "Microseconds"),
        ]
        for name, values, unit in series:
            if values:
                self._sink.record(NAMESPACE, name, dimensions, values, unit, float(at))


def _yes_no(yes: int, of: int) -> list[tuple[float, float]]:
    """Ones and zeros, so that the average of the metric is the rate."""
    return [(v, float(n)) for v, n in ((1.0, yes), (0.0, of - yes)) if n]
