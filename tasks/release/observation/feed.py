"""Windows of counts from CloudWatch. Thin: what to ask and what it means is in `windows`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tasks.aws import asking, client
from tasks.clock import Clock, utc
from tasks.release.journal.record import Journal
from tasks.release.observation import captures, windows
from tasks.release.ports import WindowCounts

MOST_QUERIES = 500


@dataclass(frozen=True)
class CloudWatchFeed:
    """Metrics of both versions, on an endpoint or at the edge, by window."""

    clock: Clock

    def read(
        self,
        journal: Journal,
        spans: Sequence[tuple[float, float]],
        queries: Sequence[Mapping[str, Any]],
    ) -> Sequence[WindowCounts]:
        """See `ports.Feed.read`."""
        if not spans:
            return ()
        values = self.values(journal.endpoint or journal.model, queries, spans[0][0], spans[-1][1])
        complete = windows.complete(journal, values, spans, self.clock.now())
        return [captures.paired(journal, window) for window in complete]

    def values(
        self, subject: str, queries: Sequence[Mapping[str, Any]], begin: float, end: float
    ) -> Mapping[str, Mapping[float, float]]:
        """See `ports.Feed.values`."""
        values: dict[str, dict[float, float]] = defaultdict(dict)
        for first in range(0, len(queries), MOST_QUERIES):
            with asking(f"GetMetricData {subject}"):
                pages = client("cloudwatch").get_paginator("get_metric_data")
                for page in pages.paginate(
                    MetricDataQueries=queries[first : first + MOST_QUERIES],
                    StartTime=utc(begin),
                    EndTime=utc(end),
                    ScanBy="TimestampAscending",
                ):
                    for result in page["MetricDataResults"]:
                        known = values[result["Id"]]
                        for at, value in zip(result["Timestamps"], result["Values"], strict=True):
                            known[at.timestamp()] = value
        return values
