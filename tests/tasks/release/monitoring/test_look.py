"""A champion beside its own past, on the embedded AWS: an endpoint that turns bad weeks later."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.release import testbed
from tasks.errors import AwsUnavailable, RecordUnreadable
from tasks.judge.monitor import Alarm, MonitorState, Totals, latency_edges
from tasks.release import start_release
from tasks.release.monitoring.look import PastComparison, is_due, look
from tasks.release.monitoring.memory import Memory, MonitorRecord

TIME_SCALE = 120.0
MODEL = testbed.MODEL
HOURS_AHEAD = 30
"""Thirty hours of this clock are a quarter of an hour of the machine's."""

pytestmark = [pytest.mark.timeout(900), pytest.mark.seconds(70)]


class Silent:
    """People who cannot be told."""

    def tell(self, subject: str, _text: str) -> str:
        raise AwsUnavailable(f"Publish {subject} was not answered.", "Try again.")


@pytest.fixture
def memory(place: Any) -> Memory:
    """A bucket in which four weeks of a sound service are known, whatever hour it is now."""
    s3 = place.aws.client("s3")
    if "sluice-work" not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket="sluice-work")
    kept = Memory("sluice-work")
    context = place.context()
    now = context.clock.now()
    slow = len(latency_edges()) - 20  # far above what a toy takes on a busy machine
    sound = Totals(requests=1000, errors=3, latency={slow: 1000})
    past = {
        int(now // 3600) + ahead - 168 * week: sound
        for week in range(1, 5)
        for ahead in range(-1, HOURS_AHEAD)
    }
    version = context.registry.pointer(MODEL).version
    state = MonitorState(version=version, seen_until=now, past=past)
    s3.delete_object(Bucket="sluice-work", Key=kept.key(MODEL))
    kept.write(MODEL, MonitorRecord(seen_until=now, state=state.model_dump(mode="json")), "")
    return kept


def looks(context: Any, memory: Memory, until: Any, real_seconds: float = 240.0) -> PastComparison:
    """Look whenever it is due, as the reconciler does."""
    deadline = time.monotonic() + real_seconds
    while True:
        if is_due(context, memory, MODEL):
            found = look(context, memory, MODEL)
            if until(found):
                return found
        assert time.monotonic() < deadline, "never seen"
        time.sleep(0.1)


def test_a_champion_that_turns_bad_weeks_after_its_release_is_told_once(
    place: Any, memory: Memory, tmp_path: Path
) -> None:
    switch = tmp_path / "turns"
    version = place.publish(turns=str(switch), turned={"errors": 0.5})
    with testbed.LoadGenerator(place.aws.endpoint_url, threads=4):
        assert place.release(version).phase == "done"
        place.told()
        context = place.context()
        quiet = looks(context, memory, lambda found: "As in the same hour" in found.sentence)
        assert not quiet.rings
        assert place.told() == {}
        switch.touch()
        rang = looks(context, memory, lambda found: found.rings)
        assert rang.changed
        assert "of its answers are errors" in rang.sentence
        ((subject, text),) = place.told().items()
        assert subject == f"Worse than it was: {MODEL} {version}"
        assert "rollback/manual" in text
        again = looks(context, memory, lambda found: found.rings)
        assert (again.changed, place.told()) == (False, {})
        switch.unlink()
        calm = looks(context, memory, lambda found: not found.rings)
        assert calm.changed
        assert "As in the same hour" in calm.sentence


def test_an_alarm_that_nobody_heard_is_told_by_whoever_looks_next(
    place: Any, memory: Memory, tmp_path: Path
) -> None:
    switch = tmp_path / "turns"
    version = place.publish(turns=str(switch), turned={"errors": 0.9})
    with testbed.LoadGenerator(place.aws.endpoint_url, threads=4):
        assert place.release(version).phase == "done"
        place.told()
        switch.touch()
        context = place.context()
        with pytest.raises(AwsUnavailable):
            looks(replace(context, people=Silent()), memory, lambda found: found.rings)
        kept, _ = memory.read(MODEL)
        assert kept is not None
        assert not kept.told
        assert is_due(context, memory, MODEL)
        look(context, memory, MODEL)
        assert list(place.told()) == [f"Worse than it was: {MODEL} {version}"]
        kept, _ = memory.read(MODEL)
        assert kept is not None
        assert kept.told


def test_an_alarm_of_last_week_is_no_news(place: Any, memory: Memory) -> None:
    context = place.context()
    now = context.clock.now()
    week = 7 * 86_400
    alarm = Alarm(stream="errors", since=now - week, rang=now - week, share=0.4, bound=0.02)
    version = context.registry.pointer(MODEL).version
    state = MonitorState(version=version, seen_until=now, alarm=alarm)
    kept, etag = memory.read(MODEL)
    record = MonitorRecord(seen_until=now, told=False, state=state.model_dump(mode="json"))
    assert memory.write(MODEL, record, etag) is not None
    place.told()
    assert look(context, memory, MODEL).rings
    assert place.told() == {}
    kept, _ = memory.read(MODEL)
    assert kept is not None
    assert kept.told


def test_nothing_is_looked_at_while_a_release_is_under_way(place: Any, memory: Memory) -> None:
    version = place.publish()
    context = place.context()
    start_release(context, MODEL, version, "ann", "weekly")
    assert not is_due(context, memory, MODEL)
    assert "no version serves alone" in look(context, memory, MODEL).sentence
    from tasks.release import roll_back

    roll_back(context, MODEL, "ann", "tidy")


def test_a_record_that_does_not_parse_says_how_to_mend_it(place: Any, memory: Memory) -> None:
    place.aws.client("s3").put_object(
        Bucket="sluice-work", Key=memory.key(MODEL), Body=b'{"seen_until": "soon"}'
    )
    with pytest.raises(RecordUnreadable, match="Delete the object"):
        is_due(place.context(), memory, MODEL)
    body = b'{"seen_until": 1.0, "state": {"evidence": "much"}}'
    place.aws.client("s3").put_object(Bucket="sluice-work", Key=memory.key(MODEL), Body=body)
    with pytest.raises(RecordUnreadable, match="evidence"):
        look(place.context(), memory, MODEL)


def test_of_two_that_look_at_once_the_second_leaves_it(place: Any, memory: Memory) -> None:
    class Overtaken(Memory):
        def write(self, model: str, kept: MonitorRecord, etag: str) -> str | None:
            Memory.write(self, model, MonitorRecord(seen_until=1.0, state={}), etag)
            return Memory.write(self, model, kept, etag)

    context = place.context()
    context.clock.sleep(600)
    found = look(context, Overtaken(memory.bucket), MODEL)
    assert "somebody else looked" in found.sentence
