"""What CloudWatch is told of asynchronous endpoints: their documented metrics, and no others.

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-monitor.html
"""

from __future__ import annotations

from embedded_aws.clock import Clock
from embedded_aws.hosting.meters import NAMESPACE
from embedded_aws.world import MetricSink

GAUGE_SECONDS = 10.0
"""Virtual seconds between two looks at a queue."""
GAUGE_REAL_SECONDS = (0.25, 5.0)


def gauge_interval(scale: float) -> float:
    """Real seconds between two looks."""
    low, high = GAUGE_REAL_SECONDS
    return max(low, min(high, GAUGE_SECONDS / scale))


def moments(before: float | None, now: float) -> list[float]:
    """When a look counts: now, and in each minute that has begun unseen since the one before."""
    if before is None:
        return [now]
    first = (int(before) // 60 + 1) * 60
    return [*(float(one) for one in range(first, int(now) // 60 * 60, 60)), now]


class Gauge:
    """The queue of one endpoint, as it is looked at again and again.

    Args:
        clock: Virtual clock.
        sink: CloudWatch.
        endpoint: Name of the endpoint.
    """

    def __init__(self, clock: Clock, sink: MetricSink, endpoint: str) -> None:
        self._clock = clock
        self._sink = sink
        self._dimensions = {"EndpointName": endpoint}
        self._before: float | None = None

    def look(self, size: int, oldest: float | None, instances: int) -> None:
        """Publish how the queue stands.

        Args:
            size: Invocations that wait or are being processed.
            oldest: When the oldest of them was received; None for none.
            instances: Instances behind the endpoint. With none, one would have all of it to do:
                that is what an endpoint without instances scales out by.
        """
        now = self._clock.now()
        series = {
            "ApproximateBacklogSize": (float(size), "Count"),
            "ApproximateAgeOfOldestRequest": (
                0.0 if oldest is None else max(0.0, now - oldest),
                "Seconds",
            ),
            "HasBacklogWithoutCapacity": (float(size > 0 and instances == 0), "Count"),
            "ApproximateBacklogSizePerInstance": (size / max(1, instances), "Count"),
        }
        for moment in moments(self._before, now):
            for name, (value, unit) in series.items():
                self._sink.record(NAMESPACE, name, self._dimensions, [(value, 1.0)], unit, moment)
        self._before = now


class Measures:
    """What became of the invocations of one variant.

    Args:
        sink: CloudWatch.
        endpoint: Name of the endpoint.
        variant: Name of the variant.
    """

    def __init__(self, sink: MetricSink, endpoint: str, variant: str) -> None:
        self._sink = sink
        self._dimensions = {"EndpointName": endpoint, "VariantName": variant}

    def begun(self, waited: float) -> None:
        """An invocation has left the queue after so many virtual seconds."""
        self._record("TimeInBacklog", waited * 1e6, "Microseconds")

    def downloaded(self, seconds: float) -> None:
        """Its payload was read from S3 in so many real seconds."""
        self._record("RequestDownloadLatency", seconds * 1e6, "Microseconds")

    def answered(self, status: int, seconds: float) -> None:
        """The model has answered, or (status 0) not in time."""
        self._record("ModelLatency", seconds * 1e6, "Microseconds")
        good = 200 <= status < 300
        theirs = 400 <= status < 500
        self._record("Invocation4XXErrors", float(theirs), "Count")
        self._record("Invocation5XXErrors", float(not good and not theirs), "Count")

    def uploaded(self, seconds: float) -> None:
        """Its response was stored in so many real seconds."""
        self._record("ResponseUploadLatency", seconds * 1e6, "Microseconds")

    def ended(self, seconds: float, *, failed: bool) -> None:
        """It is over, so many virtual seconds after it was received."""
        self._record("InvocationsProcessed", 1.0, "Count")
        self._record("InvocationFailures", float(failed), "Count")
        self._record("TotalProcessingTime", seconds * 1e3, "Milliseconds")

    def expired(self) -> None:
        """Its time to live was over before it was begun."""
        self.failed("ExpiredRequests")
        self.failed("InvocationFailures")

    def failed(self, name: str) -> None:
        """Count one failure under this name."""
        self._record(name, 1.0, "Count")

    def _record(self, name: str, value: float, unit: str) -> None:
        self._sink.record(NAMESPACE, name, self._dimensions, [(value, 1.0)], unit)
