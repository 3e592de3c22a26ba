"""Batch transform jobs: a model, S3 in and S3 out, as programs of SageMaker's SDK know them."""

import gzip
import json
import re
import time

import pytest
from botocore.exceptions import ClientError
from customer.transform import LOG_GROUP, Scorer

from embedded_aws import EmbeddedAws

TIME_SCALE = 60
RETRIED = {"InvocationsMaxRetries": 3, "InvocationsTimeoutInSeconds": 60}


@pytest.fixture(scope="module")
def shop(aws):
    return Scorer(aws, "transform")


@pytest.fixture(scope="module")
def telling(shop):
    """A model that answers what it was asked with."""
    shop.model("telling", TELL="1", NAME="of the model")
    return "telling"


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def told_lines(shop, name, key):
    """What a telling model answered, one per line."""
    return [json.loads(line) for line in shop.results(name)[key].splitlines()]


def until(check, seconds=60.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s")


def test_every_object_below_the_prefix_has_its_output(shop):
    shop.put("all", **{"a.csv": "one\ntwo\n", "deep/b.csv": "three"})
    told = shop.run("all")
    assert told["TransformJobStatus"] == "Completed", told
    assert shop.results("all") == {"a.csv.out": "ONE\nTWO\n", "deep/b.csv.out": "THREE"}
    assert told["TransformJobArn"].endswith(":transform-job/all")
    assert told["ModelName"] == "upper"
    assert told["TransformInput"]["CompressionType"] == "None"
    assert told["TransformOutput"]["AssembleWith"] == "None"
    times = [told[f"{name}Time"] for name in ("Creation", "TransformStart", "TransformEnd")]
    assert times == sorted(times)
    assert "FailureReason" not in told
    assert "serving" in shop.lines("all")


def test_a_prefix_may_be_an_object_and_a_manifest_names_objects(shop):
    shop.put("named", a="one", b="two", c="three")
    place = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{shop.bucket}/in/named/b"}
    shop.run("named", source={"DataSource": {"S3DataSource": place}})
    assert shop.results("named") == {"b.out": "TWO"}
    manifest = [{"prefix": f"s3://{shop.bucket}/in/"}, "named/a", "named/c"]
    shop.put("manifest", it=json.dumps(manifest))
    place = {"S3DataType": "ManifestFile", "S3Uri": f"s3://{shop.bucket}/in/manifest/it"}
    shop.run("manifest", source={"DataSource": {"S3DataSource": place}})
    assert shop.results("manifest") == {"named/a.out": "ONE", "named/c.out": "THREE"}


@pytest.mark.parametrize(
    ("name", "split", "strategy", "records"),
    [
        ("single", "Line", "SingleRecord", [1, 1, 1]),
        ("multi", "Line", "MultiRecord", [3]),
        ("unsplit", "None", "SingleRecord", [3]),
    ],
)
def test_as_many_records_as_asked_for_go_into_a_request(
    shop, telling, name, split, strategy, records
):
    shop.put(name, data="one\ntwo\nthree\n")
    shop.run(
        name,
        telling,
        source={"SplitType": split},
        target={"AssembleWith": "Line"},
        BatchStrategy=strategy,
    )
    told = told_lines(shop, name, "data.out")
    assert [one["records"] for one in told] == records
    assert sum(one["bytes"] for one in told) == len("one\ntwo\nthree\n")


def test_many_records_go_into_requests_of_the_size_that_fits(shop, telling):
    line = "x" * 299_999 + "\n"
    shop.put("large", data=line * 7)
    shop.run("large", telling, target={"AssembleWith": "Line"}, MaxPayloadInMB=1)
    told = told_lines(shop, "large", "data.out")
    assert [one["records"] for one in told] == [3, 3, 1]
    assert all(one["bytes"] <= 1 << 20 for one in told)


def test_compressed_objects_are_sent_as_what_they_hold(shop):
    shop.put("packed", **{"a.gz": gzip.compress(b"one\ntwo\n"), "b.gz": b"no such thing"})
    told = shop.run("packed", source={"CompressionType": "Gzip"})
    assert shop.results("packed") == {"a.gz.out": "ONE\nTWO\n"}
    assert told["FailureReason"] == "ClientError: See job logs for more information"
    lines = shop.lines("packed", data=True)
    assert any("in/packed/b.gz: ClientError: the object is no readable gzip" in x for x in lines)


def test_answers_are_assembled_in_order_with_or_without_line_ends(shop):
    shop.model("hesitating", PAUSE="0.3")
    for name, assemble, expected in (
        ("joined", "None", "FIRST\nQUICK-1\nQUICK-2"),
        ("by-line", "Line", "FIRST\nQUICK-1\nQUICK-2\n"),
    ):
        shop.put(name, data="first\nquick-1\nquick-2")
        shop.run(
            name,
            "hesitating",
            target={"AssembleWith": assemble},
            BatchStrategy="SingleRecord",
            MaxConcurrentTransforms=3,
        )
        assert shop.results(name) == {"data.out": expected}


def test_the_program_is_asked_in_the_words_of_the_job(shop, telling):
    shop.put("words", data="one")
    shop.run(
        "words",
        telling,
        source={"ContentType": "text/csv"},
        target={"Accept": "application/json"},
        Environment={"NAME": "of the job"},
        BatchStrategy="SingleRecord",
        MaxPayloadInMB=2,
    )
    [told] = told_lines(shop, "words", "data.out")
    assert told["name"] == "of the job"
    assert told["headers"]["content-type"] == "text/csv"
    assert told["headers"]["accept"] == "application/json"
    environment = told["environment"]
    assert environment["AWS_ENDPOINT_URL"] == shop.aws.endpoint_url
    assert environment["SAGEMAKER_BATCH"] == "true"
    assert environment["SAGEMAKER_BATCH_STRATEGY"] == "SINGLE_RECORD"
    assert environment["SAGEMAKER_MAX_PAYLOAD_IN_MB"] == "2"
    assert "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS" not in environment


def test_what_the_request_leaves_open_the_model_may_choose(shop):
    chosen = {"MaxConcurrentTransforms": 4, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 9}
    shop.model("choosing", TELL="1", PARAMETERS=json.dumps(chosen))
    shop.put("chosen", data="one\ntwo\n")
    shop.run("chosen", "choosing", target={"AssembleWith": "Line"}, MaxPayloadInMB=2)
    assert [one["records"] for one in told_lines(shop, "chosen", "data.out")] == [1, 1]
    said = "MaxConcurrentTransforms=4, MaxPayloadInMB=2, BatchStrategy=SINGLE_RECORD"
    [line] = shop.lines("chosen", data=True)
    assert re.fullmatch(rf"\d{{4}}-\d\d-\d\dT[\d:]{{8}}\.\d{{3}}:\[sagemaker logs\]: {said}", line)


def test_so_many_requests_are_under_way_and_no_more(shop, telling):
    # Nobody is answered before three are there at once: a job that sends fewer never ends.
    shop.model("together", TELL="1", TOGETHER="3")
    shop.put("at-once", data="".join(f"everybody {n}\n" for n in range(6)))
    shop.run(
        "at-once",
        "together",
        target={"AssembleWith": "Line"},
        BatchStrategy="SingleRecord",
        MaxConcurrentTransforms=3,
    )
    told = told_lines(shop, "at-once", "data.out")
    assert max(one["most"] for one in told) == 3
    shop.put("in-turn", data="".join(f"{n}\n" for n in range(6)))
    shop.run("in-turn", telling, target={"AssembleWith": "Line"}, BatchStrategy="SingleRecord")
    assert {one["most"] for one in told_lines(shop, "in-turn", "data.out")} == {1}


def test_whole_objects_are_under_way_together_too(shop):
    shop.model("both", TELL="1", TOGETHER="2")
    shop.put("objects", a="everybody a", b="everybody b")
    told = shop.run("objects", "both", source={"SplitType": "None"}, MaxConcurrentTransforms=2)
    assert told["TransformJobStatus"] == "Completed"
    assert set(shop.results("objects")) == {"a.out", "b.out"}


def test_instances_are_processes_that_share_the_objects(shop, telling):
    shop.put("shared", a="1", b="2", c="3", d="4")
    told = shop.run("shared", telling, resources={"InstanceCount": 2})
    assert told["TransformJobStatus"] == "Completed"
    pids = {key[0]: json.loads(text)["pid"] for key, text in shop.results("shared").items()}
    assert pids["a"] == pids["c"]
    assert pids["b"] == pids["d"]
    assert pids["a"] != pids["b"]
    streams = shop.logs.describe_log_streams(logGroupName=LOG_GROUP, logStreamNamePrefix="shared/")[
        "logStreams"
    ]
    names = sorted(stream["logStreamName"] for stream in streams)
    assert len(names) == 4
    for name in names:
        assert re.fullmatch(r"shared/i-[0-9a-f]{17}-\d+(/data-log)?", name)
    assert [name.endswith("/data-log") for name in names] == [False, True, False, True]


def test_a_bad_record_costs_its_object_the_output_and_the_others_go_on(shop):
    shop.put("spoilt", a="good\nbad\n", b="good\n")
    told = shop.run("spoilt", BatchStrategy="SingleRecord")
    assert told["TransformJobStatus"] == "Failed"
    assert told["FailureReason"] == "ClientError: See job logs for more information"
    assert shop.results("spoilt") == {"b.out": "GOOD\n"}
    place = f"{shop.bucket}/in/spoilt/a: "
    said = [x.partition(place)[2] for x in shop.lines("spoilt", data=True) if place in x]
    assert said == ["ClientError: 400", "", "Message:", "bad record", "in two lines"]


def test_a_program_that_breaks_is_to_blame(shop):
    shop.put("broken", data="broken")
    told = shop.run("broken", ModelClientConfig={**RETRIED, "InvocationsMaxRetries": 0})
    assert told["FailureReason"] == "AlgorithmError: See job logs for more information"
    lines = shop.lines("broken", data=True)
    assert any("in/broken/data: Bad HTTP status received from algorithm: 500" in x for x in lines)
    assert any("in/broken/data: it broke" in x for x in lines)


def test_what_fails_is_asked_again_as_often_as_the_job_says(shop, telling):
    shop.put("again", data="flaky")
    told = shop.run("again", telling, ModelClientConfig={**RETRIED, "InvocationsMaxRetries": 2})
    assert told["TransformJobStatus"] == "Completed"
    assert told_lines(shop, "again", "data.out")[0]["tries"] == 3
    shop.put("once", data="flaky")
    told = shop.run("once", telling, ModelClientConfig={**RETRIED, "InvocationsMaxRetries": 1})
    assert told["TransformJobStatus"] == "Failed"
    assert shop.results("once") == {}


def test_a_program_that_dies_is_started_anew_and_asked_again(shop, tmp_path):
    shop.model("mortal", TELL="1", DIED=str(tmp_path / "died"))
    shop.put("mortal", data="first\ndie\nlast\n")
    told = shop.run(
        "mortal", "mortal", target={"AssembleWith": "Line"}, BatchStrategy="SingleRecord"
    )
    assert told["TransformJobStatus"] == "Completed", told
    pids = [one["pid"] for one in told_lines(shop, "mortal", "data.out")]
    assert pids[0] != pids[1] == pids[2]


def test_an_answer_that_takes_too_long_is_none(shop):
    patience = {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 0}
    shop.put("late", data="slow")
    told = shop.run("late", ModelClientConfig=patience)
    assert told["FailureReason"] == "AlgorithmError: See job logs for more information"
    lines = shop.lines("late", data=True)
    assert any("in/late/data: Unable to get response from algorithm" in x for x in lines)


def test_a_record_that_is_too_large_fails_by_its_number(shop):
    shop.put("too-large", data="fits\n" + "x" * (1 << 20) + "\nfits\n")
    told = shop.run("too-large", MaxPayloadInMB=1)
    assert told["FailureReason"] == "ClientError: See job logs for more information"
    assert shop.results("too-large") == {}
    lines = shop.lines("too-large", data=True)
    assert any("ClientError: record 2 has more than 1048576 bytes" in x for x in lines)


def test_a_program_that_is_not_healthy_fails_the_job(shop, monkeypatch):
    reason = "AlgorithmError: The primary container failed to pass the health check"
    shop.model("stillborn", DIE_AT_START="1")
    shop.put("stillborn", data="one")
    assert shop.run("stillborn", "stillborn")["FailureReason"] == reason
    assert "no weights, no service" in shop.lines("stillborn")
    # One that lives and never says that it is well; nobody wants to wait for it as long as usual.
    monkeypatch.setenv("EMBEDDED_AWS_HOSTING_START_TIMEOUT_CAP", "2")
    with EmbeddedAws(time_scale=TIME_SCALE) as other:
        clinic = Scorer(other, "clinic")
        clinic.model("sick", SICK="1")
        clinic.put("sick", data="one")
        assert clinic.run("sick", "sick")["FailureReason"] == reason


def test_model_data_that_are_gone_fail_the_job(shop):
    shop.s3.copy_object(
        Bucket=shop.bucket, Key="gone.tar.gz", CopySource=f"{shop.bucket}/model.tar.gz"
    )
    address = f"s3://{shop.bucket}/gone.tar.gz"
    shop.sagemaker.create_model(
        ModelName="gone",
        ExecutionRoleArn="arn:aws:iam::123456789012:role/transform",
        PrimaryContainer={"Image": "image", "ModelDataUrl": address},
    )
    shop.s3.delete_object(Bucket=shop.bucket, Key="gone.tar.gz")
    shop.put("gone", data="one")
    assert address in shop.run("gone", "gone")["FailureReason"]


def test_input_that_is_not_there_fails_the_job_by_its_address(shop):
    told = shop.run("empty")
    assert told["TransformJobStatus"] == "Failed"
    assert f"s3://{shop.bucket}/in/empty/" in told["FailureReason"]
    manifest = [{"prefix": f"s3://{shop.bucket}/in/"}, "missing/there", "missing/nowhere"]
    shop.put("missing", there="one", it=json.dumps(manifest))
    place = {"S3DataType": "ManifestFile", "S3Uri": f"s3://{shop.bucket}/in/missing/it"}
    told = shop.run("missing", source={"DataSource": {"S3DataSource": place}})
    assert told["FailureReason"] == "ClientError: See job logs for more information"
    assert shop.results("missing") == {"missing/there.out": "ONE"}
    assert any("missing/nowhere: ClientError: " in x for x in shop.lines("missing", data=True))


def test_an_output_that_s3_does_not_take_fails_the_job_at_once(shop):
    shop.put("nowhere", a="one", b="slow")
    told = shop.run(
        "nowhere", target={"S3OutputPath": "s3://no-such-bucket/out"}, MaxConcurrentTransforms=2
    )
    assert told["FailureReason"].startswith("ClientError: Artifact upload failed:")


def test_outputs_lie_under_the_key_that_is_named(shop):
    key = shop.aws.client("kms").create_key()["KeyMetadata"]
    shop.put("sealed", data="one")
    shop.run("sealed", target={"KmsKeyId": key["KeyId"]})
    stored = shop.s3.head_object(Bucket=shop.bucket, Key="out/sealed/data.out")
    assert stored["SSEKMSKeyId"] == key["Arn"]


def test_a_job_is_stopped_and_leaves_only_whole_outputs(shop):
    shop.put("stopped", a="one\n", b="two\nslow\n")
    shop.begin("stopped", BatchStrategy="SingleRecord")
    until(lambda: shop.results("stopped"))
    shop.sagemaker.stop_transform_job(TransformJobName="stopped")
    assert shop.described("stopped")["TransformJobStatus"] in {"Stopping", "Stopped"}
    told = shop.ended("stopped")
    assert told["TransformJobStatus"] == "Stopped"
    assert told["TransformEndTime"] >= told["TransformStartTime"]
    assert shop.results("stopped") == {"a.out": "ONE\n"}
    code, message = refused(shop.sagemaker.stop_transform_job, TransformJobName="stopped")
    assert code == "ValidationException"
    assert "is in status Stopped" in message


def test_a_job_whose_program_does_not_come_up_is_stopped_too(shop):
    shop.model("never", SICK="1")
    shop.put("never", data="one")
    shop.begin("never", "never")
    until(lambda: shop.lines("never"))
    shop.sagemaker.stop_transform_job(TransformJobName="never")
    assert shop.ended("never")["TransformJobStatus"] == "Stopped"


def test_jobs_are_listed_newest_first_and_by_name_and_status(shop):
    for name in ("listed-b", "listed-a"):
        shop.put(name, data="one")
        shop.run(name)
    shop.run("listed-c")
    listed = shop.sagemaker.list_transform_jobs

    def names(**asked):
        found = listed(NameContains="listed", **asked)["TransformJobSummaries"]
        return [one["TransformJobName"] for one in found]

    assert names() == ["listed-c", "listed-a", "listed-b"]
    assert names(SortBy="Name", SortOrder="Ascending") == ["listed-a", "listed-b", "listed-c"]
    assert names(StatusEquals="Failed") == ["listed-c"]
    first = listed(NameContains="listed", MaxResults=2)
    assert first["TransformJobSummaries"][0]["FailureReason"]
    assert first["TransformJobSummaries"][1]["LastModifiedTime"]
    rest = listed(NameContains="listed", MaxResults=2, NextToken=first["NextToken"])
    assert len(rest["TransformJobSummaries"]) == 1


def test_a_name_is_given_once_and_what_is_not_there_is_named(shop):
    shop.put("once-only", data="one")
    shop.run("once-only")
    request = shop.request("once-only")
    code, message = refused(shop.sagemaker.create_transform_job, **request)
    assert code == "ResourceInUse"
    assert "already exists" in message
    for call in (shop.sagemaker.describe_transform_job, shop.sagemaker.stop_transform_job):
        assert refused(call, TransformJobName="nobody") == (
            "ValidationException",
            "Could not find requested job with name: nobody",
        )
    request = shop.request("no-model", "nobody")
    code, message = refused(shop.sagemaker.create_transform_job, **request)
    assert code == "ValidationException"
    assert re.fullmatch(r'Could not find model "arn:aws:sagemaker:.*:model/nobody"\.', message)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"source": {"SplitType": "RecordIO"}}, "SplitType RecordIO"),
        ({"source": {"SplitType": "TFRecord"}}, "SplitType TFRecord"),
        (
            {
                "source": {
                    "DataSource": {
                        "S3DataSource": {
                            "S3DataType": "AugmentedManifestFile",
                            "S3Uri": "s3://bucket/it",
                        }
                    }
                }
            },
            "S3DataType AugmentedManifestFile",
        ),
        ({"MaxPayloadInMB": 0}, "MaxPayloadInMB must be above 0"),
        ({"MaxPayloadInMB": 101}, "MaxPayloadInMB cannot be greater than 100"),
        ({"MaxPayloadInMB": 26, "MaxConcurrentTransforms": 4}, "* MaxPayloadInMB"),
        ({"resources": {"InstanceCount": 101}}, "InstanceCount"),
        ({"DataProcessing": {"JoinSource": "Input"}}, "DataProcessing of"),
        ({"DataProcessing": {"InputFilter": "$[1:]"}}, "DataProcessing of"),
        ({"DataProcessing": {"OutputFilter": "$.id"}}, "DataProcessing of"),
        ({"DataCaptureConfig": {"DestinationS3Uri": "s3://bucket/it"}}, "DataCaptureConfig"),
        ({"ExperimentConfig": {"ExperimentName": "e"}}, "ExperimentConfig"),
        ({"resources": {"TransformAmiVersion": "al2"}}, "TransformAmiVersion"),
    ],
)
def test_what_would_be_ignored_or_cannot_run_is_refused_before_it_begins(shop, change, said):
    request = shop.request("refused", **change)
    code, message = refused(shop.sagemaker.create_transform_job, **request)
    assert code == "ValidationException"
    assert said in message
    assert not shop.sagemaker.list_transform_jobs(NameContains="refused")["TransformJobSummaries"]


def test_data_processing_that_asks_for_nothing_is_let_through(shop):
    nothing = {"JoinSource": "None", "InputFilter": "$", "OutputFilter": "$"}
    shop.put("as-it-is", data="one")
    told = shop.run("as-it-is", DataProcessing=nothing)
    assert told["TransformJobStatus"] == "Completed"
    assert told["DataProcessing"] == nothing


def test_more_than_there_is_at_once_fails_the_job(shop):
    shop.put("greedy", data="one")
    told = shop.run("greedy", MaxConcurrentTransforms=50)
    assert told["FailureReason"].startswith("ClientError: MaxConcurrentTransforms * MaxPayload")


def test_capacity_that_is_missing_fails_the_job_and_a_machine_may_be_late(shop):
    shop.put("no-machine", data="one")
    shop.aws.faults.add(kind="capacity", target="no-machine", times=1)
    assert shop.run("no-machine")["FailureReason"].startswith("CapacityError: ")
    shop.put("late-machine", data="one")
    shop.aws.faults.add(kind="slow_start", target="late-machine", seconds=60, times=1)
    told = shop.run("late-machine")
    assert told["TransformJobStatus"] == "Completed"
    assert (told["TransformStartTime"] - told["CreationTime"]).total_seconds() >= 60


def test_a_model_without_a_network_has_no_credentials(shop):
    shop.sagemaker.create_model(
        ModelName="isolated",
        ExecutionRoleArn="arn:aws:iam::123456789012:role/transform",
        EnableNetworkIsolation=True,
        PrimaryContainer={
            "Image": "image",
            "ModelDataUrl": f"s3://{shop.bucket}/model.tar.gz",
            "Environment": {"TELL": "1"},
        },
    )
    shop.put("isolated", data="one")
    shop.run("isolated", "isolated")
    [told] = told_lines(shop, "isolated", "data.out")
    assert not [name for name in told["environment"] if name.startswith("AWS_")]
    assert any(line.startswith("EnableNetworkIsolation: ") for line in shop.lines("isolated"))


def test_tags_are_those_of_its_creation(shop):
    tags = [{"Key": "sluice:model", "Value": "m"}]
    shop.put("tagged", data="one")
    arn = shop.run("tagged", Tags=tags)["TransformJobArn"]
    assert shop.sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags


def test_the_waiter_of_boto3_follows_a_job(shop):
    shop.put("waited", data="one")
    shop.begin("waited")
    waiter = shop.sagemaker.get_waiter("transform_job_completed_or_stopped")
    waiter.wait(TransformJobName="waited", WaiterConfig={"Delay": 1, "MaxAttempts": 90})
    assert shop.described("waited")["TransformJobStatus"] == "Completed"
