"""What reconcile says of a champion that is worse than it was."""

from __future__ import annotations

import time
from typing import Any

import pytest

from benchmarks.release import testbed
from tasks.judge.monitor import Alarm, MonitorState
from tasks.release.monitoring.memory import Memory, MonitorRecord

TIME_SCALE = 120.0
MODEL = testbed.MODEL

pytestmark = pytest.mark.timeout(600)


def test_reconcile_tells_of_an_alarm_that_nobody_heard_and_of_one_it_cannot_read(
    installation: Any,
) -> None:
    from flows.reconcile import reconcile

    memory = Memory("sluice-work")
    now = testbed.context("ann", testbed.spec()).clock.now()
    alarm = Alarm(stream="errors", since=now - 600, rang=now, share=0.4, bound=0.02)
    state = MonitorState(version=installation.first, seen_until=now, alarm=alarm)
    kept = MonitorRecord(seen_until=now, told=False, state=state.model_dump(mode="json"))
    assert memory.write(MODEL, kept, "") is not None
    installation.told()
    ended = reconcile(return_state=True)
    assert ended.is_completed(), ended.message
    assert "40.0% of its answers are errors" in str(ended.message)
    assert f"Worse than it was: {MODEL} {installation.first}" in installation.told()

    body = b"not JSON"
    installation.aws.client("s3").put_object(Bucket="sluice-work", Key=memory.key(MODEL), Body=body)
    time.sleep(0.1)
    ended = reconcile(return_state=True)
    assert ended.is_failed()
    assert "Delete the object" in str(ended.message)
    installation.aws.client("s3").delete_object(Bucket="sluice-work", Key=memory.key(MODEL))
    assert reconcile(return_state=True).is_completed()
