"""AWS does not answer, even after the client's own retries: at any call for the journal."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tasks.errors import AwsUnavailable
from tasks.release import run, start_release
from tests.tasks.release import memory
from tests.tasks.release.memory import MODEL, V2
from tests.tasks.release.test_crashes import SHORT, is_settled

pytestmark = pytest.mark.seconds(20)

WAITED = 200.0
"""Longest outage, in seconds of our clock, that a run must wait out."""


@dataclass
class SilentJournals:
    """Journals that do not answer from the n-th call on, for some calls.

    A write may have happened all the same: its answer was lost.
    """

    journals: Any
    first: int
    calls: int
    acts: bool
    asked: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.journals, name)

        def call(*arguments: Any) -> Any:
            self.asked.append(name)
            silent = self.first <= len(self.asked) - 1 < self.first + self.calls
            if not silent:
                return method(*arguments)
            if self.acts:
                method(*arguments)
            raise AwsUnavailable("no answer from AWS.", "Run again.", code="InternalFailure")

        return call


def released(first: int, calls: int, acts: bool) -> tuple[Any, Any, SilentJournals]:
    """A good release in which the journal is silent for a while; the world, its end, the calls."""
    world = memory.serving_world(release=SHORT)
    start_release(world.context("a"), MODEL, V2, "ann", "weekly")
    context = world.context("a")
    silent = SilentJournals(context.journals, first, calls, acts)
    return world, run(replace(context, journals=silent), MODEL), silent


@pytest.mark.parametrize(
    ("calls", "acts"), [(1, False), (3, True)], ids=["one refused", "three answers lost"]
)
def test_a_good_release_outlives_silence_at_any_call_for_the_journal(
    calls: int, acts: bool
) -> None:
    world, ended, silent = released(10**9, 0, acts)
    is_settled(world, ended)
    for first in range(len(silent.asked)):
        world, ended, _ = released(first, calls, acts)
        assert ended.phase == "done", (first, ended.verdict)
        is_settled(world, ended)


def test_silence_without_end_is_an_error_in_the_end() -> None:
    world = memory.serving_world(release=SHORT)
    start_release(world.context("a"), MODEL, V2, "ann", "weekly")
    context = world.context("a")
    began = world.now
    with pytest.raises(AwsUnavailable, match="no answer"):
        run(replace(context, journals=SilentJournals(context.journals, 0, 10**9, False)), MODEL)
    assert world.now - began < WAITED
