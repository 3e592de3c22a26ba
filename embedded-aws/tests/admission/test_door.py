"""The door: who asks, from where, and what is let in; all of it as a browser may send it."""

import http.client
import json
import urllib.parse

import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from embedded_aws import EmbeddedAws

BUCKET = "vault"
HELD = b"what the vault holds"
EVIL = "http://evil.example"
SHOP = "https://shop.example"
FORGED = "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/{}/aws4_request, SignedHeaders=host"
FORGED_S3 = FORGED.format("s3")
FORGED_QUERY = "X-Amz-Credential=a/20260101/us-east-1/{}/aws4_request&X-Amz-Signature=0"
CROSS = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors"}
OPENED = {**CROSS, "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
FORM = (
    b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nby-a-page\r\n--b\r\n'
    b'Content-Disposition: form-data; name="X-Amz-Signature"\r\n\r\n0\r\n--b\r\n'
    b'Content-Disposition: form-data; name="file"; filename="x"\r\n\r\nX\r\n--b--\r\n'
)
MULTIPART = {"content-type": "multipart/form-data; boundary=b"}


@pytest.fixture(scope="module")
def vault(aws):
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="closed", Body=HELD)
    s3.put_bucket_cors(
        Bucket=BUCKET,
        CORSConfiguration={
            "CORSRules": [
                {
                    "AllowedMethods": ["GET", "PUT"],
                    "AllowedOrigins": [SHOP],
                    "AllowedHeaders": ["*"],
                }
            ]
        },
    )
    s3.create_bucket(Bucket="market")
    s3.put_object(Bucket="market", Key="open", Body=b"open")
    statement = {
        "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::market/*",
    }  # fmt: skip
    s3.put_bucket_policy(Bucket="market", Policy=json.dumps({"Statement": [statement]}))
    s3.put_bucket_cors(
        Bucket="market",
        CORSConfiguration={"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]},
    )
    return s3


@pytest.fixture(scope="module")
def distribution(aws, vault):
    origin = {
        "Id": "vault",
        "DomainName": f"{BUCKET}.s3.us-east-1.amazonaws.com",
        "S3OriginConfig": {"OriginAccessIdentity": ""},
    }
    config = {
        "CallerReference": "1", "Comment": "", "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {
            "TargetOriginId": "vault",
            "ViewerProtocolPolicy": "allow-all",
            "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
            "MinTTL": 0,
        },
    }  # fmt: skip
    made = aws.client("cloudfront").create_distribution(DistributionConfig=config)
    return made["Distribution"]


def send(aws, method, path, headers=None, body=b""):
    """Send exactly these headers, and Host where they name none."""
    line = http.client.HTTPConnection(aws.endpoint_url.removeprefix("http://"), timeout=30)
    try:
        line.request(method, path, body, headers or {})
        answer = line.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        line.close()


@pytest.fixture
def ask(aws, vault):
    return lambda *request, **more: send(aws, *request, **more)


@pytest.fixture
def effects(aws, vault):
    """Nothing was set, put, made or counted."""

    def seen():
        return (
            aws.faults.list(),
            [item["Key"] for item in vault.list_objects_v2(Bucket=BUCKET)["Contents"]],
            [bucket["Name"] for bucket in vault.list_buckets()["Buckets"]],
            aws.client("sqs").list_queues().get("QueueUrls"),
            aws.client("sns").list_topics()["Topics"],
        )

    before = seen()
    aws.calls.clear()
    yield
    assert aws.calls.report()["counts"] == {}
    assert seen() == before


HOSTS = [
    ("evil.example", False),
    ("evil.example:4566", False),
    ("localhost.evil.example", False),
    ("127.0.0.1.evil.example", False),
    ("x@localhost", False),
    ("0.0.0.0:4566", False),
    ("192.168.1.7:4566", False),
    ("", False),
    ("localhost", True),
    ("LOCALHOST:1", True),
    ("localhost.:4566", False),
    ("[::1]:4566", True),
    ("127.0.0.2", True),
    ("vault.localhost:4566", True),
]


@pytest.mark.parametrize(("host", "served"), HOSTS)
@pytest.mark.parametrize("path", ["/", "/vault/closed", "/_embedded/health", "/_cdn/X/y"])
def test_a_rebound_name_is_not_served(ask, host, served, path):
    status, _, body = ask("GET", path, {"host": host, "authorization": FORGED_S3})
    refused = status == 403 and b"is not asked under the host name" in body
    assert refused == (not served)


@pytest.mark.parametrize(
    "host", ["vault.s3.us-east-1.amazonaws.com", "sqs.us-east-1.amazonaws.com:4566"]
)
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_under_a_name_of_amazons_only_our_own_key_counts(ask, effects, host, method):
    for headers in ({}, {"authorization": FORGED_S3}):
        assert ask(method, "/closed", {"host": host, **headers})[0] == 403


def test_a_name_can_be_allowed():
    with EmbeddedAws(allowed_hosts=["aws", "*.lan"]) as other:
        for host, status in (("aws:4566", 200), ("a.lan", 200), ("lan", 403), ("b.aws", 403)):
            headers = {"host": host, "authorization": FORGED_S3}
            assert send(other, "GET", "/", headers)[0] == status, host
            browser = {**headers, "user-agent": "Mozilla/5.0 (X11)"}
            assert send(other, "GET", "/", browser)[0] == 403
            assert send(other, "GET", "/_embedded/s3/", browser)[0] == status


PAGES = [
    ("POST", "/_embedded/faults", {"origin": EVIL, "content-type": "text/plain"},
     b'{"kind": "throttle", "service": "s3"}'),
    ("POST", "/_embedded/faults", {"origin": "null"}, b'{"kind": "throttle", "service": "s3"}'),
    ("DELETE", "/_embedded/calls", {"origin": EVIL}, b""),
    ("GET", "/_embedded/things", CROSS, b""),
    ("GET", "/_embedded/s3/vault/closed", CROSS, b""),
    ("GET", "/_embedded/s3/vault/closed", {"origin": EVIL}, b""),
    ("GET", "/_embedded/s3/", {**OPENED, "sec-fetch-dest": "iframe"}, b""),
    ("GET", "/_embedded/s3/", {**CROSS, "sec-fetch-site": "same-origin"}, b""),
    ("GET", "/vault/closed", CROSS, b""),
    ("GET", "/no-such-bucket/x", CROSS, b""),
    ("GET", "/vault/closed", {"host": "vault.s3.amazonaws.com", "authorization": FORGED_S3}, b""),
    ("GET", "/closed", {"host": "vault.s3.amazonaws.com", "authorization": FORGED_S3}, b""),
    ("GET", "/vault/closed", OPENED, b""),
    ("GET", f"/vault/closed?{FORGED_QUERY.format('s3')}", CROSS, b""),
    ("GET", f"/vault/closed?{FORGED_QUERY.format('s3')}", OPENED, b""),
    ("GET", f"/vault/closed?{FORGED_QUERY.format('s3')}", {"origin": EVIL}, b""),
    ("GET", f"/vault/closed?{FORGED_QUERY.format('s3')}", {"origin": SHOP}, b""),
    ("GET", "/vault/closed?AWSAccessKeyId=a&Expires=9999999999&Signature=0", CROSS, b""),
    ("GET", "/vault", {**CROSS, "authorization": FORGED_S3}, b""),
    ("GET", "/vault", {**CROSS, "sec-fetch-site": "same-site", "authorization": FORGED_S3}, b""),
    ("GET", "/vault", {**CROSS, "sec-fetch-site": "same-origin", "authorization": FORGED_S3}, b""),
    ("PUT", f"/vault/by-a-page?{FORGED_QUERY.format('s3')}", {"origin": SHOP}, b"x"),
    ("PUT", "/by-a-page", {"origin": EVIL, "authorization": FORGED_S3}, b""),
    ("DELETE", "/vault/closed", {"origin": EVIL, "authorization": FORGED_S3}, b""),
    ("POST", "/vault", {"origin": EVIL, **MULTIPART}, FORM),
    ("POST", "/vault", {"origin": "null", **MULTIPART}, FORM),
    ("GET", f"/?Action=CreateQueue&QueueName=by-a-page&{FORGED_QUERY.format('sqs')}", CROSS, b""),
    ("GET", f"/?Action=CreateQueue&QueueName=by-a-page&{FORGED_QUERY.format('sqs')}", OPENED, b""),
    ("GET", f"/?Action=CreateQueue&QueueName=by-a-page&{FORGED_QUERY.format('sqs')}",
     {"user-agent": "Mozilla/5.0 (X11)"}, b""),  # an old one
    ("GET", f"/?Action=CreateTopic&Name=by-a-page&{FORGED_QUERY.format('sns')}",
     {**OPENED, "sec-fetch-site": "none"}, b""),
    ("POST", f"/?{FORGED_QUERY.format('sqs')}",
     {"origin": EVIL, "content-type": "application/x-www-form-urlencoded"},
     b"Action=CreateQueue&QueueName=by-a-page"),
    ("POST", "/", {"origin": EVIL, "content-type": "text/plain"},
     b"Action=AssumeRoleWithWebIdentity&RoleArn=a&RoleSessionName=b&WebIdentityToken=c"),
    ("POST", "/endpoints/any/invocations", {"origin": EVIL, "content-type": "text/plain"}, b"1"),
    ("GET", "/vault", {"origin": EVIL, "upgrade": "websocket", "connection": "Upgrade"}, b""),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "headers", "body"), PAGES)
def test_a_page_has_no_effect_and_reads_nothing(ask, effects, method, path, headers, body):
    status, told, said = ask(method, path, headers, body)
    assert status == 403
    assert HELD not in said
    assert "access-control-allow-origin" not in told
    assert said.startswith((b"<?xml", b"{"))  # an AWS error, with its sentence


@pytest.mark.parametrize(
    ("path", "origin", "method", "asked", "allowed"),
    [
        ("/vault/closed", EVIL, "GET", "authorization", False),
        ("/vault/closed", SHOP, "DELETE", "", False),
        ("/vault/closed", SHOP, "PUT", "content-type", True),
        ("/market/open", EVIL, "GET", "", True),
        ("/market/open", EVIL, "GET", "authorization", False),
        ("/market/open", EVIL, "PUT", "", False),
        ("/no-such-bucket/x", EVIL, "GET", "", False),
        ("/_embedded/faults", SHOP, "POST", "x-embedded-aws-secret", False),
        ("/", SHOP, "POST", "x-amz-target", False),
    ],
)
def test_a_preflight_is_granted_by_the_buckets_rules(
    ask, effects, path, origin, method, asked, allowed
):
    headers = {"origin": origin, "access-control-request-method": method}
    if asked:
        headers["access-control-request-headers"] = asked
    status, told, _ = ask("OPTIONS", path, headers)
    assert (status == 200) == allowed
    assert ("access-control-allow-origin" in told) == allowed


@pytest.mark.parametrize("origin", [SHOP, EVIL])
def test_a_presigned_address_is_for_pages_too_and_read_by_the_rules(aws, ask, vault, origin):
    url = vault.generate_presigned_url("get_object", {"Bucket": BUCKET, "Key": "closed"})
    target = url.removeprefix(aws.endpoint_url)
    status, told, body = ask("GET", target, {"origin": origin, **CROSS})
    assert (status, body) == (200, HELD)
    assert told.get("access-control-allow-origin") == (SHOP if origin == SHOP else None)


def test_a_page_may_put_by_a_presigned_address(aws, ask, vault):
    url = vault.generate_presigned_url("put_object", {"Bucket": BUCKET, "Key": "put"})
    target = url.removeprefix(aws.endpoint_url)
    assert ask("PUT", target, {"origin": SHOP}, b"by the shop")[0] == 200
    assert vault.get_object(Bucket=BUCKET, Key="put")["Body"].read() == b"by the shop"
    vault.delete_object(Bucket=BUCKET, Key="put")


def test_a_page_that_has_the_secret_may_do_what_a_program_may(aws, ask):
    own = Credentials("any", aws.environment()["AWS_SECRET_ACCESS_KEY"])
    request = AWSRequest("GET", f"{aws.endpoint_url}/vault")
    S3SigV4Auth(own, "s3", "us-east-1").add_auth(request)
    assert ask("GET", "/vault", {**request.headers, "origin": SHOP})[0] == 200


def test_what_everybody_may_read_pages_may_read(ask):
    status, told, body = ask("GET", "/market/open", {"origin": EVIL, **CROSS})
    assert (status, body, told["access-control-allow-origin"]) == (200, b"open", "*")


def test_a_person_may_type_an_address(ask):
    typed = {**OPENED, "sec-fetch-site": "none"}
    assert ask("GET", f"/vault/closed?{FORGED_QUERY.format('s3')}", typed)[2] == HELD
    assert ask("GET", "/_embedded/s3/vault/closed", typed)[0] == 200


def test_s3_is_looked_at_as_a_page_of_its_own(ask):
    for site in ("cross-site", "same-site", "same-origin", "none"):
        status, told, _ = ask("GET", "/_embedded/s3/vault/", {**OPENED, "sec-fetch-site": site})
        assert status == 200
        assert told["content-security-policy"].startswith("sandbox")
    assert ask("GET", "/_embedded/s3/vault/")[0] == 200
    assert ask("POST", "/_embedded/s3/vault/")[0] == 403


@pytest.mark.parametrize("secret", [None, "", "embedded", "\u00e4"])
def test_the_admin_path_asks_for_the_secret(aws, ask, secret):
    headers = {} if secret is None else {"x-embedded-aws-secret": secret}
    status, _, body = ask("GET", "/_embedded/clock", headers)
    assert status == 403
    assert b"x-embedded-aws-secret" in body
    assert aws.environment()["AWS_SECRET_ACCESS_KEY"].encode() not in body
    assert ask("GET", "/_embedded/health", headers)[0] == 200


def test_who_started_it_knows_the_secret(aws, ask):
    secret = {"x-embedded-aws-secret": aws.environment()["AWS_SECRET_ACCESS_KEY"]}
    assert ask("GET", "/_embedded/clock", secret)[0] == 200
    with EmbeddedAws() as other, EmbeddedAws(secret="mine") as third:
        assert other.environment()["AWS_SECRET_ACCESS_KEY"] not in {*secret.values(), "mine"}
        assert third.environment()["AWS_SECRET_ACCESS_KEY"] == "mine"
        assert send(other, "GET", "/_embedded/clock", secret)[0] == 403


def test_any_page_may_load_what_the_cdn_has(ask, distribution):
    path = f"/_cdn/{distribution['Id']}/closed"
    host = {"host": distribution["DomainName"]}
    for target, headers in ((path, {}), ("/closed", host)):
        status, told, body = ask("GET", target, {**headers, "origin": SHOP, **CROSS})
        assert (status, body, told["access-control-allow-origin"]) == (200, HELD, SHOP)
        status, told, _ = ask("GET", target, {**headers, "origin": EVIL, **CROSS})
        assert (status, told.get("access-control-allow-origin")) == (200, None)
    preflight = {"origin": SHOP, "access-control-request-method": "GET"}
    assert ask("OPTIONS", path, preflight)[0] == 200
    assert ask("OPTIONS", path, {**preflight, "origin": EVIL})[0] == 403


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_the_cdn_only_gives(ask, effects, distribution, method):
    path = f"/_cdn/{distribution['Id']}/{urllib.parse.quote('closed')}"
    assert ask(method, path, {"origin": SHOP}, b"x")[0] == 403
