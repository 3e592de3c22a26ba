"""Every protocol, with botocore's own client half as the other side."""

import datetime as dt
import gzip
import json
import math

import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.clock import Clock
from embedded_aws.cloudwatch import CloudWatch
from embedded_aws.cloudwatch.wire.encode import answer
from embedded_aws.cloudwatch.wire.model import error_shape, service_model
from embedded_aws.faults import Faults
from embedded_aws.protocol import cbor
from embedded_aws.protocol.service import Request

PROTOCOLS = {"cbor": "smithy-rpc-v2-cbor", "json": "json", "query": "query"}

scalars = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text() | st.binary()
    | st.floats(allow_nan=False)
)  # fmt: skip
items = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(), inner, max_size=5),
    max_leaves=20,
)


@pytest.fixture
def cloudwatch():
    service = CloudWatch(Clock(), Faults())
    yield service
    service.close()


def request(protocol, action, params, *, compress=False):
    model = service_model().operation_model(action)
    serializer = create_serializer(PROTOCOLS[protocol], include_validation=False)
    made = serializer.serialize_to_request(params, model)
    headers = {k.lower(): v for k, v in made["headers"].items()}
    body = made["body"]
    if isinstance(body, dict):
        from urllib.parse import urlencode

        body = urlencode(body).encode()
    body = body.encode() if isinstance(body, str) else body
    if compress:
        headers["content-encoding"] = "gzip"
        body = gzip.compress(body)
    return Request("monitoring", "", "POST", made["url_path"], "", headers, body, "us-east-1")


def parse(protocol, action, response):
    model = service_model().operation_model(action)
    raw = {
        "status_code": response.status,
        "headers": {k.lower(): v for k, v in response.headers.items()},
        "body": response.body,
    }
    return create_parser(PROTOCOLS[protocol]).parse(raw, model.output_shape)


def call(cloudwatch, protocol, action, params, **options):
    response = cloudwatch.handle(request(protocol, action, params, **options))
    return parse(protocol, action, response)


@given(items)
def test_cbor_comes_back(value):
    def without_nulls(item):
        # The protocol drops null members of maps.
        if isinstance(item, dict):
            return {k: without_nulls(v) for k, v in item.items() if v is not None}
        return [without_nulls(v) for v in item] if isinstance(item, list) else item

    assert cbor.decode(cbor.encode(value)) == without_nulls(value)


@given(st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(data):
    try:
        value = cbor.decode(data)
    except cbor.CborError:
        return
    assert value is None or cbor.encode(value) is not None


@pytest.mark.parametrize(
    ("data", "value"),
    [
        ("9f0102ff", [1, 2]),
        ("bf6161f5ff", {"a": True}),
        ("7f61616162ff", "ab"),
        ("f93c00", 1.0),
        ("fa47c35000", 100000.0),
        ("c11a514b67b0", 1363896240),
        ("f7", None),
    ],
)
def test_other_forms_of_cbor_are_read(data, value):
    assert cbor.decode(bytes.fromhex(data)) == value


@pytest.mark.parametrize("data", ["", "82", "ff", "1c", "0000", "a10101", "c000", "9f", "61ff"])
def test_broken_cbor_is_refused(data):
    with pytest.raises(cbor.CborError):
        cbor.decode(bytes.fromhex(data))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_metrics_go_in_and_come_out(cloudwatch, protocol):
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    datum = {
        "MetricName": "m",
        "Dimensions": [{"Name": "d", "Value": "<&> é"[:3]}],
        "Timestamp": now,
        "Values": [1.5, 2],
        "Counts": [1, 3],
        "Unit": "Count",
        "StorageResolution": 1,
    }
    call(cloudwatch, protocol, "PutMetricData", {"Namespace": "N", "MetricData": [datum]})
    [metric] = call(cloudwatch, protocol, "ListMetrics", {"Namespace": "N"})["Metrics"]
    assert metric["Dimensions"] == [{"Name": "d", "Value": "<&>"}]
    stat = {"Metric": metric, "Period": 1, "Stat": "Sum"}
    asked = {
        "MetricDataQueries": [{"Id": "a", "MetricStat": stat, "ReturnData": True}],
        "StartTime": now - dt.timedelta(seconds=5),
        "EndTime": now + dt.timedelta(seconds=5),
    }
    [result] = call(cloudwatch, protocol, "GetMetricData", asked)["MetricDataResults"]
    assert result["Values"] == [7.5]
    assert [t.timestamp() for t in result["Timestamps"]] == [now.timestamp()]
    asked = {
        "Namespace": "N", "MetricName": "m", "Dimensions": metric["Dimensions"], "Period": 60,
        "StartTime": now - dt.timedelta(minutes=5), "EndTime": now + dt.timedelta(minutes=5),
        "ExtendedStatistics": ["p50"],
    }  # fmt: skip
    [point] = call(cloudwatch, protocol, "GetMetricStatistics", asked)["Datapoints"]
    assert point["ExtendedStatistics"] == {"p50": 2.0}
    assert point["Unit"] == "Count"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_errors_have_the_code_of_old_and_the_shape_of_new(cloudwatch, protocol):
    datum = {"MetricName": "m", "Value": 1.0, "StorageResolution": 7}
    made = request(protocol, "PutMetricData", {"Namespace": "N", "MetricData": [datum]})
    response = cloudwatch.handle(made)
    parsed = parse(protocol, "PutMetricData", response)
    assert response.status == 400
    assert parsed["Error"]["Code"] == "InvalidParameterValue"
    assert "StorageResolution" in parsed["Error"]["Message"]
    if protocol != "query":
        assert parsed["Error"]["QueryErrorCode"] == "InvalidParameterValueException"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_dashboard_that_is_refused_tells_why_in_full(cloudwatch, protocol):
    params = {"DashboardName": "d", "DashboardBody": "{"}
    parsed = call(cloudwatch, protocol, "PutDashboard", params)
    assert parsed["Error"]["Code"] == "InvalidParameterInput"


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_alarms_go_in_and_come_out(cloudwatch, protocol):
    query = {
        "Id": "m1",
        "MetricStat": {
            "Metric": {"Namespace": "N", "MetricName": "m"}, "Period": 60, "Stat": "Sum",
        },
        "ReturnData": False,
    }  # fmt: skip
    params = {
        "AlarmName": "a", "EvaluationPeriods": 2, "Threshold": 1.5, "ActionsEnabled": False,
        "ComparisonOperator": "GreaterThanThreshold", "Tags": [{"Key": "k", "Value": "v"}],
        "Metrics": [query, {"Id": "e", "Expression": "m1 / 2", "Label": "half"}],
        "AlarmActions": ["arn:aws:sns:us-east-1:123456789012:t"],
    }  # fmt: skip
    call(cloudwatch, protocol, "PutMetricAlarm", params)
    [alarm] = call(cloudwatch, protocol, "DescribeAlarms", {})["MetricAlarms"]
    assert alarm["StateValue"] == "INSUFFICIENT_DATA"
    assert alarm["Threshold"] == 1.5
    assert alarm["ActionsEnabled"] is False
    assert alarm["Metrics"][0]["MetricStat"]["Metric"]["MetricName"] == "m"
    assert isinstance(alarm["StateUpdatedTimestamp"], dt.datetime)
    tags = call(cloudwatch, protocol, "ListTagsForResource", {"ResourceARN": alarm["AlarmArn"]})
    assert tags["Tags"] == [{"Key": "k", "Value": "v"}]


def test_gzip_bodies_are_read(cloudwatch):
    data = [{"MetricName": f"m{i}", "Value": 1.0} for i in range(500)]
    params = {"Namespace": "N", "MetricData": data}
    assert "Error" not in call(cloudwatch, "cbor", "PutMetricData", params, compress=True)
    assert len(call(cloudwatch, "cbor", "ListMetrics", {})["Metrics"]) == 500


@pytest.mark.parametrize(
    ("protocol", "body"), [("cbor", b"\x82"), ("json", b"{"), ("cbor", b"\x01"), ("json", b"[]")]
)
def test_a_body_that_is_none_is_a_serialization_error(cloudwatch, protocol, body):
    made = request(protocol, "ListMetrics", {})
    made = Request("monitoring", "", "POST", made.path, "", made.headers, body, "us-east-1")
    response = cloudwatch.handle(made)
    assert response.status == 400
    parsed = parse(protocol, "ListMetrics", response)
    assert parsed["Error"]["Code"] == "SerializationException"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("RecentlyActive", 3),
        ("Dimensions", {}),
        ("Dimensions", ["x"]),
        ("IncludeLinkedAccounts", 1),
    ],
)
def test_a_member_of_another_type_is_a_serialization_error(cloudwatch, member, value):
    made = request("json", "ListMetrics", {})
    body = json.dumps({member: value}).encode()
    made = Request("monitoring", "", "POST", made.path, "", made.headers, body, "us-east-1")
    assert b"SerializationException" in cloudwatch.handle(made).body


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_operations_that_we_lack_say_so(cloudwatch, protocol):
    parsed = call(cloudwatch, protocol, "DescribeAnomalyDetectors", {})
    assert parsed["Error"]["Code"] == "UnknownOperationException"
    assert "DescribeAnomalyDetectors" in parsed["Error"]["Message"]


def test_a_request_without_an_operation_says_so(cloudwatch):
    made = Request("monitoring", "", "POST", "/", "", {}, b"", "us-east-1")
    assert b"MissingAction" in cloudwatch.handle(made).body


def test_an_operation_that_is_none_says_so(cloudwatch):
    made = Request("monitoring", "", "POST", "/", "", {}, b"Action=Nonsense", "us-east-1")
    assert b"InvalidAction" in cloudwatch.handle(made).body


def test_every_constraint_that_is_broken_is_told(cloudwatch):
    params = {
        "AlarmName": "x" * 256, "EvaluationPeriods": 0, "ComparisonOperator": "Nonsense",
        "AlarmActions": ["arn:x"] * 6,
    }  # fmt: skip
    message = call(cloudwatch, "cbor", "PutMetricAlarm", params)["Error"]["Message"]
    assert message.startswith("4 validation errors detected")
    for part in ("'alarmName'", "'evaluationPeriods'", "enum value set", "'alarmActions'"):
        assert part in message


def test_error_shapes_are_the_models():
    assert error_shape("InvalidParameterValue") == "InvalidParameterValueException"
    assert error_shape("ValidationError") == "ValidationException"
    assert error_shape("LimitExceeded") == "LimitExceededFault"
    assert error_shape("Throttling") == "Throttling"


def test_numbers_of_every_size_survive_json():
    shape = service_model().operation_model("GetMetricData").output_shape
    members = {"MetricDataResults": [{"Id": "a", "Timestamps": [1.5], "Values": [1e300, -0.25]}]}
    for protocol in PROTOCOLS:
        [result] = parse(
            protocol, "GetMetricData", answer(protocol, "GetMetricData", shape, members)
        )["MetricDataResults"]
        assert result["Values"] == [1e300, -0.25]
        assert math.isclose(result["Timestamps"][0].timestamp(), 1.5)
