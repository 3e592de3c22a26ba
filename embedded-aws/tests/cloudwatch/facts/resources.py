"""Dashboards, tags, and how answers and errors travel."""

from __future__ import annotations

import json
import re
from typing import Any

from cloudwatch.facts import ABSENT, ANY, Fact, Json, Only, Stage, refusal, table
from cloudwatch.facts.labels import query
from cloudwatch.facts.measurements import get
from cloudwatch.facts.stage import ACCOUNT
from rooms.alarms import START

from embedded_aws.protocol import cbor

_RECORDED = "localstack/localstack test_cloudwatch.snapshot.json (recorded on AWS): "
_PREFLIGHT = "badmintoncryer/cdk-preflight rules/cloudwatch, measured on AWS in 2026-09"
_METRIC = {"type": "metric", "x": 0, "y": 0, "width": 6, "height": 6, "properties": {
    "metrics": [["AWS/EC2", "CPUUtilization", "InstanceId", "i-12345678"]], "region": "us-east-1",
    "view": "timeSeries", "stacked": False}}  # fmt: skip
_BODY = {"widgets": [_METRIC]}
_ARN = f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/board"
_ALARM = f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:"
_TAG, _ONE, _TWO = ({"Key": k, "Value": v} for k, v in (("Environment", "Production"),
                    ("tag1", "foo"), ("tag2", "bar")))  # fmt: skip


def put(body: Any = _BODY, name: str = "board"):
    text = body if isinstance(body, str) else json.dumps(body)
    return lambda stage: stage.call("PutDashboard", DashboardName=name, DashboardBody=text)


def _then(action: str, **params: Any):
    def ask(stage: Stage) -> Any:
        put()(stage)
        return stage.call(action, **params)

    return ask


def _gone(stage: Stage) -> Any:
    put()(stage)
    stage.call("DeleteDashboards", DashboardNames=["board"])
    return stage.call("ListDashboards")


def _broken(path: str, message: str) -> dict[str, Any]:
    told = re.escape(json.dumps({"dataPath": path, "message": message}, indent=2)[2:-2])
    told = told.replace("\\\n", r"\s*")
    return refusal("InvalidParameterInput", re.compile(
        rf"The dashboard body is invalid, there are \d+ validation errors:\n.*{told}.*",
             re.DOTALL))  # fmt: skip


def _widget(**changes: Any):
    widget = {**_METRIC, **changes}
    return put({"widgets": [{k: v for k, v in widget.items() if v is not None}]})


def _properties(**changes: Any):
    properties = {**_METRIC["properties"], **changes}  # type: ignore[dict-item]
    return _widget(properties={k: v for k, v in properties.items() if v is not None})


def _tagged(*, composite: bool, gone: bool = False):
    def ask(stage: Stage) -> Any:
        stage.alarm("a", Tags=[_TAG])
        if composite:
            stage.composite("ALARM(a)", Tags=[_TAG])
        name = "top" if composite else "a"
        arn = f"{_ALARM}{name}"
        answers = [stage.call("ListTagsForResource", ResourceARN=arn)]
        stage.call("TagResource", ResourceARN=arn, Tags=[_ONE, _TWO])
        answers.append(stage.call("ListTagsForResource", ResourceARN=arn))
        stage.call("UntagResource", ResourceARN=arn, TagKeys=["tag1"])
        answers.append(stage.call("ListTagsForResource", ResourceARN=arn))
        stage.call("DeleteAlarms", AlarmNames=[name])
        return stage.call("ListTagsForResource", ResourceARN=arn) if gone else answers

    return ask


_TAGS = [Only(Tags=[_TAG]), Only(Tags=[_TAG, _ONE, _TWO]), Only(Tags=[_TAG, _TWO])]


def _body(stage: Stage, response: Any) -> Any:
    if stage.protocol == "cbor":
        return cbor.decode(response.body)
    return json.loads(response.body) if stage.protocol == "json" else response.body.decode()


def _raw(action: str, *, query_mode: bool = True, **params: Any):
    """Status and body; of XML the parts of the error."""

    def ask(stage: Stage) -> Any:
        response = stage.raw(action, query_mode=query_mode, **params)
        body = _body(stage, response)
        if stage.protocol != "query":
            return {"status": response.status, "type": body.get("__type"), **body}
        told = dict(re.findall(r"<(Code|Message)>(.*?)</", body))
        kinds = {
            "ValidationError": "com.amazon.coral.validate#ValidationException",
            "ResourceNotFound": "com.amazonaws.cloudwatch.v2010_08_01#ResourceNotFound",
        }
        message = {"message": told["Message"]} if "Message" in told else {}
        # The query protocol knows no other status than this one, nor another mode.
        status = response.status if query_mode else 400
        return {"status": status, "type": kinds.get(told["Code"]), **message}

    return ask


def _written(stage: Stage) -> Any:
    stage.put(1)
    response = stage.raw("GetMetricData", MetricDataQueries=[query("a", "m")],
                         StartTime=START - 60, EndTime=START + 60)  # fmt: skip
    if stage.protocol == "cbor":
        return b"Timestamps\x9f\xc1\xfbA" in response.body
    pattern = (rb'"Timestamps": ?\[\d{10}\.0\]' if stage.protocol == "json"
               else rb"<member>\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z</member>")  # fmt: skip
    return re.search(pattern, response.body) is not None


def _headers(stage: Stage) -> Any:
    headers = stage.raw("DescribeAlarms").headers
    kinds = {"json": "application/x-amz-json-1.0", "cbor": "application/cbor", "query": "text/xml"}
    return ["x-amzn-RequestId" in headers, headers["content-type"] == kinds[stage.protocol]]


FACTS: list[Fact] = [
    *table("dashboards", f"{_RECORDED}test_dashboard_lifecycle", [
        ("one", _then("GetDashboard", DashboardName="board"), Only(DashboardArn=_ARN,
         DashboardName="board", DashboardBody=Json(_BODY))),
        ("all", _then("ListDashboards"), Only(DashboardEntries=[Only(DashboardArn=_ARN,
         DashboardName="board", LastModified=ANY, Size=len(json.dumps(_BODY)))])),
        ("a prefix", _then("ListDashboards", DashboardNamePrefix="boa"),
             {"DashboardEntries": [ANY]}),
        ("a prefix of none", _then("ListDashboards", DashboardNamePrefix="no-valid"),
         Only(DashboardEntries=[])),
        ("deleted", _gone, Only(DashboardEntries=[])),
    ]),
    *table("dashboards", f"{_RECORDED}test_invalid_dashboard_name", [
        ("a name", put(name="test:invalid"), refusal("InvalidParameterValue", "The value for field "
         "DashboardName contains invalid characters. It can only contain alphanumerics, dash (-) "
         "and "
         "underscore (_).\n")),
    ]),
    *table("dashboards", _PREFLIGHT, [
        ("no JSON", put("{not json"), refusal("InvalidParameterInput",
             "The field DashboardBody must "
         "be a valid JSON object")),
        ("no widgets", put({}), _broken("", "Should have required property 'widgets'")),
        ("widgets that are no array", put({"widgets": 3}), _broken("/widgets", "Should be array")),
        ("no type", _widget(type=None), _broken("/widgets/0",
         "Should have required property 'type'")),
        ("no properties", _widget(properties=None), _broken("/widgets/0",
         "Should have required property 'properties'")),
        ("too wide", _widget(width=25), _broken("/widgets/0/width", "Should be <= 24")),
        ("too far right", _widget(x=24), _broken("/widgets/0/x", "Should be <= 23")),
        ("too high", _widget(height=1001), _broken("/widgets/0/height", "Should be <= 1000")),
        ("text without text", _widget(type="text", properties={}), _broken(
         "/widgets/0/properties", "Should have required property 'markdown'")),
        ("alarms without alarms", _widget(type="alarm", properties={}), _broken(
         "/widgets/0/properties", "Should have required property 'alarms'")),
        ("nothing to show", _properties(metrics=None), _broken("/widgets/0/properties",
             "The metric "
         "widget should have specified a region and a data source or an alarm annotation")),
        ("a period", _properties(period=45), _broken("/widgets/0/properties/period",
         "Should be multiple of 60")),
        ("an axis upside down", _properties(yAxis={"left": {"min": 9, "max": 1}}), _broken(
         "/widgets/0/properties/yAxis/left/min", "Should be <= 1")),
    ]),
    *table("dashboards", "errors of PutDashboard, quoted in public notes", [
        ("a metric with three names", _properties(metrics=[["N", "m", "Only"]]), refusal(
         "InvalidParameterInput", re.compile(r"The dashboard body is invalid, there are .*",
                                             re.DOTALL))),
    ]),
    *table("dashboards", "AWS API reference, GetDashboard", [
        ("not there", lambda s: s.call("GetDashboard", DashboardName="gone"), refusal(
         "ResourceNotFound", "Dashboard gone does not exist", 404)),
    ]),
    *table("tags", f"{_RECORDED}test_tagging_metric_alarm", [
        ("of an alarm", _tagged(composite=False), _TAGS),
        ("of an alarm that is gone", _tagged(composite=False, gone=True), Only(Tags=[])),
    ]),
    *table("tags", f"{_RECORDED}test_tagging_composite_alarm", [
        ("of a composite", _tagged(composite=True), _TAGS),
        ("of a composite that is gone", _tagged(composite=True, gone=True), Only(Tags=[])),
    ]),
    *table("tags", f"{_RECORDED}test_store_tags", [
        ("none", lambda s: [s.alarm(), s.call("ListTagsForResource", ResourceARN=f"{_ALARM}a")][1],
         Only(Tags=[])),
    ]),
    *table("tags", "moto tests/test_cloudwatch_tags.py", [
        ("of what is not there", lambda s: s.call("TagResource", ResourceARN=f"{_ALARM}gone",
         Tags=[_ONE]), refusal("ResourceNotFoundException", ANY, 404)),
        ("away from what is not there", lambda s: s.call("UntagResource", ResourceARN=
         f"{_ALARM}gone", TagKeys=["tag1"]), refusal("ResourceNotFoundException", ANY, 404)),
    ]),
    *table("the wire", f"{_RECORDED}test_exception_serializing_with_no_shape_in_spec", [
        ("an invalid value", _raw("SetAlarmState", AlarmName="a", StateValue="INVALID",
         StateReason="x"), {"status": 400, "type": "com.amazon.coral.validate#ValidationException",
         "message": "1 validation error detected: Value 'INVALID' at 'stateValue' failed to "
         "satisfy "
         "constraint: Member must satisfy enum value set: [INSUFFICIENT_DATA, ALARM, OK]"}),
        ("not found", _raw("SetAlarmState", AlarmName="a", StateValue="OK", StateReason="x",
         query_mode=False), {"status": 400, "message": ABSENT,
         "type": "com.amazonaws.cloudwatch.v2010_08_01#ResourceNotFound"}),
        ("not found, in the mode of query", _raw("SetAlarmState", AlarmName="a", StateValue="OK",
         StateReason="x"), {"status": 404, "message": ABSENT,
         "type": "com.amazonaws.cloudwatch.v2010_08_01#ResourceNotFound"}),
    ]),
    *table("the wire", f"{_RECORDED}test_basic_operations_multiple_protocols", [
        ("timestamps", _written, True), ("headers", _headers, [True, True]),
        ("data", lambda s: [s.put(41), get(s, query("a", "m"))][1], Only(Messages=[],
         MetricDataResults=[Only(Id="a", Label="m", StatusCode="Complete", Timestamps=[ANY],
                                 Values=[41.0])])),
        ("log alarms", lambda s: s.call("DescribeAlarms"), {"LogAlarms": []}),
    ]),
    *table("the wire", f"{_RECORDED}test_put_metric_data_validation", [
        ("a code of the query protocol", lambda s: s.publish({"MetricName": "m", "Value": 1.0,
         "Values": [1.0]})["Error"].get("QueryErrorCode", "none") if s.protocol != "query" else
         "InvalidParameterCombinationException", "InvalidParameterCombinationException"),
    ]),
]  # fmt: skip
