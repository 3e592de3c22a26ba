"""CloudWatch Logs finds what a filter pattern says, and refuses one that it cannot read."""

import json

import pytest
from botocore.exceptions import ClientError

TIME_SCALE = 60


@pytest.fixture(scope="module")
def logs(aws):
    return aws.client("logs")


@pytest.fixture(scope="module")
def group(aws, logs):
    name = "searched"
    logs.create_log_group(logGroupName=name)
    now = int(aws.clock.now() * 1000)
    for stream, messages in {
        "web/1": ["GET /a 200 15", "GET /b 404 1500"],
        "web/2": ["GET /c 500 20"],
        "json": [json.dumps({"level": "error", "n": 7}), json.dumps({"level": "info", "n": 9})],
    }.items():
        logs.create_log_stream(logGroupName=name, logStreamName=stream)
        events = [{"timestamp": now, "message": message} for message in messages]
        logs.put_log_events(logGroupName=name, logStreamName=stream, logEvents=events)
    return name


def found(logs, group, **search):
    answer = logs.filter_log_events(logGroupName=group, **search)
    return sorted(event["message"] for event in answer["events"])


def refusal(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    assert error["Code"] == "InvalidParameterException"
    return error["Message"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ('{ $.level = "error" && $.n > 5 }', ['{"level": "error", "n": 7}']),
        ("[method, path, status = 4* || status = 5*, size]", ["GET /b 404 1500", "GET /c 500 20"]),
        ("[..., size > 1000]", ["GET /b 404 1500"]),
        ("GET -404", ["GET /a 200 15", "GET /c 500 20"]),
        ("?404 ?500", ["GET /b 404 1500", "GET /c 500 20"]),
        ("%[45]0[0-9]%", ["GET /b 404 1500", "GET /c 500 20"]),
        ('"/a 200"', ["GET /a 200 15"]),
    ],
)
def test_lines_are_searched_by_pattern(logs, group, pattern, expected):
    assert found(logs, group, filterPattern=pattern) == expected


def test_a_pattern_that_cannot_be_read_is_refused(logs, group):
    for pattern in ("{ $.level == 1 }", "a:b", "[a, a]"):
        search = {"logGroupName": group, "filterPattern": pattern, "logStreamNamePrefix": "none"}
        assert refusal(logs.filter_log_events, **search).endswith(".")


def test_streams_are_searched_by_prefix(logs, group):
    assert len(found(logs, group, logStreamNamePrefix="web/")) == 3
    assert found(logs, group, logStreamNamePrefix="web/2") == ["GET /c 500 20"]
    assert found(logs, group, logStreamNamePrefix="none") == []
    both = {"logStreamNames": ["json"], "logStreamNamePrefix": "web/"}
    assert "not both" in refusal(logs.filter_log_events, logGroupName=group, **both)


def test_a_group_is_searched_by_its_address(logs, group):
    arn = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"][0]["arn"]
    by_name = logs.filter_log_events(logGroupName=group)["events"]
    for identifier in (group, arn, arn.removesuffix(":*")):
        assert logs.filter_log_events(logGroupIdentifier=identifier)["events"] == by_name
    assert "not both" in refusal(logs.filter_log_events)
    assert "not both" in refusal(
        logs.filter_log_events, logGroupName=group, logGroupIdentifier=group
    )


def test_pages_of_what_was_found(logs, group):
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group, filterPattern="GET", PaginationConfig={"PageSize": 2}
    )
    assert [len(page["events"]) for page in pages] == [2, 1]


def test_searching_from_the_end_is_refused(logs, group):
    search = {"logGroupName": group, "startFromHead": False}
    assert "startFromHead" in refusal(logs.filter_log_events, **search)
