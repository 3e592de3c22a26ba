"""CloudWatch alarms by plain boto3, against the documented behaviour."""

import json
import time
import uuid

import pytest

TIME_SCALE = 120.0
ABOVE = "GreaterThanThreshold"


@pytest.fixture
def name():
    return f"alarm-{uuid.uuid4().hex[:12]}"


@pytest.fixture(scope="module")
def topic(aws):
    """A topic, and a function that gives the messages of one alarm."""
    sns, sqs = aws.client("sns"), aws.client("sqs")
    arn = sns.create_topic(Name="alerts")["TopicArn"]
    url = sqs.create_queue(QueueName="alerts")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=queue["QueueArn"])
    seen = []

    def messages(alarm):
        for message in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            envelope = json.loads(message["Body"])
            seen.append((envelope["Subject"], json.loads(envelope["Message"])))
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [(subject, body) for subject, body in seen if body["AlarmName"] == alarm]

    return arn, messages


def put_alarm(cloudwatch, name, namespace="N", **more):
    settings = {
        "Namespace": namespace, "MetricName": "errors", "Statistic": "Sum", "Period": 10,
        "EvaluationPeriods": 1, "Threshold": 5.0, "ComparisonOperator": ABOVE, **more,
    }  # fmt: skip
    cloudwatch.put_metric_alarm(
        AlarmName=name, **{k: v for k, v in settings.items() if v is not None}
    )


def put_value(cloudwatch, namespace, value):
    cloudwatch.put_metric_data(
        Namespace=namespace,
        MetricData=[{"MetricName": "errors", "Value": value, "StorageResolution": 1}],
    )


def describe(cloudwatch, name):
    both = ["MetricAlarm", "CompositeAlarm"]
    answer = cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=both)
    [alarm] = answer["MetricAlarms"] + answer["CompositeAlarms"]
    return alarm


def wait(what, seconds=60):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := what():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen in time")


def wait_for(cloudwatch, name, state):
    return wait(lambda: (a := describe(cloudwatch, name))["StateValue"] == state and a)


def alarmed(cloudwatch, name):
    """The newest state ALARM in the history; None when there is none yet."""
    history = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")
    states = [json.loads(item["HistoryData"])["newState"] for item in history["AlarmHistoryItems"]]
    return next((state for state in states if state["stateValue"] == "ALARM"), None)


def test_an_alarm_goes_off_and_calms_down(aws, cloudwatch, name, topic):
    arn, messages = topic
    put_alarm(cloudwatch, name, namespace=name, TreatMissingData="notBreaching",
              AlarmActions=[arn], OKActions=[arn])  # fmt: skip
    wait_for(cloudwatch, name, "OK")
    [change] = cloudwatch.describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")[
        "AlarmHistoryItems"
    ]
    assert json.loads(change["HistoryData"])["oldState"]["stateValue"] == "INSUFFICIENT_DATA"
    put_value(cloudwatch, name, 10.0)
    # One period of alarm is over in a moment here: the history keeps what a look may miss.
    state = wait(lambda: alarmed(cloudwatch, name))
    assert state["stateReason"].startswith("Threshold Crossed: 1 datapoint [10")
    assert state["stateReasonData"]["recentDatapoints"] == [10.0]
    alarm = wait_for(cloudwatch, name, "OK")
    assert alarm["StateTransitionedTimestamp"] == alarm["StateUpdatedTimestamp"]
    told = wait(lambda: len(found := messages(name)) >= 3 and found)
    assert [body["NewStateValue"] for _, body in told] == ["OK", "ALARM", "OK"]
    subject, body = told[1]
    assert subject == f'ALARM: "{name}" in US East (N. Virginia)'
    assert body["OldStateValue"] == "OK"
    assert body["Trigger"]["MetricName"] == "errors"
    assert body["Trigger"]["Threshold"] == 5.0
    assert aws.world.alarms.alarm_state(name) == "OK"


def test_an_alarm_on_metric_math(cloudwatch, name):
    metric = {"Namespace": name, "MetricName": "errors"}
    stat = {"Metric": metric, "Period": 10, "Stat": "Sum"}
    put_alarm(
        cloudwatch, name, None, MetricName=None, Statistic=None, Period=None,
        Metrics=[{"Id": "m", "MetricStat": stat, "ReturnData": False},
                 {"Id": "e", "Expression": "FILL(m, 0) * 2", "ReturnData": True}],
    )  # fmt: skip
    wait_for(cloudwatch, name, "OK")
    put_value(cloudwatch, name, 3.0)
    wait_for(cloudwatch, name, "ALARM")


def test_a_composite_alarm(cloudwatch, name, topic):
    arn, messages = topic
    one, other = f"{name}-1", f"{name}-2"
    for part in (one, other):
        put_alarm(cloudwatch, part, namespace=part, TreatMissingData="ignore")
    rule = f'ALARM("{one}") AND NOT ALARM({other})'
    cloudwatch.put_composite_alarm(AlarmName=name, AlarmRule=rule, AlarmActions=[arn])
    assert describe(cloudwatch, name)["AlarmRule"] == rule
    wait_for(cloudwatch, name, "OK")
    cloudwatch.set_alarm_state(AlarmName=one, StateValue="ALARM", StateReason="test")
    wait_for(cloudwatch, name, "ALARM")
    _, body = wait(lambda: messages(name))[0]
    assert body["AlarmRule"] == rule
    children = cloudwatch.describe_alarms(ChildrenOfAlarmName=name)["MetricAlarms"]
    assert {c["AlarmName"] for c in children} == {one, other}
    parents = cloudwatch.describe_alarms(ParentsOfAlarmName=one)["CompositeAlarms"]
    assert [p["AlarmName"] for p in parents] == [name]
    cloudwatch.set_alarm_state(AlarmName=other, StateValue="ALARM", StateReason="test")
    wait_for(cloudwatch, name, "OK")


def test_composites_that_cannot_be_are_refused(cloudwatch, name):
    put_alarm(cloudwatch, name)
    for rule in (f"ALARM({name}-gone)", f"ALARM({name}", "ALARM()", f"ALARM({name}-top)"):
        with pytest.raises(cloudwatch.exceptions.ClientError) as caught:
            cloudwatch.put_composite_alarm(AlarmName=f"{name}-top", AlarmRule=rule)
        assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_an_action_that_fails_stands_in_the_history(cloudwatch, name):
    action = "arn:aws:lambda:us-east-1:123456789012:function:f"
    put_alarm(cloudwatch, name, TreatMissingData="ignore", AlarmActions=[action])
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")

    def history():
        items = cloudwatch.describe_alarm_history(AlarmName=name, ScanBy="TimestampAscending")
        return [(i["HistoryItemType"], i["HistorySummary"]) for i in items["AlarmHistoryItems"]]

    wait(lambda: len(history()) == 3)
    assert history() == [
        ("ConfigurationUpdate", f'Alarm "{name}" created'),
        ("StateUpdate", "Alarm updated from INSUFFICIENT_DATA to ALARM"),
        ("Action", f"Failed to execute action {action}"),
    ]


def test_a_state_change_is_an_event_on_the_default_bus(aws, cloudwatch, name):
    events, sqs = aws.client("events"), aws.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]
    pattern = {
        "source": ["aws.cloudwatch"], "detail-type": ["CloudWatch Alarm State Change"],
        "detail": {"alarmName": [name]},
    }  # fmt: skip
    events.put_rule(Name=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": queue["QueueArn"]}])
    put_alarm(cloudwatch, name, TreatMissingData="ignore")
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")
    [message] = wait(lambda: sqs.receive_message(QueueUrl=url).get("Messages"))
    event = json.loads(message["Body"])
    assert event["resources"] == [describe(cloudwatch, name)["AlarmArn"]]
    assert event["detail"]["state"]["value"] == "ALARM"
    assert event["detail"]["previousState"]["value"] == "INSUFFICIENT_DATA"
    metric = event["detail"]["configuration"]["metrics"][0]["metricStat"]["metric"]
    assert metric == {"namespace": "N", "name": "errors", "dimensions": {}}


def test_describe_alarms_by_all_that_it_knows(cloudwatch, name):
    action = f"arn:aws:sns:us-east-1:123456789012:{name}"
    for i in range(3):
        put_alarm(cloudwatch, f"{name}-{i}", TreatMissingData="ignore", OKActions=[action])
    cloudwatch.put_composite_alarm(AlarmName=f"{name}-top", AlarmRule="FALSE")
    cloudwatch.set_alarm_state(AlarmName=f"{name}-1", StateValue="ALARM", StateReason="x")

    def found(**asked):
        answer = cloudwatch.describe_alarms(**asked)
        both = answer["MetricAlarms"] + answer["CompositeAlarms"]
        return [a["AlarmName"].removeprefix(name) for a in both]

    assert found(AlarmNamePrefix=name) == ["-0", "-1", "-2"]
    assert found(AlarmNamePrefix=name, AlarmTypes=["CompositeAlarm"]) == ["-top"]
    assert found(AlarmNamePrefix=name, StateValue="ALARM") == ["-1"]
    assert found(AlarmNames=[f"{name}-2", "no such alarm"]) == ["-2"]
    assert found(ActionPrefix=action) == ["-0", "-1", "-2"]
    first = cloudwatch.describe_alarms(AlarmNamePrefix=name, MaxRecords=2)
    assert len(first["MetricAlarms"]) == 2
    assert found(AlarmNamePrefix=name, MaxRecords=2, NextToken=first["NextToken"]) == ["-2"]


def test_describe_alarms_for_metric(cloudwatch, name):
    put_alarm(cloudwatch, name, namespace=name)
    put_alarm(cloudwatch, f"{name}-p", namespace=name, Statistic=None, ExtendedStatistic="p99")
    asked = {"Namespace": name, "MetricName": "errors"}
    assert len(cloudwatch.describe_alarms_for_metric(**asked)["MetricAlarms"]) == 2
    [alarm] = cloudwatch.describe_alarms_for_metric(**asked, Statistic="Sum")["MetricAlarms"]
    assert alarm["AlarmName"] == name
    dimensions = [{"Name": "d", "Value": "v"}]
    answer = cloudwatch.describe_alarms_for_metric(**asked, Dimensions=dimensions)
    assert answer["MetricAlarms"] == []


def test_putting_an_alarm_again_replaces_its_settings(cloudwatch, name):
    put_alarm(cloudwatch, name, AlarmDescription="first", TreatMissingData="ignore")
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="x")
    put_alarm(cloudwatch, name, Threshold=7.0, TreatMissingData="ignore")
    alarm = describe(cloudwatch, name)
    assert alarm["StateValue"] == "ALARM"
    assert alarm["Threshold"] == 7.0
    assert "AlarmDescription" not in alarm


def test_actions_are_switched(cloudwatch, name):
    put_alarm(cloudwatch, name)
    assert describe(cloudwatch, name)["ActionsEnabled"] is True
    cloudwatch.disable_alarm_actions(AlarmNames=[name])
    assert describe(cloudwatch, name)["ActionsEnabled"] is False
    cloudwatch.enable_alarm_actions(AlarmNames=[name])
    assert describe(cloudwatch, name)["ActionsEnabled"] is True


def test_alarms_are_deleted(cloudwatch, name):
    put_alarm(cloudwatch, name)
    cloudwatch.delete_alarms(AlarmNames=[name])
    assert cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"] == []
    with pytest.raises(cloudwatch.exceptions.ResourceNotFound):
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="x")


def test_the_waiters_of_boto3_see_alarms(cloudwatch, name):
    put_alarm(cloudwatch, name)
    cloudwatch.get_waiter("alarm_exists").wait(
        AlarmNames=[name], WaiterConfig={"Delay": 1, "MaxAttempts": 2}
    )


def test_tags_of_alarms(cloudwatch, name):
    put_alarm(cloudwatch, name, Tags=[{"Key": "team", "Value": "ml"}])
    arn = describe(cloudwatch, name)["AlarmArn"]
    cloudwatch.tag_resource(ResourceARN=arn, Tags=[{"Key": "stage", "Value": "prod"}])
    cloudwatch.untag_resource(ResourceARN=arn, TagKeys=["team", "never"])
    assert cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] == [
        {"Key": "stage", "Value": "prod"}
    ]
    # Recorded of AWS: what is not there has no tags, and takes none.
    assert cloudwatch.list_tags_for_resource(ResourceARN=f"{arn}-gone")["Tags"] == []
    with pytest.raises(cloudwatch.exceptions.ResourceNotFoundException):
        cloudwatch.tag_resource(ResourceARN=f"{arn}-gone", Tags=[{"Key": "k", "Value": "v"}])
    with pytest.raises(cloudwatch.exceptions.ResourceNotFoundException):
        cloudwatch.untag_resource(ResourceARN=f"{arn}-gone", TagKeys=["k"])


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"Threshold": None}, "ValidationError"),
        ({"ComparisonOperator": "Above"}, "ValidationError"),
        ({"Period": 7}, "ValidationError"),
        ({"DatapointsToAlarm": 2}, "ValidationError"),
        ({"TreatMissingData": "guess"}, "ValidationError"),
        ({"ExtendedStatistic": "p99"}, "ValidationError"),
        ({"AlarmActions": ["not an arn"]}, "ValidationError"),
        ({"StateReasonData": None, "AlarmActions": ["arn:aws:sns:x"] * 6}, "ValidationError"),
    ],
)
def test_settings_that_make_no_sense_are_refused(cloudwatch, name, change, code):
    with pytest.raises(cloudwatch.exceptions.ClientError) as caught:
        put_alarm(cloudwatch, name, **change)
    assert caught.value.response["Error"]["Code"] == code
    assert cloudwatch.describe_alarms(AlarmNames=[name])["MetricAlarms"] == []
