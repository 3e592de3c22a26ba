"""Answers in pages, and what is not built."""

from __future__ import annotations

import json

from customer.scaling import code_and_message
from customer.shop import soon

TIME_SCALE = 60


def test_answers_come_in_pages(aws, scaling):
    for number in range(3):
        scaling.steps(f"policy-{number}")
    pages = scaling.client.get_paginator("describe_scaling_policies").paginate(
        **scaling.scope, PaginationConfig={"PageSize": 2}
    )
    assert [len(page["ScalingPolicies"]) for page in pages] == [2, 1]
    for size in (0, 51):
        code, _ = code_and_message(
            lambda size=size: scaling.client.describe_scaling_policies(
                MaxResults=size, **scaling.scope
            )
        )
        assert code == "ValidationException"
    code, _ = code_and_message(
        lambda: scaling.client.describe_scaling_policies(NextToken="no", **scaling.scope)
    )
    assert code == "InvalidNextTokenException"


def test_what_is_not_built_is_refused_by_its_name(scaling):
    arn = scaling.target()["ScalableTargetARN"]
    for call in (
        lambda: scaling.client.tag_resource(ResourceARN=arn, Tags={"a": "b"}),
        lambda: scaling.client.untag_resource(ResourceARN=arn, TagKeys=["a"]),
        lambda: scaling.client.list_tags_for_resource(ResourceARN=arn),
        lambda: scaling.client.get_predictive_scaling_forecast(
            PolicyName="p", StartTime=0, EndTime=1, **scaling.scope
        ),
    ):
        code, message = code_and_message(call)
        assert code == "UnknownOperationException"
        assert message.startswith("The embedded AWS does not implement application-autoscaling: ")
    code, message = code_and_message(lambda: scaling.register(Tags={"a": "b"}))
    assert (code, message.startswith("Tags of RegisterScalableTarget")) == (
        "ValidationException",
        True,
    )


def test_an_alarm_whose_policy_is_gone_says_so(scaling):
    arn = scaling.steps()["PolicyARN"]
    scaling.alarm("orphan", arn)
    scaling.client.delete_scaling_policy(PolicyName="steps", **scaling.scope)
    scaling.cloudwatch.set_alarm_state(
        AlarmName="orphan", StateValue="ALARM", StateReason="by hand"
    )

    def acted():
        return scaling.cloudwatch.describe_alarm_history(
            AlarmName="orphan", HistoryItemType="Action"
        )["AlarmHistoryItems"]

    [item] = soon(acted)
    assert json.loads(item["HistoryData"])["error"] == f"There is no scaling policy {arn}."
    scaling.cloudwatch.delete_alarms(AlarmNames=["orphan"])
