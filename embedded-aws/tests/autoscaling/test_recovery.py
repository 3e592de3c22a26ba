"""Killed at any write, scaling goes on where it was: nothing forgotten, nothing left half done."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest

from embedded_aws.autoscaling.clockwork import Clockwork
from embedded_aws.autoscaling.fleet import Fleet
from embedded_aws.autoscaling.ledger import Ledger
from embedded_aws.autoscaling.model import IN_PROGRESS
from embedded_aws.autoscaling.policies import Policies
from embedded_aws.autoscaling.scaler import Scaler
from embedded_aws.autoscaling.scheduled import Scheduled
from embedded_aws.autoscaling.targets import Targets
from embedded_aws.clock import Clock
from embedded_aws.cloudwatch import CloudWatch
from embedded_aws.faults import Faults
from embedded_aws.protocol.service import AwsFault

NAME = "endpoint/e/variant/main"
TRACKING = {
    "TargetValue": 10.0,
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    },
}


class KilledError(BaseException):
    """The process ends here."""


class StoppedClock:
    """Goes only when it is told to."""

    scale = 1.0

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def now(self):
        return self.time

    def real_seconds(self, seconds):
        return seconds


class Disk:
    """Records that outlive a process; at a write it may be killed, before or after."""

    def __init__(self) -> None:
        self.records: dict[tuple[str, str], object] = {}
        self.writes = 0
        self.kill_at = (0, "")

    def put(self, kind, name, value):
        with_it = self._write()
        if with_it != "before":
            self.records[kind, name] = copy.deepcopy(value)
        if with_it:
            raise KilledError

    def drop(self, kind, name):
        with_it = self._write()
        if with_it != "before":
            self.records.pop((kind, name), None)
        if with_it:
            raise KilledError

    def all(self, kind):
        found = sorted((name, v) for (k, name), v in self.records.items() if k == kind)
        return [copy.deepcopy(value) for _, value in found]

    def _write(self):
        self.writes += 1
        number, when = self.kill_at
        return when if self.writes == number else ""


class Host:
    """One endpoint whose counts change when it is told to settle."""

    def __init__(self) -> None:
        self.count, self.wanted = 1, 1
        self.status = "InService"
        self.asked = 0

    def actions(self):
        return {
            "DescribeEndpoint": self._describe,
            "UpdateEndpointWeightsAndCapacities": self._update,
            "DescribeEndpointConfig": lambda _params: {"ProductionVariants": []},
        }

    def recovering(self):
        return []

    def scaled(self, variants):
        self.variants = variants

    def settle(self):
        self.count, self.status = self.wanted, "InService"

    def _describe(self, params):
        if params["EndpointName"] != "e" or self.status == "gone":
            raise AwsFault("ValidationException", "Could not find endpoint.")
        rows = [{"VariantName": "main", "CurrentInstanceCount": self.count}]
        return {"EndpointStatus": self.status, "ProductionVariants": rows}

    def _update(self, params):
        if self.status != "InService":
            raise AwsFault("ValidationException", "Cannot update in-progress endpoint.")
        [row] = params["DesiredWeightsAndCapacities"]
        self.wanted, self.status = row["DesiredInstanceCount"], "Updating"
        self.asked += 1


class Room:
    """Scaling without its thread; another one opens the same disk after a kill."""

    def __init__(self, disk, host, cloudwatch, clock) -> None:
        world = SimpleNamespace(
            clock=clock, records=disk, region="us-east-1", account_id="123456789012"
        )
        self.clock, self.host = clock, host
        self.events: list[object] = []
        self.ledger = Ledger(disk)
        fleet = Fleet(host)
        scaler = Scaler(
            clock, self.ledger, fleet, cloudwatch, lambda *told: self.events.append(told)
        )
        self.policies = Policies(world, self.ledger, cloudwatch)
        self.targets = Targets(world, self.ledger, fleet, scaler, self.policies)
        self.scheduled = Scheduled(world, self.ledger, fleet)
        self.clockwork = Clockwork(clock, self.ledger, scaler, self.targets.sweep)
        self.policies.make_whole()

    def run(self, minutes=10):
        for _ in range(minutes):
            self.clock.time += 30
            self.clockwork.look()
            self.host.settle()
            self.clock.time += 30
            self.clockwork.look()


def scenario(room):
    """A person sets scaling up; a plan raises the bounds; an alarm asks for more."""
    room.targets.register({"ResourceId": NAME, "MinCapacity": 2, "MaxCapacity": 6})
    room.policies.put(
        {
            "ResourceId": NAME,
            "PolicyName": "track",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": TRACKING,
        }
    )
    room.scheduled.put(
        {
            "ResourceId": NAME,
            "ScheduledActionName": "plan",
            "Schedule": "rate(3 minutes)",
            "ScalableTargetAction": {"MinCapacity": 3, "MaxCapacity": 5},
        }
    )
    room.run()


def writes_of_the_scenario():
    clock, disk = StoppedClock(), Disk()
    scenario(Room(disk, Host(), CloudWatch(clock, Faults(Clock())), clock))
    return disk.writes


WRITES = writes_of_the_scenario()


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("number", range(1, WRITES + 1))
def test_after_a_kill_it_goes_on(number, when):
    clock, disk, host = StoppedClock(), Disk(), Host()
    cloudwatch = CloudWatch(clock, Faults(Clock()))
    disk.kill_at = (number, when)
    room = Room(disk, host, cloudwatch, clock)
    with pytest.raises(KilledError):
        scenario(room)
    before = disk.writes
    room = Room(disk, host, cloudwatch, clock)
    room.run(3)
    assert disk.writes >= before
    # Whoever was not answered asks again; that must come to the same.
    scenario(room)
    [target] = room.ledger.targets.values()
    assert (target.low, target.high, target.owed) == (3, 5, False)
    assert (host.count, host.status) == (3, "InService")
    assert not [a for a in room.ledger.activities() if a.status == IN_PROGRESS]
    assert {a.status for a in room.ledger.activities() if a.after} == {"Successful"}
    [policy] = room.ledger.policies.values()
    alarms = {alarm.name for alarm in cloudwatch.alarm_store.all()}
    assert alarms == set(policy.alarms.values())
    # What is on the disk is what is in memory.
    again = Ledger(disk)
    assert again.targets == room.ledger.targets
    assert again.policies == room.ledger.policies
    assert again.actions == room.ledger.actions
    assert sorted(a.id for a in again.activities()) == sorted(
        a.id for a in room.ledger.activities()
    )


def test_the_scenario_is_long_enough_to_be_killed_in():
    assert WRITES > 10


def test_an_activity_that_was_kept_and_not_sent_is_sent_by_the_next_process():
    clock, disk, host = StoppedClock(), Disk(), Host()
    cloudwatch = CloudWatch(clock, Faults(Clock()))
    # The target, then the activity; the process ends before SageMaker is asked.
    disk.kill_at = (2, "after")
    with pytest.raises(KilledError):
        Room(disk, host, cloudwatch, clock).targets.register(
            {"ResourceId": NAME, "MinCapacity": 2, "MaxCapacity": 6}
        )
    assert host.asked == 0
    room = Room(disk, host, cloudwatch, clock)
    assert [a.status for a in room.ledger.activities()] == [IN_PROGRESS]
    room.run(2)
    assert (host.count, host.asked) == (2, 1)
    [activity] = room.ledger.activities()
    assert activity.status == "Successful"


def test_an_alarm_that_a_killed_process_had_still_to_delete_is_deleted():
    clock, disk, host = StoppedClock(), Disk(), Host()
    cloudwatch = CloudWatch(clock, Faults(Clock()))
    room = Room(disk, host, cloudwatch, clock)
    scenario(room)
    disk.kill_at = (disk.writes + 1, "after")
    with pytest.raises(KilledError):
        room.policies.put(
            {
                "ResourceId": NAME,
                "PolicyName": "track",
                "TargetTrackingScalingPolicyConfiguration": {**TRACKING, "DisableScaleIn": True},
            }
        )
    assert len(cloudwatch.alarm_store.all()) == 2
    Room(disk, host, cloudwatch, clock)
    [alarm] = cloudwatch.alarm_store.all()
    assert "AlarmHigh" in alarm.name


def test_targets_whose_endpoint_went_while_nothing_ran_are_let_go():
    clock, disk, host = StoppedClock(), Disk(), Host()
    cloudwatch = CloudWatch(clock, Faults(Clock()))
    scenario(Room(disk, host, cloudwatch, clock))
    host.status = "gone"
    room = Room(disk, host, cloudwatch, clock)
    room.clockwork.look()
    assert not room.ledger.targets
    assert not room.ledger.policies
    assert not room.ledger.actions
    assert not cloudwatch.alarm_store.all()
    assert host.variants == frozenset()
    assert room.ledger.activities()  # told for six weeks


def test_a_plan_that_was_missed_while_nothing_ran_is_made_up_for_once():
    clock, disk, host = StoppedClock(), Disk(), Host()
    cloudwatch = CloudWatch(clock, Faults(Clock()))
    scenario(Room(disk, host, cloudwatch, clock))
    clock.time += 86_400
    room = Room(disk, host, cloudwatch, clock)
    told = len(room.ledger.activities())
    room.clockwork.look()
    room.clockwork.look()
    assert len(room.ledger.activities()) == told + 1


def test_six_weeks_are_told():
    clock, disk, host = StoppedClock(), Disk(), Host()
    room = Room(disk, host, CloudWatch(clock, Faults(Clock())), clock)
    scenario(room)
    old = {a.id for a in room.ledger.activities()}
    clock.time += 43 * 86_400
    room.run(4)
    kept = {a.id for a in room.ledger.activities()}
    assert kept
    assert not kept & old
    assert {name for kind, name in disk.records if kind == "autoscaling.activity"} == kept
