"""A machine whose clock is wrong takes no living owner's release away, and misses no dead one's."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from benchmarks.release import testbed
from tasks.release import advance, reconcile, roll_back, start_release

MODEL = testbed.MODEL
TIME_SCALE = 60.0
HOUR = 3600.0


@dataclass(frozen=True)
class Wrong:
    """A clock that is wrong by so many seconds."""

    right: Any
    by: float

    def now(self) -> float:
        return float(self.right.now() + self.by)

    def sleep(self, seconds: float) -> None:
        self.right.sleep(seconds)


@pytest.fixture
def owner(place: Any) -> Iterator[Any]:
    """Who releases a version, and has just shown it to some users."""
    context = place.context("ann")
    version = place.publish()
    start_release(context, MODEL, version, "ann", "weekly")
    deadline = time.monotonic() + 60.0
    while advance(context, MODEL).journal.share == 0.0:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    yield context
    stored = context.journals.read(MODEL)
    if not stored.journal.ended:
        roll_back(place.context("tidy"), MODEL, "tidy", "the test has ended")


def test_an_hour_ahead_is_no_reason_to_take_over(place: Any, owner: Any) -> None:
    other = place.context("skewed")
    report = reconcile(replace(other, clock=Wrong(other.clock, HOUR)), MODEL, 20.0)
    assert report.state == "alive"
    journal = owner.journals.read(MODEL).journal
    assert (journal.owner, journal.order) == (owner.owner, None)


def test_an_hour_behind_is_no_reason_to_wait(place: Any, owner: Any) -> None:
    other = place.context("skewed")
    behind = replace(other, clock=Wrong(other.clock, -HOUR))
    assert reconcile(behind, MODEL, 20.0).state == "alive"
    time.sleep((owner.lease_seconds + 5.0) / TIME_SCALE)  # and its owner says nothing more
    assert reconcile(behind, MODEL, 600.0).state != "alive"
    journal = owner.journals.read(MODEL).journal
    assert journal.order is not None
    assert "its lease ran out" in str(journal.entries)
