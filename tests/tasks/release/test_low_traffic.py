"""Where few requests come: they are mirrored first, and a release that cannot end is refused."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from tasks.errors import TooFewRequests
from tasks.judge import JudgePolicy
from tasks.judge.information import seconds_to_proof
from tasks.release import run, start_release
from tasks.release.observation import traffic
from tasks.release.observation.analysis import journal_policy
from tests.tasks.release import memory
from tests.tasks.release.memory import MODEL, V2
from tests.tasks.release.test_outside import SHORT


@dataclass
class Counting:
    """The analysis in memory, with the stable version's requests in each window."""

    analysis: Any
    requests: int

    def analyse(self, journal: Any, told: Any) -> Any:
        state, ruling, points = self.analysis.analyse(journal, told)
        counted = [
            point.model_copy(
                update={"stable": point.stable.model_copy(update={"requests": self.requests})}
            )
            for point in points
        ]
        return state, ruling, tuple(counted)


def release(requests: int, **spec: Any) -> Any:
    world = memory.serving_world(release={**SHORT, "shadow_seconds": 60, **spec})
    context = world.context("ann")
    context = replace(context, analysis=Counting(context.analysis, requests))
    start_release(context, MODEL, V2, "ann", "weekly")
    return run(context, MODEL)


@pytest.mark.parametrize(
    ("requests", "spec", "said"),
    [
        (60, {"shadow_below": 2.0}, "1 requests/s are too few for a small share to tell much"),
        (0, {"shadow_below": 2.0}, "0 requests/s are too few"),
        (60, {}, "mirrored traffic first"),
    ],
)
def test_few_requests_are_mirrored_first_and_the_journal_says_so(
    requests: int, spec: dict[str, Any], said: str
) -> None:
    ended = release(requests, **spec)
    assert ended.phase == "done", ended.verdict
    [entered] = [e for e in ended.entries if e.kind == "phase" and e.action == "shadow"]
    assert said in entered.detail


def test_enough_requests_need_no_mirror() -> None:
    ended = release(6_000, shadow_below=2.0)
    assert ended.phase == "done", ended.verdict
    phases = [e.action for e in ended.entries if e.kind == "phase"]
    assert "shadow" not in phases
    [entered] = [e for e in ended.entries if e.kind == "phase" and e.action == "bring_up"]
    assert "100 requests/s need no mirror" in entered.detail


@dataclass
class Remembering:
    """A feed that knows how often the stable version was asked, by the hour and by the minute."""

    feed: Any
    hours: list[float]
    minutes: list[float]
    week: list[float] = field(default_factory=list)

    def read(self, *asked: Any) -> Any:
        return self.feed.read(*asked)

    def values(self, _subject: str, questions: Any, begin: float, end: float) -> Any:
        if [one["Id"] for one in questions] == [traffic.WEEK]:
            assert end - begin >= traffic.WEEK_SECONDS or begin == 0.0
            told = self.week or self.hours
            return {traffic.WEEK: {begin + 3600.0 * i: hour for i, hour in enumerate(told)}}
        assert {one["Id"] for one in questions} >= {traffic.HOURS, traffic.MINUTES}
        return {
            traffic.HOURS: {begin + 3600.0 * i: told for i, told in enumerate(self.hours)},
            traffic.MINUTES: {begin + 60.0 * i: told for i, told in enumerate(self.minutes)},
        }


def begun(hours: list[float], minutes: list[float], **spec: Any) -> Any:
    world = memory.serving_world(release={**SHORT, **spec})
    context = world.context("ann")
    context = replace(context, feed=Remembering(context.feed, hours, minutes))
    return world, lambda: start_release(context, MODEL, V2, "ann", "weekly")


NIGHT_AND_DAY = [60.0] * 12 + [90.0] * 12
ONE_A_MINUTE = [1.0, 2.0, 1.0, 1.0]


def test_a_canary_that_no_traffic_of_a_day_could_prove_is_refused_before_anything_is_made() -> None:
    world, start = begun(NIGHT_AND_DAY, ONE_A_MINUTE)
    before = dict(world.journals)
    with pytest.raises(TooFewRequests) as refused:
        start()
    assert f"{MODEL} is asked 2 times a minute at its busiest" in refused.value.what
    assert f"{V2} is no worse takes" in refused.value.what
    assert "release.low_traffic: run" in refused.value.next_step
    assert world.journals == before
    assert len(world.serves()) == 1


@pytest.mark.parametrize(
    ("hours", "minutes", "spec"),
    [
        (NIGHT_AND_DAY, ONE_A_MINUTE, {"low_traffic": "run"}),
        (NIGHT_AND_DAY, ONE_A_MINUTE, {"inconclusive": "ask"}),
        (NIGHT_AND_DAY, ONE_A_MINUTE, {"strategy": "blue_green"}),
        (NIGHT_AND_DAY, [*ONE_A_MINUTE, 600.0], {}),
        ([*NIGHT_AND_DAY, 36_000.0], ONE_A_MINUTE, {}),
        ([60.0] * (traffic.KNOWN_HOURS - 1), ONE_A_MINUTE, {}),
        ([], [], {}),
    ],
    ids=["told to run", "a person is asked", "nothing is compared", "traffic has just come",
         "one hour is busy", "a new service", "nothing is known"],
)  # fmt: skip
def test_it_begins_where_it_may_end(
    hours: list[float], minutes: list[float], spec: dict[str, Any]
) -> None:
    _, start = begun(hours, minutes, **spec)
    assert start().candidate.version == V2


@pytest.mark.parametrize("rate", [1.0, 10.0])
def test_the_expected_time_is_near_what_simulated_releases_take(rate: float) -> None:
    """Ten requests a second need 500 s to the last step, a fifth of them to the one before it."""
    policy = JudgePolicy()
    assert seconds_to_proof(policy, rate) == pytest.approx(4_000.0 / rate, rel=0.1)
    assert seconds_to_proof(policy, 0.0) == float("inf")
    lenient = policy.model_copy(
        update={"tolerance": policy.tolerance.model_copy(update={"latency_p99": 0.5})}
    )
    assert seconds_to_proof(lenient, rate) < seconds_to_proof(policy, rate)


@pytest.mark.parametrize(
    ("week", "demand", "demanded"),
    [
        ([360.0, 3_600.0, *NIGHT_AND_DAY], 0.8, 0.8),
        ([360.0, 3_600.0, *NIGHT_AND_DAY], 0.0, 0.0),
        ([3_600.0] * (traffic.KNOWN_HOURS - 1), 0.8, 0.0),
    ],
    ids=["a part of the peak", "nothing is asked", "a new service"],
)
def test_the_load_that_is_demanded_is_a_part_of_the_weeks_busiest_hour(
    week: list[float], demand: float, demanded: float
) -> None:
    world = memory.serving_world(release={**SHORT, "demand_load": demand, "low_traffic": "run"})
    context = world.context("ann")
    context = replace(context, feed=Remembering(context.feed, week, ONE_A_MINUTE, week))
    journal = start_release(context, MODEL, V2, "ann", "weekly")
    assert journal_policy(journal).demanded_rate == pytest.approx(demanded)
