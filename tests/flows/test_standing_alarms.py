"""The standing alarms as flows and the reconciler keep them."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.release import testbed
from deployments.reconciler import ALARMS_REAL_SECONDS, alarms_as_wanted
from tasks.release.standing.requests import composite_name, names, part_name

TIME_SCALE = 120.0
MODEL = testbed.MODEL

pytestmark = pytest.mark.timeout(600)


def standing(installation: Any) -> set[str]:
    found = installation.aws.client("cloudwatch").describe_alarms(
        AlarmNamePrefix="sluice-standing-", AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    return {one["AlarmName"] for one in found["MetricAlarms"] + found["CompositeAlarms"]}


WANTED = set(names(MODEL)) - {part_name(MODEL, "accuracy")}
"""The toy model tells a number: its error has no bound of its own."""


def test_reconcile_makes_them_and_brings_back_what_a_person_deletes(installation: Any) -> None:
    from flows.reconcile import reconcile

    cloudwatch = installation.aws.client("cloudwatch")
    ended = reconcile(return_state=True)
    assert ended.is_completed(), ended.message
    assert f"{MODEL}: standing alarms made memory, errors, " in str(ended.message)
    assert standing(installation) == WANTED
    cloudwatch.delete_alarms(AlarmNames=[composite_name(MODEL)])
    cloudwatch.delete_alarms(AlarmNames=[part_name(MODEL, "endpoint")])
    ended = reconcile(return_state=True)
    assert f"{MODEL}: standing alarms made endpoint, {MODEL}'s own" in str(ended.message)
    assert standing(installation) == WANTED


def test_the_reconciler_keeps_them_a_minute_apart_and_sweeps(
    installation: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    now = [0.0]
    chore = alarms_as_wanted(clock=lambda: now[0])
    chore()
    cloudwatch = installation.aws.client("cloudwatch")
    cloudwatch.put_composite_alarm(AlarmName=composite_name("gone"), AlarmRule="FALSE")
    cloudwatch.delete_alarms(AlarmNames=[composite_name(MODEL)])
    chore()
    assert composite_name(MODEL) not in standing(installation)
    now[0] += ALARMS_REAL_SECONDS
    chore()
    assert standing(installation) == WANTED
    said = capsys.readouterr().out
    assert f"{MODEL}: standing alarms made {MODEL}'s own" in said
    assert "gone: standing alarms removed gone's own: the model is gone" in said


def test_a_model_in_trouble_is_told_and_stops_no_other(installation: Any) -> None:
    from tasks import settings
    from tasks.errors import SluiceError

    models = settings.settings().models_dir
    broken = models / "broken"
    broken.mkdir()
    (broken / "model.yaml").write_text("name: [")
    installation.aws.client("cloudwatch").delete_alarms(AlarmNames=[composite_name(MODEL)])
    try:
        with pytest.raises((RuntimeError, SluiceError), match="broken"):
            alarms_as_wanted(clock=lambda: 0.0)()
    finally:
        (broken / "model.yaml").unlink()
        broken.rmdir()
    assert standing(installation) == WANTED


def test_a_rollback_moves_them_to_the_version_that_serves(installation: Any) -> None:
    from flows.release import release
    from flows.rollback import rollback

    def watched() -> str:
        [alarm] = installation.aws.client("cloudwatch").describe_alarms(
            AlarmNames=[part_name(MODEL, "endpoint")]
        )["MetricAlarms"]
        return str(alarm["AlarmDescription"]).split(":")[0]

    second = installation.publish()
    with testbed.LoadGenerator(installation.aws.endpoint_url, threads=3):
        ended = release(MODEL, second, "a test", return_state=True)
    assert ended.name == "Completed", ended.message
    assert watched() == f"{MODEL} {second}"
    back = rollback(MODEL, "a test", return_state=True)
    assert back.is_completed(), back.message
    assert watched() == f"{MODEL} {installation.first}"
