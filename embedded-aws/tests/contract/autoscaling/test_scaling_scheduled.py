"""Scheduled actions: told, changed, fired, refused."""

from __future__ import annotations

import datetime as dt

import pytest
from customer.scaling import code_and_message
from customer.shop import soon

TIME_SCALE = 60


def test_a_scheduled_action_is_told_and_changed(aws, scaling):
    start = dt.datetime.fromtimestamp(int(aws.clock.now()) + 86_400, dt.UTC)
    end = start + dt.timedelta(days=1)
    scaling.schedule(
        schedule="cron(0 9 * * ? *)",
        bounds={"MinCapacity": 2, "MaxCapacity": 3},
        Timezone="Europe/Berlin",
        StartTime=start,
        EndTime=end,
    )
    [told] = scaling.actions()
    arn = told.pop("ScheduledActionARN")
    assert arn.endswith(f":resource/sagemaker/{scaling.resource}:scheduledActionName/plan")
    made = told.pop("CreationTime")
    assert told == {
        "ScheduledActionName": "plan",
        "Schedule": "cron(0 9 * * ? *)",
        "Timezone": "Europe/Berlin",
        "StartTime": start.astimezone(told["StartTime"].tzinfo),
        "EndTime": end.astimezone(told["EndTime"].tzinfo),
        "ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": 3},
        **scaling.scope,
    }
    scaling.client.put_scheduled_action(
        ScheduledActionName="plan", ScalableTargetAction={"MaxCapacity": 9}, **scaling.scope
    )
    [told] = scaling.actions()
    assert (told["ScheduledActionARN"], told["CreationTime"]) == (arn, made)
    assert told["ScalableTargetAction"] == {"MaxCapacity": 9}
    assert told["Schedule"] == "cron(0 9 * * ? *)"
    assert not {"StartTime", "EndTime"} & set(told)  # "the old values are deleted"
    scaling.client.delete_scheduled_action(ScheduledActionName="plan", **scaling.scope)
    assert scaling.actions() == []
    code, message = code_and_message(
        lambda: scaling.client.delete_scheduled_action(ScheduledActionName="plan", **scaling.scope)
    )
    assert (code, message.startswith("No scheduled action found")) == (
        "ObjectNotFoundException",
        True,
    )


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"schedule": "every day"}, "Invalid schedule"),
        ({"schedule": "cron(0 9 * * *)"}, "Invalid schedule"),
        ({"schedule": "at(2001-01-01T00:00:00)"}, "must be in the future"),
        ({"schedule": "cron(0 9 * * ? *)", "Timezone": "Europe/Atlantis"}, "no time zone"),
        ({"Timezone": "Europe/Berlin"}, "must not be specified for a rate"),
        ({"bounds": {"MinCapacity": 3, "MaxCapacity": 2}}, "cannot be less than minimum"),
        ({"bounds": {"MinCapacity": 0}}, "at least 1"),
        ({"EndTime": dt.datetime(2001, 1, 1, tzinfo=dt.UTC)}, "in the future"),
        (
            {
                "StartTime": dt.datetime(2100, 1, 2, tzinfo=dt.UTC),
                "EndTime": dt.datetime(2100, 1, 1, tzinfo=dt.UTC),
            },
            "later than StartTime",
        ),
    ],
)
def test_scheduled_actions_that_are_refused(scaling, more, words):
    code, message = code_and_message(lambda: scaling.schedule(**more))
    assert code == "ValidationException"
    assert words in message
    assert scaling.actions() == []


def test_a_scheduled_action_fires_and_the_capacity_follows(fresh, shop):
    fresh.schedule(schedule="rate(1 minute)", bounds={"MinCapacity": 2, "MaxCapacity": 3})
    fired = soon(lambda: [a for a in fresh.activities() if "plan" in a["Cause"]])[-1]
    assert fired["Description"] == "Setting min capacity to 2 and max capacity to 3"
    assert fired["Cause"] == "scheduled action name plan was triggered"
    assert fired["StatusCode"] == "Successful"
    assert fired["StatusMessage"] == "Successfully set min capacity to 2 and max capacity to 3"
    up = fresh.over("minimum capacity was set to 2")
    assert up["StatusCode"] == "Successful"
    assert (fresh.target()["MinCapacity"], fresh.target()["MaxCapacity"]) == (2, 3)
    fresh.client.delete_scheduled_action(ScheduledActionName="plan", **fresh.scope)
    fresh.register(1, 1)
    fresh.over("maximum capacity was set to 1")
    [row] = shop.wait(fresh.endpoint)["ProductionVariants"]
    assert row["CurrentInstanceCount"] == 1


def test_a_schedule_beyond_the_bounds_fails_and_a_suspended_one_does_nothing(fresh):
    fresh.schedule(schedule="rate(1 minute)", bounds={"MinCapacity": 9})
    failed = soon(lambda: [a for a in fresh.activities() if "plan" in a["Cause"]])[0]
    assert failed["StatusCode"] == "Failed"
    assert failed["StatusMessage"] == (
        "Failed to set min capacity to 9. Reason: Maximum capacity cannot be less than minimum "
        "capacity"
    )
    fresh.register(SuspendedState={"ScheduledScalingSuspended": True})
    fresh.schedule("late", schedule="rate(1 minute)", bounds={"MaxCapacity": 2})
    with pytest.raises(AssertionError):  # three minutes of theirs
        soon(lambda: [a for a in fresh.activities() if "late" in a["Cause"]], seconds=3.0)
    assert fresh.target()["MaxCapacity"] == 4
