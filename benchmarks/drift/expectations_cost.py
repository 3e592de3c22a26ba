"""What Great Expectations themselves cost on the evidence of 20 columns."""

from __future__ import annotations

import time

import numpy as np

from benchmarks.drift.table import Row
from benchmarks.drift.world import Week, counts
from tasks.drift import compare


def table() -> list[Row]:
    """First and later validations in one context, without Data Docs."""
    random = np.random.default_rng(0)
    report = compare(
        counts(random, 10_000, Week(), "a"), counts(random, 10_000, Week().shifted(0.3), "b")
    )
    start = time.process_time()
    import great_expectations as gx

    import_seconds = time.process_time() - start
    from tasks.drift.reports.expectations import validate_drift

    context = gx.get_context(mode="ephemeral")
    seconds = []
    for _ in range(5):
        start = time.process_time()
        validate_drift(report, "drift", context)
        seconds.append(time.process_time() - start)
    return [
        Row("Great Expectations: import", "stated", f"{import_seconds:.1f} CPU s"),
        Row("… 20 drift expectations, first / later", "stated",
            f"{seconds[0]:.2f} / {min(seconds[1:]):.2f} CPU s"),
    ]  # fmt: skip
