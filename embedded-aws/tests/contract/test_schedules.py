"""Rules of EventBridge fire by their schedules, and only where something can be delivered."""

import datetime as dt
import json
import time
import uuid
from itertools import pairwise

import pytest
from botocore.exceptions import ClientError

from embedded_aws import EmbeddedAws

TIME_SCALE = 120
QUIET = 1.5  # real seconds: three minutes of theirs


@pytest.fixture(scope="module")
def events(aws):
    return aws.client("events")


@pytest.fixture
def name():
    return f"rule-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def queue(aws, name):
    return Queue(aws.client("sqs"), name)


class Queue:
    def __init__(self, sqs, name):
        self._sqs = sqs
        self._url = sqs.create_queue(QueueName=name)["QueueUrl"]
        told = sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=["QueueArn"])
        self.arn = told["Attributes"]["QueueArn"]

    def bodies(self):
        """What has come since the last look."""
        told = self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10)
        for message in told.get("Messages", []):
            self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in told.get("Messages", [])]

    def wait(self, count=1):
        found, deadline = [], time.monotonic() + 30
        while len(found) < count:
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
            found += self.bodies()
        return found

    def is_quiet(self):
        self.bodies()
        time.sleep(QUIET)
        return self.bodies() == []


@pytest.fixture
def rule(events, name):
    """Makes the test's own rule, with targets."""

    def put(expression, *targets, **more):
        settings = {"ScheduleExpression": expression} if expression else {}
        arn = events.put_rule(Name=name, **settings, **more)["RuleArn"]
        if targets:
            events.put_targets(
                Rule=name, Targets=[{"Id": str(i), **target} for i, target in enumerate(targets)]
            )
        return arn

    yield put
    ids = [target["Id"] for target in events.list_targets_by_rule(Rule=name)["Targets"]]
    if ids:
        events.remove_targets(Rule=name, Ids=ids)
    events.delete_rule(Name=name)


def moment(body):
    return dt.datetime.strptime(body["time"], "%Y-%m-%dT%H:%M:%S%z").timestamp()


def test_a_rate_fires_again_and_again(aws, rule, queue):
    before = aws.clock.now()
    arn = rule("rate(2 minutes)", {"Arn": queue.arn})
    bodies = [json.loads(body) for body in queue.wait(3)]
    ids = {body.pop("id") for body in bodies}
    assert len(ids) == len(bodies)
    told = sorted(map(moment, bodies))
    assert {later - earlier for earlier, later in pairwise(told)} == {120}
    assert before + 119 <= told[0] <= aws.clock.now()
    for body in bodies:
        del body["time"]
        assert body == {
            "version": "0",
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": "123456789012",
            "region": "us-east-1",
            "resources": [arn],
            "detail": {},
        }


def test_a_cron_fires_at_its_minutes(rule, queue):
    rule("cron(0/2 * * * ? *)", {"Arn": queue.arn})
    told = sorted(moment(json.loads(body)) for body in queue.wait(2))
    assert {at % 120 for at in told} == {0}
    assert {later - earlier for earlier, later in pairwise(told)} == {120}


def test_a_schedule_reaches_topics_and_log_groups(aws, rule, queue, name):
    sns, logs = aws.client("sns"), aws.client("logs")
    topic = sns.create_topic(Name=name)["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue.arn)
    logs.create_log_group(logGroupName=name)
    group = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"][0]["arn"]
    rule("rate(1 minute)", {"Arn": group.removesuffix(":*")}, {"Arn": topic})
    envelope = json.loads(queue.wait()[0])
    assert json.loads(envelope["Message"])["detail-type"] == "Scheduled Event"
    told = logs.filter_log_events(logGroupName=name, filterPattern='{ $.source = "aws.events" }')[
        "events"
    ]
    assert told


def test_a_target_gets_what_it_asks_for(aws, rule, queue, name):
    second, third = (Queue(aws.client("sqs"), f"{name}-{i}") for i in range(2))
    transformer = {"InputPathsMap": {"w": "$.time"}, "InputTemplate": '{"when": "<w>"}'}
    arn = rule(
        "rate(1 minute)",
        {"Arn": queue.arn, "Input": '{"do": "it"}'},
        {"Arn": second.arn, "InputPath": "$.resources"},
        {"Arn": third.arn, "InputTransformer": transformer},
    )
    assert json.loads(queue.wait()[0]) == {"do": "it"}
    assert json.loads(second.wait()[0]) == [arn]
    when = json.loads(third.wait()[0])["when"]
    assert abs(moment({"time": when}) - aws.clock.now()) < 3600


def test_disabled_changed_and_deleted_rules(events, rule, queue, name):
    rule("rate(1 minute)", {"Arn": queue.arn})
    queue.wait()
    events.disable_rule(Name=name)
    assert queue.is_quiet()
    events.enable_rule(Name=name)
    queue.wait()
    rule("rate(1 day)")
    assert queue.is_quiet()
    rule("rate(1 minute)", State="DISABLED")
    assert queue.is_quiet()
    rule("rate(1 minute)")
    queue.wait()
    events.remove_targets(Rule=name, Ids=["0"])
    events.delete_rule(Name=name)
    assert queue.is_quiet()
    rule("rate(1 day)")


def test_a_changed_rule_counts_from_its_change(aws, rule, queue):
    rule("rate(3 minutes)", {"Arn": queue.arn})
    time.sleep(1)
    changed = aws.clock.now()
    rule("rate(3 minutes)", Description="changed")
    at = 0.0
    while at < changed:
        at = min(moment(json.loads(body)) for body in queue.wait())
    assert at >= changed + 179


def test_a_schedule_is_no_pattern(events, rule, queue):
    """An event that somebody sends is none of a rule that has only a schedule."""
    rule("rate(1 day)", {"Arn": queue.arn})
    events.put_events(Entries=[{"Source": "shop", "DetailType": "x", "Detail": "{}"}])
    assert queue.bodies() == []


def test_a_rule_with_a_pattern(events, rule, queue, name):
    rule(None, {"Arn": queue.arn}, EventPattern=json.dumps({"source": [name]}))
    entry = {"Source": name, "DetailType": "x", "Detail": '{"a": 1}', "Resources": ["r"]}
    events.put_events(Entries=[entry])
    body = json.loads(queue.wait()[0])
    assert (body["account"], body["detail"], body["resources"]) == ("123456789012", {"a": 1}, ["r"])
    assert body["time"].endswith("Z")
    events.disable_rule(Name=name)
    events.put_events(Entries=[entry])
    assert queue.bodies() == []


@pytest.mark.parametrize(
    "expression", ["rate(5 minute)", "rate(1 minutes)", "cron(0 10 * * * *)", "cron(nonsense)"]
)
def test_an_expression_that_is_none_is_refused(events, expression):
    with pytest.raises(ClientError) as caught:
        events.put_rule(Name="refused", ScheduleExpression=expression)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert error["Message"] == "Parameter ScheduleExpression is not valid."
    assert "refused" not in {r["Name"] for r in events.list_rules()["Rules"]}


@pytest.mark.parametrize(
    "target",
    [
        "arn:aws:lambda:us-east-1:123456789012:function:f",
        "arn:aws:states:us-east-1:123456789012:stateMachine:s",
        "arn:aws:ecs:us-east-1:123456789012:cluster/c",
        "arn:aws:events:us-east-1:123456789012:api-destination/a/1",
    ],
)
def test_a_target_that_nothing_can_be_delivered_to_is_refused(events, rule, name, target):
    rule("rate(1 day)")
    with pytest.raises(ClientError) as caught:
        events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": target}])
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert error["Message"].endswith(f"event buses only, not to {target}.")
    assert events.list_targets_by_rule(Rule=name)["Targets"] == []


def test_of_several_in_one_process_one_fires_a_rule(aws, rule, queue, name):
    with EmbeddedAws(time_scale=TIME_SCALE, time_epoch=aws.clock.epoch) as other:
        other.client("events").put_rule(Name=name, ScheduleExpression="rate(1 minute)")
        rule("rate(1 minute)", {"Arn": queue.arn})
        told = [json.loads(body)["time"] for body in queue.wait(4)]
    assert len(set(told)) == len(told)
