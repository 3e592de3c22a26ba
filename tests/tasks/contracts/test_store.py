import json

import pytest

from tasks.contracts.store import publish
from tasks.errors import AwsError

ID = {"name": "id", "logicalType": "integer", "required": True}


@pytest.fixture
def s3(aws_environment):
    from tasks.aws import client

    for bucket in ("contract-lake", "contract-work"):
        client("s3").create_bucket(Bucket=bucket)
    return client("s3")


def keys(s3, bucket):
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {i["Key"]: i["LastModified"] for page in pages for i in page.get("Contents", [])}


def send(report, judge, s3):
    return publish(report, judge.out, s3=s3, lake_bucket="contract-lake",
                   work_bucket="contract-work")  # fmt: skip


def test_what_was_judged_is_found_under_the_addresses(s3, lake, judge, contract):
    lake.csv("a.csv.gz", [(1,), ("?",)], ["id"])
    report = judge(contract([ID]), lake, docs=True)
    found = send(report, judge, s3)
    print_ = report.snapshot
    assert found["quarantine"] == f"s3://contract-lake/quarantine/things/{print_}/1.0.0/"
    assert found["good"].startswith(f"s3://contract-work/datasets/things/{print_}/1.0.0/")
    assert found["docs"] == f"s3://contract-work/reports/data-docs/things/{print_}/1.0.0/index.html"
    _, _, prefix = found["good"].removeprefix("s3://").partition("/")
    manifest = found["manifest"].removeprefix("s3://contract-work/")
    body = json.loads(s3.get_object(Bucket="contract-work", Key=manifest)["Body"].read())
    assert [f["path"] for f in body["files"]] == ["part-00000.parquet"]
    assert f"{prefix}part-00000.parquet" in keys(s3, "contract-work")
    aside = f"quarantine/things/{print_}/1.0.0/rows-00000.jsonl"
    line = json.loads(s3.get_object(Bucket="contract-lake", Key=aside)["Body"].read())
    assert line["record"] == {"id": "?"}


def test_publishing_again_sends_no_data_again(s3, lake, judge, contract):
    lake.csv("b.csv.gz", [(1,), ("?",)], ["id"])
    report = judge(contract([ID]), lake, docs=True)
    first = send(report, judge, s3)
    put = []
    s3.meta.events.register("before-call.s3.PutObject", lambda **more: put.append(more))
    assert send(judge(contract([ID]), lake, docs=True), judge, s3) == first
    assert len(put) == 1  # the manifest, written last, says "complete"


def test_data_that_failed_are_not_offered_for_training(s3, lake, judge, contract):
    lake.csv("c.csv.gz", [("?",), ("?",)], ["id"])
    found = send(judge(contract([ID], limit=0.1), lake), judge, s3)
    assert "good" not in found
    assert "quarantine" in found


def test_without_a_bucket_the_error_says_so(s3, lake, judge, contract):
    lake.csv("d.csv.gz", [(1,)], ["id"])
    report = judge(contract([ID]), lake)
    with pytest.raises(AwsError, match="no-such-bucket"):
        publish(report, judge.out, s3=s3, lake_bucket="no-such-bucket", work_bucket="w")
