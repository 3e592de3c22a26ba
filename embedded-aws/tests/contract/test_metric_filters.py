"""Metric filters: lines that match count in CloudWatch, and its alarms hear of them."""

import datetime as dt
import json
import time
import uuid

import pytest
from botocore.exceptions import ClientError

TIME_SCALE = 60
MATCH = '{ $.level = "error" }'


@pytest.fixture(scope="module")
def logs(aws):
    return aws.client("logs")


@pytest.fixture
def group(logs):
    name = f"group-{uuid.uuid4().hex[:8]}"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="s")
    return name


@pytest.fixture
def put(logs, group, namespace):
    """Puts a filter of the test's own group and namespace."""

    def put_metric_filter(pattern, name="f", log_group=group, more=None, **transformation):
        settings = {"metricNamespace": namespace, "metricName": "m", "metricValue": "1"}
        logs.put_metric_filter(
            logGroupName=log_group,
            filterName=name,
            filterPattern=pattern,
            metricTransformations=[{**settings, **transformation}],
            **(more or {}),
        )

    return put_metric_filter


@pytest.fixture
def write(logs, group, minute):
    """Writes lines into a minute that is over, or into a later one."""

    def put_log_events(*messages, later=0):
        at = int(minute.timestamp() + 60 * later) * 1000 + 5000
        events = [{"timestamp": at, "message": message} for message in messages]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=events)

    return put_log_events


@pytest.fixture
def told(cloudwatch, namespace, minute):
    """What CloudWatch tells of the metric, by minute from the first one on."""

    def get_metric_statistics(unit="None", **dimensions):
        points = cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName="m",
            Dimensions=[{"Name": k, "Value": v} for k, v in dimensions.items()],
            StartTime=minute,
            EndTime=minute + dt.timedelta(minutes=5),
            Period=60,
            Statistics=["Sum", "SampleCount", "Maximum"],
            Unit=unit,
        )["Datapoints"]
        return {
            (p["Timestamp"] - minute).seconds // 60: (p["Sum"], p["SampleCount"], p["Maximum"])
            for p in points
        }

    return get_metric_statistics


def refusal(call, *arguments, **more):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **more)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def error(**more):
    return json.dumps({"level": "error", **more})


def test_lines_that_match_count(put, write, told):
    write(error())  # before there was a filter
    put(MATCH, metricValue="2.5")
    write(error(), "no JSON", error())
    write(error(), later=2)
    assert told() == {0: (5.0, 2.0, 2.5), 2: (2.5, 1.0, 2.5)}


def test_a_value_is_taken_from_the_event(put, write, told):
    put(MATCH, metricValue="$.took.ms", unit="Milliseconds")
    write(error(took={"ms": 40}), error(took={"ms": "60"}), error(took={"ms": "long"}), error())
    assert told("Milliseconds") == {0: (100.0, 2.0, 60.0)}
    assert told() == {}


def test_a_value_and_dimensions_are_taken_from_fields(put, write, told):
    put(
        "[method, path, status != 200, size]",
        metricValue="$size",
        dimensions={"Method": "$method", "Status": "$status"},
    )
    write("GET /a 404 10", "GET /b 404 30", "PUT /c 500 7", "GET /d 200 100")
    assert told(Method="GET", Status="404") == {0: (40.0, 2.0, 30.0)}
    assert told(Method="PUT", Status="500") == {0: (7.0, 1.0, 7.0)}
    assert told() == {}


def test_an_event_without_one_of_the_dimensions_does_not_count(put, write, told):
    put(MATCH, dimensions={"Shop": "$.shop"})
    write(error(shop="north"), error(), error(shop=""))
    assert told(Shop="north") == {0: (1.0, 1.0, 1.0)}
    assert told() == {}


def test_a_minute_without_a_match_counts_its_default(put, write, told):
    put(MATCH, defaultValue=0.5)
    write("fine", "fine")
    write("fine")
    write("fine", error(), later=1)
    write("fine", later=1)
    assert told() == {0: (0.5, 1.0, 0.5), 1: (1.0, 1.0, 1.0)}


def test_a_filter_is_replaced_and_deleted(logs, group, put, write, told):
    put("first")
    put("second")
    write("first second")
    assert told() == {0: (1.0, 1.0, 1.0)}
    logs.delete_metric_filter(logGroupName=group, filterName="f")
    write("second")
    assert told() == {0: (1.0, 1.0, 1.0)}
    code, message = refusal(logs.delete_metric_filter, logGroupName=group, filterName="f")
    assert (code, message) == (
        "ResourceNotFoundException",
        "The specified metric filter does not exist.",
    )


def test_an_alarm_hears_of_lines(aws, logs, cloudwatch, put, group, namespace):
    put("ERROR")
    cloudwatch.put_metric_alarm(
        AlarmName=namespace, Namespace=namespace, MetricName="m", Statistic="Sum", Period=60,
        EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanOrEqualToThreshold",
    )  # fmt: skip
    deadline = time.monotonic() + 30
    state = ""
    while state != "ALARM":
        assert time.monotonic() < deadline, state
        event = {"timestamp": int(aws.clock.now() * 1000), "message": "ERROR"}
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=[event])
        time.sleep(0.2)
        state = cloudwatch.describe_alarms(AlarmNames=[namespace])["MetricAlarms"][0]["StateValue"]


def test_filters_are_described(aws, logs, group, put, namespace):
    for name in ("b", "a", "c"):
        put(MATCH, name=name, metricName=f"m-{name}")
    pages = logs.get_paginator("describe_metric_filters").paginate(
        logGroupName=group, PaginationConfig={"PageSize": 2}
    )
    told = [[f["filterName"] for f in page["metricFilters"]] for page in pages]
    assert told == [["a", "b"], ["c"]]
    [one] = logs.describe_metric_filters(metricName="m-b", metricNamespace=namespace)[
        "metricFilters"
    ]
    age = aws.clock.now() - one.pop("creationTime") / 1000
    assert 0 <= age < 3600
    assert one == {
        "filterName": "b",
        "filterPattern": MATCH,
        "logGroupName": group,
        "metricTransformations": [
            {"metricNamespace": namespace, "metricName": "m-b", "metricValue": "1"}
        ],
    }
    [described] = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert described["metricFilterCount"] == 3
    logs.delete_log_group(logGroupName=group)
    assert logs.describe_metric_filters(filterNamePrefix="b")["metricFilters"] == []


def test_a_pattern_is_tried_on_messages(logs):
    answer = logs.test_metric_filter(
        filterPattern="[..., status = 4*, size]",
        logEventMessages=["GET /a 200 1", "GET /b 404 2"],
    )
    assert answer["matches"] == [
        {
            "eventNumber": 2,
            "eventMessage": "GET /b 404 2",
            "extractedValues": {"$1": "GET", "$2": "/b", "$status": "404", "$size": "2"},
        }
    ]
    [match] = logs.test_metric_filter(filterPattern=MATCH, logEventMessages=[error()])["matches"]
    assert match["extractedValues"] == {}
    code, message = refusal(
        logs.test_metric_filter, filterPattern="{ $.a }", logEventMessages=["{}"]
    )
    assert code == "InvalidParameterException"
    assert "an operator is expected at '}'" in message


@pytest.mark.parametrize(
    ("pattern", "more", "words"),
    [
        ("{ $.a == 1 }", {}, "Invalid filter pattern"),
        ("ERROR", {"metricValue": "$.a"}, "neither a number nor a field"),
        ("ERROR", {"metricValue": "many"}, "neither a number nor a field"),
        ("[a, b]", {"metricValue": "$c"}, "neither a number nor a field"),
        ("ERROR", {"dimensions": {"A": "$.a"}}, "does not support dimensions"),
        (MATCH, {"dimensions": {"A": "$.a"}, "defaultValue": 0.0}, "mutually exclusive"),
        (MATCH, {"dimensions": dict.fromkeys("ABCD", "$.a")}, "at most 3 dimensions"),
        (MATCH, {"dimensions": {"A": "constant"}}, "no field of the filter pattern"),
        (MATCH, {"unit": "Apples"}, "enum value set"),
        (MATCH, {"more": {"applyOnTransformedLogs": True}}, "no applyOnTransformedLogs"),
        (MATCH, {"more": {"fieldSelectionCriteria": "@aws.region = 1"}}, "no fieldSelection"),
    ],
)
def test_what_makes_no_sense_is_refused(put, pattern, more, words):
    code, message = refusal(put, pattern, **more)
    assert code == "InvalidParameterException"
    assert words in message
    assert message.count("\n") == 0


def test_a_filter_needs_a_group(put):
    code, _ = refusal(put, MATCH, log_group="none")
    assert code == "ResourceNotFoundException"


def test_a_group_has_a_hundred_filters_and_five_with_regular_expressions(put):
    for number in range(5):
        put("%a%", name=f"f{number}")
    assert refusal(put, "%a%", name="f5")[0] == "LimitExceededException"
    put("%b%", name="f4")
    for number in range(5, 100):
        put("a", name=f"f{number}")
    assert refusal(put, "a", name="f100")[0] == "LimitExceededException"


def test_a_subscription_gets_what_matches_and_goes_where_something_can_be_delivered(
    aws, logs, group, write
):
    kinesis = aws.client("kinesis")
    kinesis.create_stream(StreamName=group, ShardCount=1)
    stream = kinesis.describe_stream(StreamName=group)["StreamDescription"]["StreamARN"]
    put = {"logGroupName": group, "filterName": "f", "roleArn": "arn:aws:iam::123456789012:role/r"}
    logs.put_subscription_filter(**put, filterPattern="ERROR", destinationArn=stream)
    write("fine")
    write("ERROR")
    shard = kinesis.get_shard_iterator(
        StreamName=group, ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    assert len(kinesis.get_records(ShardIterator=shard)["Records"]) == 1
    for destination in (
        "arn:aws:lambda:us-east-1:123456789012:function:f",
        "arn:aws:logs:us-east-1:123456789012:destination:d",
    ):
        code, message = refusal(
            logs.put_subscription_filter, **put, filterPattern="", destinationArn=destination
        )
        assert code == "InvalidParameterException"
        assert "Kinesis and Firehose streams only" in message
    code, _ = refusal(logs.put_subscription_filter, **put, filterPattern="{", destinationArn=stream)
    assert code == "InvalidParameterException"
