"""The deadline came before a proof, and a person is asked: what their answer begins, and ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest

from benchmarks.release import testbed
from tasks.release import ReleaseContext, advance, answer, run, start_release
from tasks.release.hosting.names import variant_of
from tasks.release.journal.record import Journal, Ruling
from tests.tasks.release import memory
from tests.tasks.release.memory import MODEL, V1, V2
from tests.tasks.release.test_outside import SHORT

TIME_SCALE = 120.0
ASKING: dict[str, Any] = {**SHORT, "inconclusive": "ask", "watch_seconds": 600}


@dataclass
class Undecided:
    """An analysis that proves nothing at the first step; in the watch it says what it is told."""

    analysis: Any
    in_watch: str

    def analyse(self, journal: Journal, counts: Sequence[Any]) -> Any:
        state, ruling, points = self.analysis.analyse(journal, counts)
        if journal.phase == "watching" and points:
            ruling = Ruling(action=self.in_watch, reason=f"the watch says {self.in_watch}")
        elif journal.step >= 0:
            ruling = Ruling(action="inconclusive", reason="the deadline came before the proof")
        return state, ruling, points


def asked(in_watch: str = "hold") -> tuple[Any, ReleaseContext, Journal]:
    """A world in which the deadline has come, and the question with it."""
    world = memory.serving_world(release=ASKING)
    context = world.context("ann")
    context = replace(context, analysis=Undecided(context.analysis, in_watch))
    start_release(context, MODEL, V2, "ann", "weekly")
    journal = run_until_asked(context)
    shares = world.serves()
    assert shares[variant_of(V1)] > shares[variant_of(V2)] > 0, "it stays while a person decides"
    return world, context, journal


def run_until_asked(context: ReleaseContext) -> Journal:
    while True:
        step = advance(context, MODEL)
        assert not step.ended, step.journal.verdict
        if step.waiting_for == "inconclusive":
            return step.journal
        context.clock.sleep(step.wake_in)


def seconds_in(journal: Journal, phase: str) -> float:
    """How long the release stood in a phase, on its own clock."""
    entries = [entry for entry in journal.entries if entry.kind in {"phase", "ended"}]
    [place] = [i for i, entry in enumerate(entries) if entry.action == phase]
    return entries[place + 1].at - entries[place].at


@pytest.mark.parametrize("in_watch", ["hold", "inconclusive", "step"])
def test_a_yes_is_followed_by_the_whole_watch(in_watch: str) -> None:
    world, context, journal = asked(in_watch)
    answer(context, journal, "inconclusive", granted=True, by="eve", note="few ask")
    ended = run(context, MODEL)
    assert ended.phase == "done", ended.verdict
    assert seconds_in(ended, "watching") >= ASKING["watch_seconds"]
    assert ended.verdict == f"{V2} serves alone: eve (few ask) decided it without a proof."
    assert world.serves() == {variant_of(V2): 1.0}


def test_a_watch_that_ends_with_a_proof_says_so() -> None:
    _, context, journal = asked("promote")
    answer(context, journal, "inconclusive", granted=True, by="eve")
    ended = run(context, MODEL)
    assert ended.phase == "done"
    assert ended.verdict == f"{V2} serves alone: the watch says promote"


def test_what_is_found_in_the_watch_is_undone_whoever_said_yes() -> None:
    world, context, journal = asked("rollback")
    answer(context, journal, "inconclusive", granted=True, by="eve")
    ended = run(context, MODEL)
    assert ended.phase == "rolled_back"
    assert "the watch says rollback" in ended.verdict
    assert world.serves() == {variant_of(V1): 1.0}


@pytest.mark.parametrize("answered", [True, False])
def test_a_no_and_silence_put_the_stable_version_back(answered: bool) -> None:
    world, context, journal = asked()
    if answered:
        answer(context, journal, "inconclusive", granted=False, by="eve", note="wait for Monday")
    ended = run(context, MODEL)
    assert ended.phase == "rolled_back"
    assert ("eve: wait for Monday" if answered else "no answer in time") in ended.verdict
    assert world.serves() == {variant_of(V1): 1.0}


def test_with_the_real_judge_and_few_requests(place: Any) -> None:
    version = place.publish()
    spec = {"inconclusive": "ask", "deadline_seconds": 600, "watch_seconds": 240}
    context = place.context(**spec, tolerance={"errors": 0.01})
    start_release(context, testbed.MODEL, version, "ann", "weekly")
    with testbed.LoadGenerator(place.aws.endpoint_url, threads=1, pause=0.2) as load:
        while (step := advance(context, testbed.MODEL)).waiting_for != "inconclusive":
            assert not step.ended, step.journal.verdict
            context.clock.sleep(step.wake_in)
        answer(context, step.journal, "inconclusive", granted=True, by="eve", note="few ask")
        ended = run(context, testbed.MODEL)
    assert ended.phase == "done", ended.verdict
    assert seconds_in(ended, "watching") >= spec["watch_seconds"]
    assert load.failed == 0
