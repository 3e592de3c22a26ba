"""CloudWatch dashboards by plain boto3."""

import json

import pytest

TIME_SCALE = 1.0
BODY = json.dumps({"widgets": [{"type": "text", "properties": {"markdown": "hello"}}]})


def test_a_dashboard_comes_back_as_it_was(cloudwatch):
    put = cloudwatch.put_dashboard(DashboardName="one", DashboardBody=BODY)
    assert put["DashboardValidationMessages"] == []
    got = cloudwatch.get_dashboard(DashboardName="one")
    assert got["DashboardBody"] == BODY
    assert got["DashboardArn"] == "arn:aws:cloudwatch::123456789012:dashboard/one"
    cloudwatch.put_dashboard(DashboardName="one", DashboardBody='{"widgets": []}')
    assert cloudwatch.get_dashboard(DashboardName="one")["DashboardBody"] == '{"widgets": []}'


def test_dashboards_are_listed_and_deleted(cloudwatch):
    for name in ("list-a", "list-b"):
        cloudwatch.put_dashboard(DashboardName=name, DashboardBody=BODY)
    entries = cloudwatch.list_dashboards(DashboardNamePrefix="list-")["DashboardEntries"]
    assert [(e["DashboardName"], e["Size"]) for e in entries] == [
        ("list-a", len(BODY)),
        ("list-b", len(BODY)),
    ]
    with pytest.raises(cloudwatch.exceptions.ClientError) as caught:
        cloudwatch.delete_dashboards(DashboardNames=["list-a", "gone"])
    assert caught.value.response["Error"]["Code"] == "ResourceNotFound"
    cloudwatch.delete_dashboards(DashboardNames=["list-a", "list-b"])
    assert cloudwatch.list_dashboards(DashboardNamePrefix="list-")["DashboardEntries"] == []
    with pytest.raises(cloudwatch.exceptions.ClientError, match="does not exist"):
        cloudwatch.get_dashboard(DashboardName="list-a")


@pytest.mark.parametrize(
    "body", ["{", "[]", '{"widgets": 3}', "{}", '{"widgets": [{"type": "text"}]}']
)
def test_what_is_no_dashboard_is_refused(cloudwatch, body):
    with pytest.raises(cloudwatch.exceptions.DashboardInvalidInputError) as caught:
        cloudwatch.put_dashboard(DashboardName="bad", DashboardBody=body)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterInput"
    assert caught.value.response["dashboardValidationMessages"][0]["Message"]


def test_a_name_with_a_space_is_refused(cloudwatch):
    with pytest.raises(cloudwatch.exceptions.ClientError, match="alphanumerics") as caught:
        cloudwatch.put_dashboard(DashboardName="b d", DashboardBody=BODY)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValue"


def test_an_unknown_widget_is_kept_with_a_warning(cloudwatch):
    body = json.dumps({"widgets": [{"type": "hologram", "properties": {}}]})
    [message] = cloudwatch.put_dashboard(DashboardName="odd", DashboardBody=body)[
        "DashboardValidationMessages"
    ]
    assert message["DataPath"] == "/widgets/0/type"
    assert cloudwatch.get_dashboard(DashboardName="odd")["DashboardBody"] == body
