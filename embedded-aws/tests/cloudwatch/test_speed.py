"""Metrics must cost next to nothing. The bounds leave room for a machine that is slow or busy."""

import random
import time

from embedded_aws.clock import Clock
from embedded_aws.cloudwatch import CloudWatch
from embedded_aws.cloudwatch.get_metric_data import get_metric_data
from embedded_aws.faults import Faults

HOUR = 3600


def filled(count):
    """An hour of two variants' latencies and requests, and the processor time of one record."""
    clock = Clock()
    service = CloudWatch(clock, Faults())
    end = clock.now()
    rng = random.Random(1)
    latencies = [rng.lognormvariate(8, 0.4) for _ in range(10_000)]
    variants = [{"EndpointName": "e", "VariantName": v} for v in ("blue", "green")]
    started = time.process_time()
    for i in range(count):
        at = end - HOUR + i * HOUR / count
        variant = variants[i & 1]
        value = latencies[i % 10_000]
        service.record("N", "Latency", variant, ((value, 1.0),), "Microseconds", at)
        service.record("N", "Requests", variant, ((1.0, 1.0),), "Count", at)
    return service, variants, end, (time.process_time() - started) / (2 * count)


def test_a_record_and_an_hour_of_queries_are_cheap():
    service, variants, end, per_record = filled(100_000)
    assert per_record < 50e-6, "the aim is 10 µs"
    stats = ["p50", "p90", "p99", "tm99", "Average", "Sum", "SampleCount", "TC(5000:10000)",
             "PR(:3000)", "wm95"]  # fmt: skip
    queries = [
        {
            "Id": f"q{i}_{j}_{metric.lower()}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "N",
                    "MetricName": metric,
                    "Dimensions": [{"Name": k, "Value": v} for k, v in variant.items()],
                },
                "Period": 60,
                "Stat": stat,
            },
        }
        for i, stat in enumerate(stats)
        for j, variant in enumerate(variants)
        for metric in ("Latency", "Requests")
    ]
    assert len(queries) == 40
    asked = {"MetricDataQueries": queries, "StartTime": end - HOUR, "EndTime": end}
    started = time.process_time()
    answer = get_metric_data(service.store, asked, end, "", "")
    took = time.process_time() - started
    assert sum(len(r["Values"]) for r in answer["MetricDataResults"]) >= 40 * 60
    assert took < 0.3, "the aim is 50 ms"
