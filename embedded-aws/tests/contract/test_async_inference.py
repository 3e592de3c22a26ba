"""Asynchronous inference as its guide describes it: queued, stored, told of."""

import base64
import re

import pytest
from customer.queued import FAILED, OUT, Counter, refused
from customer.shop import BUCKET, Shop

TIME_SCALE = 60


@pytest.fixture(scope="module")
def shop(aws):
    return Shop(aws.client)


@pytest.fixture(scope="module")
def counter(aws, shop):
    return Counter(aws.client, shop)


@pytest.fixture(scope="module")
def queued(counter):
    """An asynchronous endpoint whose topics get the responses, too."""
    both = ["SUCCESS_NOTIFICATION_TOPIC", "ERROR_NOTIFICATION_TOPIC"]
    included = {**counter.topics, "IncludeInferenceResponseIn": both}
    return counter.endpoint(most=4, NotificationConfig=included)


def test_a_response_is_stored_and_told_of(counter, queued):
    place = counter.put({"echo": "hello"})
    answer = counter.ask(
        queued, InputLocation=place, Accept="application/json", CustomAttributes="trace=7"
    )
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    inference = answer["InferenceId"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", inference)
    assert answer["OutputLocation"] == f"{OUT}/{inference}.out"
    assert answer["FailureLocation"] == f"{FAILED}/{inference}-error.out"
    told = counter.response(answer)
    assert told["echo"] == "hello"
    headers = told["headers"]
    assert headers["content-type"] == headers["accept"] == "application/json"
    assert headers["x-amzn-sagemaker-inference-id"] == inference
    assert headers["x-amzn-sagemaker-custom-attributes"] == "trace=7"
    notice = counter.notice(answer)
    body = notice.pop("responseBody")
    assert base64.b64decode(body["content"]) == counter.stored(answer["OutputLocation"])
    assert body["encoding"] == "BASE64"
    received, ended = notice.pop("receivedTime"), notice.pop("eventTime")
    assert received <= ended
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", received)
    assert notice == {
        "topic": counter.topics["SuccessTopic"],
        "awsRegion": "us-east-1",
        "invocationStatus": "Completed",
        "requestParameters": {
            "accept": "application/json",
            "contentType": "application/json",
            "endpointName": queued,
            "inputLocation": place,
        },
        "responseParameters": {
            "contentType": "application/json",
            "outputLocation": answer["OutputLocation"],
        },
        "inferenceId": inference,
        "eventVersion": "1.0",
        "eventSource": "aws:sagemaker",
        "eventName": "InferenceResult",
    }
    assert counter.stored(answer["FailureLocation"]) is None


def test_a_payload_may_come_along_and_its_response_be_named(counter, queued):
    answer = counter.ask(
        queued,
        Body=b'{"echo": "inline"}',
        InferenceId="order 7",
        S3OutputPathExtension="tenant/a",
        Filename="report.json",
    )
    assert answer["InferenceId"] == "order 7"
    assert answer["OutputLocation"] == f"{OUT}/tenant/a/report.json"
    assert answer["FailureLocation"] == f"{FAILED}/report-error.out"
    assert counter.response(answer)["echo"] == "inline"
    assert "inputLocation" not in counter.notice(answer)["requestParameters"]


@pytest.mark.parametrize(("status", "side"), [(418, "client"), (500, "server")])
def test_the_models_own_error_is_stored_and_told_of(counter, queued, status, side):
    answer = counter.ask(queued, {"raw": "no such thing", "status": status})
    assert counter.failure(answer) == "no such thing"
    notice = counter.notice(answer)
    assert notice["topic"] == counter.topics["ErrorTopic"]
    assert notice["invocationStatus"] == "Failed"
    assert notice["failureReason"] == (
        f"ClientError: Received {side} error ({status}) from model. See the SageMaker Endpoint "
        "logs in your account for more information."
    )
    assert notice["failureLocation"] == answer["FailureLocation"]
    assert base64.b64decode(notice["responseBody"]["content"]) == b"no such thing"
    assert "responseParameters" not in notice
    assert counter.stored(answer["OutputLocation"]) is None


def test_other_failures_tell_their_reason(counter, queued):
    missing = counter.ask(queued, InputLocation=f"s3://{BUCKET}/not/there")
    late = counter.ask(queued, {"sleep": 30}, InvocationTimeoutSeconds=1)
    assert f"Unable to download s3://{BUCKET}/not/there" in counter.failure(missing)
    assert "timed out" in counter.failure(late)
    dying = counter.ask(queued, {"die": True})  # only now: it takes all down that are under way
    assert "could not get a response" in counter.failure(dying)
    for answer in (missing, late, dying):
        notice = counter.notice(answer)
        assert notice["failureReason"] == counter.failure(answer)
    assert counter.response(counter.ask(queued, {"echo": "it is back"}))["echo"] == "it is back"


def test_a_response_that_cannot_be_stored_is_a_failure(counter):
    name = counter.endpoint(S3OutputPath="s3://nobodys-bucket/out")
    answer = counter.ask(name)
    notice = counter.notice(answer)
    assert notice["invocationStatus"] == "Failed"
    assert "Unable to upload to s3://nobodys-bucket/out/" in notice["failureReason"]


def test_nothing_is_stored_or_told_where_nothing_is_configured(counter):
    both = {"S3FailurePath": OUT, "NotificationConfig": {}}
    name = counter.endpoint(**both)
    answer = counter.ask(name, {"raw": "first", "status": 500})
    assert counter.failure(answer) == "first"
    assert counter.response(counter.ask(name, {"echo": 2}))["echo"] == 2


def test_responses_are_stored_under_the_key_that_is_named(aws, counter):
    key = aws.client("kms").create_key()["KeyMetadata"]["Arn"]
    name = counter.endpoint(KmsKeyId=key)
    good = counter.ask(name)
    bad = counter.ask(name, {"raw": "no", "status": 400})
    counter.response(good)
    counter.failure(bad)
    for uri in (good["OutputLocation"], bad["FailureLocation"]):
        told = counter.shop.s3.head_object(Bucket=BUCKET, Key=uri.removeprefix(f"s3://{BUCKET}/"))
        assert (told["ServerSideEncryption"], told["SSEKMSKeyId"]) == ("aws:kms", key)
    assert told["ContentType"] == "application/json"


def test_each_kind_of_endpoint_refuses_the_other_kind_of_invocation(shop, counter, queued):
    plain = shop.simple()
    code, message = refused(shop.rt.invoke_endpoint, EndpointName=queued, Body=b"{}")
    assert code == "ValidationError"
    assert "can only receive asynchronous invocations" in message
    code, message = refused(
        shop.rt.invoke_endpoint_async, EndpointName=plain, InputLocation=f"{OUT}/x"
    )
    assert code == "ValidationError"
    assert "cannot receive asynchronous invocations" in message
    code, message = refused(
        shop.rt.invoke_endpoint_async, EndpointName="nobody", InputLocation=f"{OUT}/x"
    )
    assert (code, message) == (
        "ValidationError", "Endpoint nobody of account 123456789012 not found."
    )  # fmt: skip
    config = counter.config(shop.model())
    for name, other in ((plain, config), (queued, shop.config(shop.variant("main", shop.model())))):
        code, message = refused(
            shop.sm.update_endpoint, EndpointName=name, EndpointConfigName=other
        )
        assert code == "ValidationException"
        assert "AsyncInferenceConfig" in message


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "Neither Body nor InputLocation"),
        ({"Body": b"x", "InputLocation": f"{OUT}/x"}, "mutually exclusive"),
        ({"Body": b"x" * 128_001}, "up to 128000 bytes, got 128001 bytes"),
        ({"InputLocation": f"s3://{BUCKET}"}, "names no object"),
        ({"InputLocation": "https://example.com/x"}, "no address of Amazon S3"),
        ({"Body": b"x", "RequestTTLSeconds": 21_601}, "less than or equal to 21600"),
        ({"Body": b"x", "InvocationTimeoutSeconds": 3601}, "less than or equal to 3600"),
        ({"Body": b"x", "Filename": "a.b.c"}, "regular expression pattern"),
        ({"Body": b"x", "S3OutputPathExtension": "s3://x"}, "regular expression pattern"),
    ],
)
def test_an_invocation_that_is_none_is_refused(shop, queued, changes, words):
    code, message = refused(shop.rt.invoke_endpoint_async, EndpointName=queued, **changes)
    assert code == "ValidationError"
    assert words in message


def test_what_is_configured_is_described(shop, counter):
    config = counter.config(shop.model(), most=None)
    asked = {
        "ClientConfig": {},
        "OutputConfig": {
            "S3OutputPath": OUT, "S3FailurePath": FAILED, "NotificationConfig": counter.topics
        },
    }  # fmt: skip
    told = shop.sm.describe_endpoint_config(EndpointConfigName=config)
    assert told["AsyncInferenceConfig"] == asked
    name = shop.name("described")
    shop.sm.create_endpoint(EndpointName=name, EndpointConfigName=config)
    assert shop.describe(name)["AsyncInferenceConfig"] == asked
    assert shop.wait(name)["AsyncInferenceConfig"] == asked


SERVERLESS = {
    "VariantName": "main",
    "ServerlessConfig": {"MemorySizeInMB": 2048, "MaxConcurrency": 1},
}
CAPTURE = {
    "InitialSamplingPercentage": 100,
    "DestinationS3Uri": f"s3://{BUCKET}/captured",
    "CaptureOptions": [{"CaptureMode": "Input"}],
}
NOBODYS = "arn:aws:sns:us-east-1:123456789012:nobodys"


@pytest.mark.parametrize(
    ("variants", "output", "more", "words"),
    [
        (("a", "b"), {}, {}, "Multiple ProductionVariants (a, b) are not supported when"),
        (SERVERLESS, {}, {}, "ServerlessConfig (of production variant main) is not supported when"),
        (("a",), {}, {"ShadowProductionVariants": ["s"]}, "ShadowProductionVariants are not"),
        (("a",), {}, {"DataCaptureConfig": CAPTURE}, "DataCaptureConfig is not supported when"),
        (("a",), {"S3OutputPath": "s3://B_/x"}, {}, "S3OutputPath of AsyncInferenceConfig: s3://B"),
        (
            ("a",),
            {"S3FailurePath": "s3://shop/ä"},
            {},
            "S3FailurePath of AsyncInferenceConfig must",
        ),
        (("a",), {"S3FailurePath": "https://here/x"}, {}, "https://here/x is no address of Amazon"),
        (("a",), {"NotificationConfig": {"SuccessTopic": NOBODYS}}, {}, f"SuccessTopic {NOBODYS}"),
        (("a",), {"NotificationConfig": {"ErrorTopic": "arn:x"}}, {}, "regular expression pattern"),
        (
            ("a",),
            {"NotificationConfig": {"IncludeInferenceResponseIn": ["ERROR_NOTIFICATION_TOPIC"]}},
            {},
            "but NotificationConfig has no ErrorTopic",
        ),
    ],
)
def test_what_cannot_be_asynchronous_is_refused(shop, variants, output, more, words):
    model = shop.model()
    if isinstance(variants, dict):
        production = [{**variants, "ModelName": model}]
    else:
        production = [shop.variant(name, model) for name in variants]
    if shadows := more.get("ShadowProductionVariants"):
        more = {"ShadowProductionVariants": [shop.variant(name, model) for name in shadows]}
    code, message = refused(
        shop.sm.create_endpoint_config,
        EndpointConfigName=shop.name("refused"),
        ProductionVariants=production,
        AsyncInferenceConfig={"OutputConfig": {"S3OutputPath": OUT, **output}},
        **more,
    )
    assert code == "ValidationException"
    assert words in message
