"""A process that releases is killed with SIGKILL in each phase; reconcile brings the right end.

Here one write of each phase; ``python -m benchmarks.release.kill_matrix`` does every write.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.release import testbed
from benchmarks.release.fork_server import ForkServer
from benchmarks.release.kill_matrix import LEASE, Bench

pytestmark = pytest.mark.seconds(60)

TIME_SCALE = 120.0
BAD = {"errors": 0.9}


@pytest.fixture(scope="module")
def bench(place: Any) -> Iterator[Bench]:
    with ForkServer({**os.environ, **testbed.environment(place.aws)}) as fork_server:
        yield Bench(place.aws, fork_server, place.folder, place.number, place.first)


@pytest.mark.parametrize(
    ("phase", "write", "when", "how", "end"),
    [
        ("planned", 0, "after", {}, "rolled_back"),
        ("bring_up", 6, "before", {}, "rolled_back"),  # SageMaker has begun the update
        ("health_check", 1, "after", {}, "rolled_back"),
        ("canary", 4, "before", {}, "rolled_back"),  # the weights have moved
        ("promoting", 4, "before", {}, "done"),  # the pointer has moved, nobody wrote it down
        ("watching", 0, "after", {}, "done"),
        ("retiring", 3, "before", {}, "done"),
        ("rolling_back", 2, "before", BAD, "rolled_back"),
    ],
)
def test_a_killed_release_is_ended_and_no_request_fails(
    bench: Bench, phase: str, write: int, when: str, how: dict[str, Any], end: str
) -> None:
    with testbed.LoadGenerator(bench.aws.endpoint_url, threads=2, pause=0.015) as load:
        died, found = bench.kill(write, when, phase, how)
    assert died["signal"] == signal.SIGKILL, died
    assert died["phase"] == phase
    journal, seconds = found
    print(f"killed at {died}: {journal.phase} after {seconds:.1f} s, lease {LEASE / TIME_SCALE} s")
    assert journal.phase == end
    assert load.broken == []
    assert {status for status, _ in load.answers} <= ({200, 424} if how else {200})
