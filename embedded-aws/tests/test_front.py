"""The door itself: what HTTP clients of all manners get."""

import http.client
import json
import logging
import socket
import threading
import urllib.request

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from embedded_aws import EmbeddedAws
from embedded_aws.admission.door import Door
from embedded_aws.calls import Calls
from embedded_aws.clock import Clock
from embedded_aws.faults import Faults
from embedded_aws.front import Front
from embedded_aws.protocol.operations import MAX_INVOCATION_BYTES
from embedded_aws.protocol.service import Response

TIME_SCALE = 60
SCOPE = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/{}/aws4_request, SignedHeaders=host"


class Broken:
    """A service with a bug."""

    def handle(self, request):
        raise KeyError("secret of the house")

    def close(self):
        pass


class Echo:
    """Tells what reached it."""

    def handle(self, request):
        told = {
            "service": request.service,
            "action": request.action,
            "region": request.region,
            "path": request.path,
            "query": request.query,
            "body": request.body.decode(),
        }
        return Response(200, json.dumps(told).encode(), {"x-seen": "yes"})

    def close(self):
        pass


@pytest.fixture(scope="module")
def front():
    front = Front(0, Clock(), Faults(), Calls(), Door("secret"))
    admin = edge = Echo().handle
    front.serve({"broken": Broken()}, Echo(), admin, edge)
    yield front
    front.close()


@pytest.fixture
def connection(front):
    connection = http.client.HTTPConnection(front.endpoint_url.removeprefix("http://"))
    yield connection
    connection.close()


def send(connection, method, path, service, body=b"", **headers):
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    headers["authorization"] = SCOPE.format(service)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    return answer, answer.read()


@pytest.mark.parametrize(
    ("path", "headers", "expected"),
    [
        ("/", {"x-amz-target": "SageMaker.CreateModel"}, ("sagemaker", "CreateModel")),
        (
            "/service/GraniteServiceVersion20100801/operation/PutMetricData",
            {"smithy-protocol": "rpc-v2-cbor"},
            ("monitoring", "PutMetricData"),
        ),
        ("/endpoints/e%2Fx/invocations", {}, ("sagemaker", "InvokeEndpoint")),
        ("/endpoints/e/async-invocations", {}, ("sagemaker", "InvokeEndpointAsync")),
        ("/?Action=Publish", {}, ("sns", "Publish")),
        ("/b/a%20key", {}, ("s3", "PutObject")),
        ("/b/k?partNumber=1&uploadId=x", {}, ("s3", "UploadPart")),
        ("/b/k", {"x-amz-copy-source": "b/x"}, ("s3", "CopyObject")),
        ("/b?versioning", {}, ("s3", "PutBucketVersioning")),
    ],
)
def test_a_request_finds_its_service_and_its_name(connection, path, headers, expected):
    service, action = expected
    method = "PUT" if service == "s3" else "POST"
    _, body = send(connection, method, path, service, b"", **headers)
    told = json.loads(body)
    assert (told["service"], told["action"], told["region"]) == (service, action, "us-east-1")
    assert told["path"] == path.partition("?")[0]  # still percent-encoded


def raw(front, head, part=b"", times=1):
    """What comes back on a connection of its own, which the front must end."""
    host, port = front.endpoint_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as line:
        line.sendall(head)
        try:
            for _ in range(times):
                line.sendall(part)
        except OSError:
            pass
        said = b""
        try:
            while came := line.recv(65536):
                said += came
        except ConnectionResetError:
            pass
        return said


@pytest.mark.parametrize("length", ["-1", "1e3", "9" * 30 + "x", "\u0663"])
def test_a_length_that_is_none_is_refused(front, length):
    head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"
    assert raw(front, head.encode()).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("framing", "part"),
    [
        (f"Content-Length: {1 << 40}", b"x" * (1 << 20)),
        ("Transfer-Encoding: chunked", b"100000\r\n%s\r\n" % (b"x" * (1 << 20))),
        ("Transfer-Encoding: chunked", b"ffffffffff\r\n" + b"x" * (1 << 20)),
    ],
)
def test_an_invocation_is_read_no_further_than_a_model_may_be_sent(front, framing, part):
    """Its service sees one byte more than is allowed, and says so; the connection ends."""
    head = f"POST /endpoints/e/invocations HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n"
    said = raw(front, head.encode(), part, times=40)
    assert len(said) < MAX_INVOCATION_BYTES + 10_000
    assert not said or b"connection: close" in said[:1000].lower()


def test_an_action_may_stand_in_a_form(connection):
    form = {"content_type": "application/x-www-form-urlencoded; charset=utf-8"}
    _, body = send(connection, "POST", "/", "sns", b"Version=1&Action=CreateTopic", **form)
    assert json.loads(body)["action"] == "CreateTopic"


def test_a_presigned_address_tells_its_scope(connection):
    credential = "X-Amz-Credential=a%2F20260101%2Feu-west-1%2Fs3%2Faws4_request"
    connection.request("GET", f"/b/k?{credential}&X-Amz-Signature=0")
    told = json.loads(connection.getresponse().read())
    assert (told["service"], told["region"], told["action"]) == ("s3", "eu-west-1", "GetObject")


def test_a_connection_is_kept(connection):
    send(connection, "GET", "/b/1", "s3")
    first = connection.sock
    send(connection, "GET", "/b/2", "s3")
    assert connection.sock is first


def test_a_chunked_request_is_read_to_its_end(connection):
    headers = {"authorization": SCOPE.format("s3")}
    for _ in range(2):  # the second proves that nothing of the first was left on the line
        connection.request("PUT", "/b/k", iter([b"ab", b"cd"]), headers, encode_chunked=True)
        assert json.loads(connection.getresponse().read())["body"] == "abcd"


def test_a_client_that_waits_for_leave_to_send_gets_it(front):
    host, port = front.endpoint_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall(
            b"PUT /b/k HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\nexpect: 100-continue\r\n"
            b"authorization: " + SCOPE.format("s3").encode() + b"\r\n\r\n"
        )
        assert line.recv(100).startswith(b"HTTP/1.1 100 Continue")
        line.sendall(b"ok")
        answer = line.recv(1000)
        assert answer.startswith(b"HTTP/1.1 200")
        assert b'"body": "ok"' in answer


def test_head_tells_a_length_and_sends_no_body(connection):
    answer, body = send(connection, "HEAD", "/b/k", "s3")
    assert (answer.status, body) == (200, b"")
    assert int(answer.headers["content-length"]) > 0


def test_a_bug_is_an_internal_failure_and_its_trace_stays_in_the_log(connection, caplog):
    with caplog.at_level(logging.ERROR):
        answer, body = send(connection, "POST", "/", "broken", b"{}", x_amz_target="Broken.DoIt")
    assert answer.status == 500
    assert json.loads(body)["__type"] == "InternalFailure"
    assert b"secret" not in body
    assert "secret of the house" in caplog.text


@pytest.mark.parametrize("path", ["//i]%5D{", "/%00", "//[::1", "/a?b=%"])
def test_a_path_that_is_none_is_an_error_and_no_silence(aws, path):
    with socket.create_connection(("127.0.0.1", int(aws.endpoint_url.rpartition(":")[2]))) as door:
        scope = SCOPE.format("lambda")
        head = f"GET {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: {scope}\r\n\r\n"
        door.sendall(head.encode())
        assert door.recv(65_536).startswith((b"HTTP/1.1 4", b"HTTP/1.1 5"))


def test_every_answer_can_be_told_to_support_by_its_request_id(lab):
    ids = [
        lab.sagemaker.list_training_jobs()["ResponseMetadata"]["RequestId"],
        lab.aws.client("cloudwatch").list_metrics()["ResponseMetadata"]["RequestId"],
        lab.s3.list_buckets()["ResponseMetadata"]["RequestId"],
    ]
    assert len(set(ids)) == len(ids)
    assert all(ids)


def test_a_broken_framing_is_refused(front):
    host, port = front.endpoint_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as line:
        line.sendall(
            b"PUT /b/k HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n"
        )
        assert line.recv(100).startswith(b"HTTP/1.1 400")


def test_a_taken_port_is_told(front):
    port = int(front.endpoint_url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        EmbeddedAws(port=port)


def test_a_lost_answer_has_acted(aws):
    sqs = aws.client("sqs")
    aws.faults.add("lost_answer", service="sqs", action="CreateQueue")
    answer = sqs.create_queue(QueueName="made-once")
    assert answer["ResponseMetadata"]["RetryAttempts"] == 1
    assert aws.calls.count("sqs", "CreateQueue") == 2


def test_a_dropped_connection_has_acted_too(lab):
    patient = boto3.client(
        "sagemaker",
        endpoint_url=lab.aws.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="a",
        config=Config(retries={"total_max_attempts": 1}),
    )
    lab.aws.faults.add("lost_answer", action="CreateTrainingJob", drop=True)
    with pytest.raises(ConnectionClosedError):
        patient.create_training_job(**lab.request("lost", "print(1)"))
    assert lab.wait("lost")["TrainingJobStatus"] == "Completed"


def test_an_object_can_be_singled_out(lab):
    lab.aws.faults.add(
        "error",
        service="s3",
        action="PutObject",
        params={"Bucket": lab.bucket, "Key": "journal/*"},
        code="AccessDenied",
        status=403,
    )
    lab.s3.put_object(Bucket=lab.bucket, Key="other", Body=b"")
    with pytest.raises(ClientError, match="AccessDenied"):
        lab.s3.put_object(Bucket=lab.bucket, Key="journal/1", Body=b"")
    lab.s3.put_object(Bucket=lab.bucket, Key="journal/1", Body=b"")


@pytest.mark.parametrize("compressed_from", [10_240, 1])
def test_a_metric_or_an_alarm_can_be_singled_out(lab, compressed_from):
    cloudwatch = boto3.client(
        "cloudwatch",
        endpoint_url=lab.aws.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="a",
        config=Config(request_min_compression_size_bytes=compressed_from),
    )
    lab.aws.faults.add(
        "error", service="monitoring", params={"Namespace": "Shop/*"}, code="InternalFailure"
    )
    metric = [{"MetricName": "Visits", "Value": 1.0}]
    cloudwatch.put_metric_data(Namespace="Office", MetricData=metric)
    with pytest.raises(ClientError, match="InternalFailure"):
        cloudwatch.put_metric_data(Namespace="Shop/Berlin", MetricData=metric)


def test_two_in_one_process_have_their_own_clocks_and_jobs(aws):
    with EmbeddedAws(time_scale=2) as other:
        assert other.endpoint_url != aws.endpoint_url
        assert other.clock.scale == 2
        assert other.client("sagemaker").list_training_jobs()["TrainingJobSummaries"] == []


def test_closing_ends_every_thread_and_removes_the_folder():
    before = set(threading.enumerate())
    with EmbeddedAws() as embedded:
        folder = embedded.state_dir
        embedded.client("s3").list_buckets()
        line = urllib.request.urlopen(f"{embedded.endpoint_url}/_embedded/health")
        line.read()
    assert not folder.exists()
    for thread in set(threading.enumerate()) - before:
        thread.join(2)
        assert not thread.is_alive(), thread
