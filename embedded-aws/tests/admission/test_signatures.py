"""Signatures: botocore's own hold, and no change of what they sign does."""

import time
from dataclasses import replace
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from embedded_aws.admission.signatures import is_proven, is_signed
from embedded_aws.protocol.service import Request

SECRET = "of-this-machine"
URL = "http://127.0.0.1:4566"


def made(signer, service, method="GET", path="/lake/a%20key", query="", body=b"", secret=SECRET):
    """A request as botocore signs it, and as it then comes in."""
    request = AWSRequest(method, f"{URL}{path}?{query}".rstrip("?"), data=body)
    signer(Credentials("any", secret), service, "us-east-1").add_auth(request)
    return came(request.prepare(), service, body)


def came(prepared, service, body=b""):
    split = urlsplit(prepared.url)
    names = {
        name.lower(): value.decode() if isinstance(value, bytes) else str(value)
        for name, value in prepared.headers.items()
    }
    headers = {"host": split.netloc, **names}
    return Request(service, "", prepared.method, split.path, split.query, headers, body, "")


def proven(request, now=None, secret=SECRET):
    return is_proven(request, request.path, secret, time.time() if now is None else now)


SIGNED = [
    (S3SigV4Auth, "s3", {}),
    (S3SigV4Auth, "s3", {"method": "PUT", "body": b"content"}),
    (S3SigV4Auth, "s3", {"path": "/lake/%C3%A4/b", "query": "list-type=2&prefix=a%2Fb"}),
    (SigV4Auth, "sqs", {"method": "POST", "path": "/", "body": b"{}"}),
    (SigV4Auth, "sagemaker", {"method": "POST", "path": "/endpoints/a/invocations", "body": b"1"}),
]


@pytest.mark.parametrize(("signer", "service", "what"), SIGNED)
def test_a_header_of_botocores_holds_for_who_has_the_secret(signer, service, what):
    request = made(signer, service, **what)
    assert is_signed(request)
    assert proven(request)
    assert not proven(request, secret="another")
    assert not proven(made(signer, service, secret="embedded", **what))
    for changed in (
        replace(request, method="DELETE"),
        replace(request, path="/lake/other"),
        replace(request, query="acl"),
        replace(request, body=b"other"),
        replace(request, headers={**request.headers, "host": "evil.example"}),
    ):
        assert not proven(changed)


@pytest.mark.parametrize("version", ["s3v4", "s3"])
@pytest.mark.parametrize("operation", ["get_object", "put_object"])
def test_a_presigned_address_holds_for_its_time(version, operation):
    s3 = boto3.client(
        "s3", endpoint_url=URL, region_name="us-east-1", aws_access_key_id="any",
        aws_secret_access_key=SECRET, config=Config(signature_version=version),
    )  # fmt: skip
    url = s3.generate_presigned_url(operation, {"Bucket": "lake", "Key": "a b/ä"}, ExpiresIn=60)
    method = "GET" if operation == "get_object" else "PUT"
    request = came(AWSRequest(method, url).prepare(), "s3")
    assert is_signed(request)
    assert proven(request)
    assert not proven(request, secret="another")
    assert not proven(request, now=time.time() + 90)
    assert not proven(replace(request, method="DELETE"))
    assert not proven(replace(request, path="/lake/other"))


@given(st.integers(-10_000_000, 10_000_000))
def test_a_header_holds_for_a_quarter_of_an_hour(off):
    request = made(S3SigV4Auth, "s3")
    if abs(off) < 890:
        assert proven(request, now=time.time() + off)
    if abs(off) > 910:
        assert not proven(request, now=time.time() + off)


@given(st.text(max_size=60), st.text(max_size=60))
def test_what_is_no_signature_proves_nothing(text, query):
    request = Request("s3", "", "GET", "/lake/key", query, {"authorization": text}, b"", "")
    assert not proven(request)
    presigned = f"X-Amz-Signature={query}&X-Amz-Credential=a/b&X-Amz-Expires=9&X-Amz-Date={text}"
    assert not proven(replace(request, query=presigned, headers={"host": "localhost"}))


@pytest.mark.parametrize(
    ("query", "headers", "body", "signed"),
    [
        ("", {}, b"", False),
        ("", {"authorization": ""}, b"", False),
        ("", {"authorization": "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/x"}, b"", True),
        ("X-Amz-Signature=0", {}, b"", True),
        ("Signature=0", {}, b"", False),
        ("AWSAccessKeyId=a&Signature=0", {}, b"", True),
        ("", {"content-type": "multipart/form-data; boundary=b"}, b'name="file"\r\n', False),
        ("", {"content-type": "multipart/form-data"}, b'name="x-amz-signature"\r\n', True),
    ],
)
def test_whether_there_is_one(query, headers, body, signed):
    assert is_signed(Request("s3", "", "POST", "/lake", query, headers, body, "")) == signed


def test_a_presigned_address_says_for_how_long_and_from_when():
    request = made(S3SigV4QueryAuth, "s3")
    assert proven(request)
    assert not proven(request, now=time.time() - 1000)
    assert not proven(replace(request, query=request.query.replace("Expires=3600", "Expires=9999")))
