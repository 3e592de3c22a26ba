"""Releases on the embedded AWS in a world that is not polite: hangs, slow hosts, shared incidents.

What the judge is told there is simulated in benchmarks/canary; here real processes do it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.release import testbed
from tasks.judge.sample_ratio import ALPHA, ALTERNATIVES, FIRST, MOST, SLACK
from tasks.release import advance, run, start_release
from tasks.release.hosting.names import variant_of
from tasks.release.journal.record import Journal
from tasks.release.observation.latency_edges import placed
from tasks.release.pages import timeline

pytestmark = pytest.mark.seconds(60)

TIME_SCALE = 120.0
MODEL = testbed.MODEL
BACK = "rolling_back"


def released(
    place: Any, version: str, once_it_has_users: Callable[[], None], **release: Any
) -> Journal:
    """Release a version; something happens in the second after its first step."""
    context = place.context(**release)
    start_release(context, MODEL, version, "ann", "weekly")
    while not ((step := advance(context, MODEL)).journal.phase == "canary" and step.journal.share):
        assert not step.ended, step.journal.verdict
        context.clock.sleep(step.wake_in)
    once_it_has_users()
    return run(context, MODEL)


def test_a_canary_whose_process_hangs_goes_back_within_a_few_windows(
    place: Any, tmp_path: Path
) -> None:
    """It has no errors and no slow answers: what it has is too few."""
    before = place.pointer().version
    hangs = tmp_path / "hangs"
    version = place.publish(turns=str(hangs), turned={"sleep": 3600.0})
    with testbed.LoadGenerator(place.aws.endpoint_url, threads=6, patience=0.4):
        journal = released(place, version, hangs.touch)
    assert journal.phase == "rolled_back", journal.verdict
    assert "far fewer requests than its share" in journal.verdict
    assert place.serves() == {variant_of(before): 1.0}
    silent = [
        p for p in journal.timeline if p.share and p.stable.requests and not p.candidate.requests
    ]
    assert len(silent) >= 2, "one window never tells it"
    # A busy machine asks less, and takes back later: what counts is that the windows told before
    # it was decided did not say enough.
    decided = next(e.at for e in journal.entries if e.kind == "phase" and e.action == BACK)
    lag = journal.spec.metrics_lag_seconds
    known = [
        min(
            p.stable.requests * math.log((1 - min(ALTERNATIVES) * p.share) / (1 - SLACK * p.share)),
            math.log(MOST),
        )
        for p in silent
        if p.at + lag <= decided
    ]
    assert known, "it was decided by what was told"
    enough = math.log(len(ALTERNATIVES) / FIRST / ALPHA)
    assert sum(known[:-2]) < enough, "the window that told it, and one that was told with it"


def test_an_incident_that_both_versions_share_rolls_nothing_back_and_rings_nothing(
    place: Any, tmp_path: Path
) -> None:
    """Two thirds of all answers fail for two minutes, whoever gives them."""
    incident = tmp_path / "incident"
    how = {"turns": str(incident), "turned": {"errors": 0.66}}
    first, second = place.publish(**how), place.publish(**how)
    with testbed.LoadGenerator(place.aws.endpoint_url, threads=4):
        assert place.release(first).phase == "done"

        def a_bad_moment() -> None:
            incident.touch()
            place.context().clock.sleep(120.0)
            incident.unlink()

        journal = released(place, second, a_bad_moment)
    assert journal.phase == "done", journal.verdict
    assert journal.latency_edges_ms != placed({}), "counted finely where the last hours were"
    rates = [p.stable.errors / p.stable.requests for p in journal.timeline if p.stable.requests]
    assert max(rates) > 0.3, "it was seen"
    history = place.aws.client("cloudwatch").describe_alarm_history(HistoryItemType="StateUpdate")
    rang = [item for item in history["AlarmHistoryItems"] if "to ALARM" in item["HistorySummary"]]
    assert [item for item in rang if second in item["AlarmName"]] == []


def test_a_host_that_is_slower_for_five_minutes_is_no_fault_of_the_version(
    place: Any, tmp_path: Path
) -> None:
    spell = tmp_path / "spell"
    first = place.publish(sleep=0.02)
    version = place.publish(sleep=0.02, turns=str(spell), turned={"sleep": 0.021})
    context = place.context()
    start_release(context, MODEL, first, "ann", "what it is compared with", direct=True)
    assert run(context, MODEL).phase == "done"
    with testbed.LoadGenerator(place.aws.endpoint_url, threads=4):

        def a_slow_spell() -> None:
            spell.touch()
            place.context().clock.sleep(300.0)
            spell.unlink()

        journal = released(place, version, a_slow_spell)
    assert journal.phase == "done", journal.verdict
    assert "one instance: what befalls its host looks like the version" in timeline.page(journal)
