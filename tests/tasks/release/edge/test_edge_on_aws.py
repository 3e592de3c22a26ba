"""Edge releases on the embedded AWS: users behind a CDN report, the judge moves the share."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

import pytest

from benchmarks.release import testbed
from tasks.release import advance, roll_back, start_release
from tasks.release.failsafe_alarm import handler
from tasks.release.pages import timeline

pytestmark = pytest.mark.seconds(30)

TIME_SCALE = 120.0
MODEL = testbed.MODEL


@pytest.fixture(scope="module")
def first(edge: Any) -> str:
    version = edge.publish()
    journal = edge.release(version)
    assert journal.phase == "done", journal.verdict
    assert edge.users().pointer().version == version  # as clients of the CDN see it
    return version


def test_a_good_version_is_judged_by_its_users_and_promoted(edge: Any, first: str) -> None:
    before = edge.pointer().version
    version = edge.publish()
    with edge.users() as users:
        journal = edge.release(version)
    assert journal.phase == "done", journal.verdict
    assert "Proven not worse" in journal.verdict
    assert users.pointer() == edge.pointer()
    assert (edge.pointer().version, edge.pointer().previous) == (version, before)
    assert edge.pointer().rollout is None
    assert [move.share for move in journal.moves] == [0.0, 0.4, 0.8]
    assert set(users.had) == {before, version}
    assert not users.refused
    assert sum(point.candidate.requests for point in journal.timeline) > 50
    assert edge.context().registry.history(MODEL, f"identity-{version}").status == "released"
    assert edge.aws.client("cloudwatch").describe_alarms()["MetricAlarms"] == []
    assert timeline.page(journal).count("data:image/svg+xml") == 4
    assert edge.aws.client("sagemaker").list_models()["Models"] == []


@pytest.mark.parametrize("fault", [{"errors": 0.6}, {"milliseconds": 40.0}])
def test_a_worse_version_is_withdrawn_everywhere(
    edge: Any, first: str, fault: dict[str, float]
) -> None:
    before = edge.pointer().version
    version = edge.publish()
    how = {name: {version: value} for name, value in fault.items()}
    with edge.users(**how) as users:
        journal = edge.release(version)
        assert users.pointer() == edge.pointer()
    assert journal.phase == "rolled_back", journal.verdict
    pointer = edge.pointer()
    assert (pointer.version, pointer.previous, pointer.rollback) == (before, version, True)
    assert pointer.rollout is None
    assert journal.release_id in pointer.reason
    assert users.had[version] < users.had[before]
    record = edge.context().registry.history(MODEL, f"identity-{version}")
    assert record.status == "rolled_back"


def test_a_rollback_by_hand_is_one_verb(edge: Any, first: str) -> None:
    before = edge.pointer().version
    version = edge.publish()
    with edge.users() as users:
        assert edge.release(version).phase == "done"
        back = roll_back(edge.context("bob"), MODEL, "bob", "customers complain")
        assert users.pointer() == edge.pointer()
    assert back.phase == "rolled_back"
    assert (edge.pointer().version, edge.pointer().previous) == (before, version)
    assert edge.pointer().actor == "bob"
    moved = edge.pointer()
    roll_back(edge.context("eve"), MODEL, "eve", "pressed it, too")
    assert edge.pointer() == moved


def test_an_alarm_withdraws_the_candidate_when_nobody_is_alive(edge: Any, first: str) -> None:
    before = edge.pointer().version
    version = edge.publish()
    context = edge.context("dead")
    start_release(context, MODEL, version, "ann", "weekly")
    with edge.users(errors={version: 0.9}) as users:
        while (step := advance(context, MODEL)).journal.share < 0.4:
            assert not step.ended, step.journal.verdict
            context.clock.sleep(step.wake_in)
        alarms: list[dict[str, Any]] = []
        deadline = time.monotonic() + 30
        while not alarms and time.monotonic() < deadline:
            time.sleep(0.1)
            found = edge.aws.client("cloudwatch").describe_alarms(StateValue="ALARM")
            alarms = found["MetricAlarms"]
        assert alarms, "the users' reports must ring the alarm by themselves"
        name = alarms[0]["AlarmName"]
        told = json.dumps({"AlarmName": name, "NewStateValue": "ALARM"})
        [said] = handler({"Records": [{"Sns": {"Message": told}}]})
        assert f"withdrew {version}" in said
        assert users.pointer().rollout is None  # through the CDN, with no owner alive
    assert (edge.pointer().version, edge.pointer().rollback) == (before, True)
    journal = testbed.looked_after(edge.context("reconcile"))
    assert journal.phase == "rolled_back"
    assert "failsafe alarm" in journal.verdict


def test_the_collector_takes_batches_and_nothing_else(edge: Any, first: str) -> None:
    def post(body: bytes, method: str = "POST") -> int:
        request = urllib.request.Request(edge.collector_url, body, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                assert answer.headers["Access-Control-Allow-Origin"] == "*"
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    batch = {"schema_version": 1, "model": MODEL, "latencies_ms": [1.5]}
    assert post(json.dumps(batch).encode()) == 204
    assert post(json.dumps({**batch, "model": "nobody"}).encode()) == 400
    assert post(b"{") == 400
    assert post(b"x" * 40_000) == 413
    assert post(b"", "OPTIONS") == 204
