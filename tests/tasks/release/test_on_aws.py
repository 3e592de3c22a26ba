"""Releases on the embedded AWS: real serving processes, real metrics, real alarms, under load."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.release import testbed
from tasks.errors import ReleaseFrozen, ReleaseInProgress
from tasks.release import advance, answer, failsafe_alarm, reconcile, roll_back, run, start_release
from tasks.release.hosting.names import variant_of
from tasks.release.pages import timeline

pytestmark = pytest.mark.seconds(70)

TIME_SCALE = 120.0
MODEL = testbed.MODEL
LONG_ENOUGH = 14_400
"""Seconds of mirrored traffic, for a machine that answers slowly: it is pairs that matter."""


@pytest.fixture(autouse=True)
def _no_release_left(place: Any) -> Iterator[None]:
    """What a test leaves half way is its own failure, not that of those after it."""
    yield
    stored = place.context().journals.read(MODEL)
    if stored is not None and not stored.journal.ended:
        place.aws.faults.clear()
        roll_back(place.context("tidy"), MODEL, "tidy", "the test has ended")


def alone(version: str) -> dict[str, float]:
    return {variant_of(version): 1.0}


def test_a_good_version_is_promoted_and_no_request_fails(place: Any) -> None:
    before = place.pointer().version
    version = place.publish()
    with testbed.LoadGenerator(place.aws.endpoint_url) as load:
        journal = place.release(version)
    assert journal.phase == "done", journal.verdict
    assert "Proven not worse" in journal.verdict
    assert place.serves() == alone(version)
    pointer = place.pointer()
    assert (pointer.version, pointer.previous, pointer.rollback) == (version, before, False)
    assert load.failed == 0, (load.answers, load.broken[:3])
    assert {who for _, who in load.answers} == {before, version}
    assert place.context().registry.history(MODEL, f"identity-{version}").status == "released"
    names = [m["ModelName"] for m in place.aws.client("sagemaker").list_models()["Models"]]
    assert sorted(names) == sorted([journal.stable.model_name, journal.candidate.model_name])
    page = timeline.page(journal)
    assert page.count("data:image/svg+xml") == 4
    assert version in page


def test_a_failing_version_is_rolled_back_and_the_reason_is_kept(place: Any) -> None:
    before = place.pointer()
    version = place.publish(errors=0.6)
    with testbed.LoadGenerator(place.aws.endpoint_url) as load:
        journal = place.release(version)
    assert journal.phase == "rolled_back"
    assert place.serves() == alone(before.version)
    assert place.pointer() == before  # it never named the bad version
    assert not load.broken
    assert {status for status, _ in load.answers} == {200, 424}
    record = place.context().registry.history(MODEL, f"identity-{version}")
    assert (record.status, record.version) == ("rolled_back", version)
    mail = place.told()[f"Rolled back: {MODEL} {version}"]
    assert mail.endswith(f"Now serving: {before.version}.")
    alarms = place.aws.client("cloudwatch").describe_alarms()["MetricAlarms"]
    assert alarms == []


def test_a_slow_version_is_found_by_the_judge(place: Any) -> None:
    before = place.pointer().version
    version = place.publish(sleep=0.15)
    with testbed.LoadGenerator(place.aws.endpoint_url, threads=6):
        journal = place.release(version, tolerance={"errors": 0.3})
    assert journal.phase == "rolled_back"
    assert "latency" in journal.verdict
    assert place.serves() == alone(before)


def test_a_version_that_does_not_start_never_takes_traffic(place: Any) -> None:
    before = place.pointer().version
    version = place.publish(dies=True)
    with testbed.LoadGenerator(place.aws.endpoint_url, threads=1) as load:
        journal = place.release(version)
    assert journal.phase == "rolled_back"
    assert "ping" in journal.verdict
    assert load.failed == 0
    assert {who for _, who in load.answers} == {before}
    assert place.serves() == alone(before)


def until_retiring(context: Any) -> None:
    """Go on until the old version is about to go; a release that ends before says why."""
    while (step := advance(context, MODEL)).journal.phase != "retiring":
        assert not step.ended, step.journal.verdict
        time.sleep(0.02)


def test_a_silent_rollback_of_the_last_update_is_noticed_and_tried_again(place: Any) -> None:
    version = place.publish()
    context = place.context()
    start_release(context, MODEL, version, "ann", "weekly")
    with testbed.LoadGenerator(place.aws.endpoint_url):
        until_retiring(context)
        place.aws.faults.add(kind="silent_rollback", times=1)
        journal = run(context, MODEL)
    assert journal.phase == "done", journal.verdict
    assert place.serves() == alone(version)
    assert max(journal.accepted.values()) == 2


def test_an_update_that_never_holds_freezes_and_a_rollback_thaws(place: Any) -> None:
    before = place.pointer().version
    version = place.publish()
    context = place.context()
    start_release(context, MODEL, version, "ann", "weekly")
    with testbed.LoadGenerator(place.aws.endpoint_url) as load:
        until_retiring(context)
        place.aws.faults.add(kind="silent_rollback", times=3)
        journal = run(context, MODEL)
        assert journal.phase == "mismatch"
        assert "rolled back silently" in journal.verdict
        assert f"to_version={before}" in journal.recovery
        assert journal.recovery in place.told()[f"Frozen: {MODEL} {version}"]
        with pytest.raises(ReleaseFrozen, match="rolled back silently"):
            start_release(context, MODEL, place.publish(), "ann", "next week")
        assert reconcile(context, MODEL).state == "frozen"
        back = roll_back(place.context("bob"), MODEL, "bob", "put it back")
    assert back.phase == "rolled_back"
    assert load.failed == 0
    assert place.serves() == alone(before)
    pointer = place.pointer()
    assert (pointer.version, pointer.rollback, pointer.actor) == (before, True, "bob")
    assert pointer.reason == "put it back"


def test_the_native_guardrail_ends_in_the_same_state(place: Any) -> None:
    version = place.publish()
    with testbed.LoadGenerator(place.aws.endpoint_url) as load:
        journal = place.release(version, strategy="blue_green")
    assert journal.phase == "done", journal.verdict
    assert place.serves() == alone(version)
    assert place.pointer().version == version
    assert load.failed == 0


def test_the_native_guardrail_rolls_back_by_its_alarm_and_we_notice(place: Any) -> None:
    # Which of three guards comes first is a race: the alarm, our look at what runs, or our own
    # question to the candidate, which the load may have made it fail already.
    before = place.pointer().version
    version = place.publish(errors=0.9)
    with testbed.LoadGenerator(place.aws.endpoint_url):
        journal = place.release(version, strategy="blue_green", watch_seconds=600)
    assert journal.phase == "rolled_back", journal.verdict
    guards = ("rolled back silently", "alarm", "is not healthy")
    assert any(guard in journal.verdict for guard in guards), journal.verdict
    assert place.serves() == alone(before)
    assert place.pointer().version == before


def test_shadow_judges_mirrored_traffic_before_any_user_is_served(place: Any) -> None:
    before = place.pointer().version
    version = place.publish(errors=0.9)
    with testbed.LoadGenerator(place.aws.endpoint_url) as load:
        journal = place.release(version, shadow_seconds=LONG_ENOUGH)
    assert journal.phase == "rolled_back"
    assert journal.moves == ()
    assert load.failed == 0
    assert {who for _, who in load.answers} == {before}


def test_mirrored_answers_are_compared_in_pairs_and_forgotten(place: Any) -> None:
    bins = tuple(round(-1.6 + 0.2 * step, 1) for step in range(17))
    judged = {"prediction_bins": bins, "shadow_seconds": LONG_ENOUGH}
    chosen = random.Random(1)
    asked = [json.dumps({"instances": [[chosen.gauss(0, 1)]]}).encode() for _ in range(500)]
    s3 = place.aws.client("s3")
    s3.create_bucket(Bucket="sluice-work")
    # The version before counts into no bins, so the first one is compared without predictions.
    first = start_release(
        place.context(**judged), MODEL, place.publish(add=0.0), "ann", "first", direct=True
    )
    assert run(place.context(**judged), MODEL).phase == "done"
    before = first.candidate.version
    with testbed.LoadGenerator(place.aws.endpoint_url, bodies=asked) as load:
        shifted = place.release(place.publish(add=0.5), **judged)
        assert shifted.phase == "rolled_back"
        assert "predictions" in shifted.verdict
        assert shifted.moves == ()
        assert {who for _, who in load.answers} == {before}
        same = place.publish(add=0.0)
        context = place.context(**judged)
        begun = start_release(context, MODEL, same, "ann", "weekly")
        pairs: list[dict[str, Any]] = []
        while sum(pair["pairs"] for pair in pairs) <= 100:
            assert advance(context, MODEL).journal.phase in {"planned", "bring_up", "shadow"}
            told = context.journals.windows(MODEL, begun.release_id)
            pairs = [window["shadow"] for window in told if "shadow" in window]
        assert all(tuple(pair["predictions"]) == (0, 0) for pair in pairs)
        roll_back(context, MODEL, "bob", "seen enough")
    assert load.failed == 0
    assert s3.list_objects_v2(Bucket="sluice-work", Prefix="captures/")["KeyCount"] == 0


def test_a_person_is_asked_and_silence_means_no(place: Any) -> None:
    before = place.pointer().version
    version = place.publish()
    context = place.context(approval="before_canary", approval_seconds=60)
    start_release(context, MODEL, version, "ann", "weekly")
    while (step := advance(context, MODEL)).waiting_for is None:
        pass
    assert step.waiting_for == "before_canary"
    assert "No answer means no." in place.told()[f"Approval needed: {MODEL} {version}"]
    assert run(context, MODEL).phase == "rolled_back"
    assert place.serves() == alone(before)

    asked = start_release(context, MODEL, version, "ann", "again")
    while advance(context, MODEL).waiting_for is None:
        pass
    answered = answer(context, asked, "before_canary", granted=True, by="eve", note="go")
    assert answered.approvals["before_canary"].by == "eve"
    run(context, MODEL, seconds=10.0)
    assert roll_back(context, MODEL, "bob", "stop").phase == "rolled_back"


def test_the_failsafe_alarm_moves_the_traffic_without_an_owner(place: Any) -> None:
    before = place.pointer().version
    version = place.publish()
    dead = place.context("dead")
    start_release(dead, MODEL, version, "ann", "weekly")
    with testbed.LoadGenerator(place.aws.endpoint_url, threads=2) as load:
        while advance(dead, MODEL).journal.share == 0.0:
            time.sleep(0.02)
        alarm = {
            "AlarmName": f"sluice-release-{MODEL}-{variant_of(version)}-errors",
            "NewStateValue": "ALARM",
        }
        said = failsafe_alarm.handler({"Records": [{"Sns": {"Message": json.dumps(alarm)}}]})
        assert said
        assert "ordered the rollback" in said[0]
        deadline = time.monotonic() + 5
        while place.serves()[variant_of(version)] != 0.0:
            assert time.monotonic() < deadline
        journal = testbed.looked_after(place.context("reconcile"))
    assert journal.phase == "rolled_back"
    assert "failsafe alarm" in journal.verdict
    assert load.failed == 0
    assert place.serves() == alone(before)
    assert (
        failsafe_alarm.handler({"Records": [{"body": json.dumps({"Message": json.dumps(alarm)})}]})
        == []
    )


def test_a_dead_owner_and_a_bad_candidate_end_without_prefect(place: Any) -> None:
    """The whole chain: CloudWatch alarm, topic, queue, a process of its own, the weights."""
    before = place.pointer().version
    version = place.publish(errors=0.9)
    url = place.queue("failsafe-alarm")
    dead = place.context("dead", max_error_rate=0.05, window_seconds=60)
    start_release(dead, MODEL, version, "ann", "weekly")
    watcher = subprocess.Popen(
        [sys.executable, "-m", failsafe_alarm.__name__, url],
        env={**os.environ, **testbed.environment(place.aws)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        with testbed.LoadGenerator(place.aws.endpoint_url, threads=2) as load:
            while advance(dead, MODEL).journal.share == 0.0:
                time.sleep(0.02)
            began = dead.clock.now()  # the owner dies here
            while place.serves()[variant_of(version)] != 0.0:
                assert dead.clock.now() < began + 7200, "nobody moved the traffic"
                time.sleep(0.05)
            took = dead.clock.now() - began
        assert "ordered the rollback" in watcher.stdout.readline()
    finally:
        watcher.kill()
        watcher.communicate()
    print(f"the traffic was moved {took:.0f} s after the owner died")
    assert not load.broken
    journal = testbed.looked_after(place.context("reconcile"))
    assert journal.phase == "rolled_back"
    assert place.serves() == alone(before)


def test_two_releases_in_the_same_second_exactly_one_runs(place: Any) -> None:
    versions = [place.publish(), place.publish()]
    won: list[str] = []
    refused: list[str] = []

    def start(version: str) -> None:
        try:
            start_release(place.context(f"owner-{version}"), MODEL, version, "ann", "storm")
            won.append(version)
        except ReleaseInProgress:
            refused.append(version)

    people = [threading.Thread(target=start, args=(version,)) for version in versions]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert (len(won), len(refused)) == (1, 1)
    assert roll_back(place.context("bob"), MODEL, "bob", "that will do").phase == "rolled_back"
