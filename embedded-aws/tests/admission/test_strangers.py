"""Requests without a signature: what a policy or an ACL gives to everybody, and nothing more."""

import json
import urllib.error
import urllib.request

import pytest

BUCKET = "square"


@pytest.fixture(scope="module")
def s3(aws):
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="open/a", Body=b"a")
    s3.put_object(Bucket=BUCKET, Key="shut/b", Body=b"b")
    s3.put_object(Bucket=BUCKET, Key="by-acl", Body=b"c", ACL="public-read")
    return s3


@pytest.fixture
def ask(aws, s3):
    def ask(method, path, body=None, **headers):
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(
            aws.endpoint_url + path, data=body, headers=names, method=method
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    return ask


@pytest.fixture
def policy(s3):
    def set_policy(*statements):
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(document))

    yield set_policy
    s3.delete_bucket_policy(Bucket=BUCKET)
    s3.delete_public_access_block(Bucket=BUCKET)
    s3.put_bucket_acl(Bucket=BUCKET, ACL="private")


def statement(action, resource, effect="Allow", **more):
    resource = f"arn:aws:s3:::{BUCKET}{resource}"
    return {
        "Effect": effect, "Principal": "*", "Action": action, "Resource": resource, **more,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", f"/{BUCKET}"),
        ("GET", f"/{BUCKET}?list-type=2"),
        ("HEAD", f"/{BUCKET}"),
        ("GET", f"/{BUCKET}?versions"),
        ("GET", f"/{BUCKET}?policy"),
        ("GET", f"/{BUCKET}/open/a"),
        ("HEAD", f"/{BUCKET}/open/a"),
        ("GET", f"/{BUCKET}/nobody-put-this"),
        ("PUT", f"/{BUCKET}/mine"),
        ("PUT", f"/{BUCKET}/by-acl?acl"),
        ("PUT", "/a-bucket-of-mine"),
        ("POST", f"/{BUCKET}?delete"),
        ("POST", f"/{BUCKET}/x?uploads"),
        ("DELETE", f"/{BUCKET}/open/a"),
        ("DELETE", f"/{BUCKET}"),
        ("GET", "/v20180820/jobs"),
        ("POST", "/nobody/x"),
    ],
)
def test_a_stranger_gets_nothing_of_a_closed_bucket(s3, ask, method, path):
    status, body = ask(method, path, b"" if method == "POST" else None)
    assert status == 403
    assert method == "HEAD" or b"<Code>AccessDenied</Code>" in body
    assert s3.get_object(Bucket=BUCKET, Key="open/a")["Body"].read() == b"a"


def test_a_stranger_uploads_nothing_by_a_form(s3, ask):
    form = (
        b'--b\r\nContent-Disposition: form-data; name="key"\r\n\r\nmine\r\n--b\r\n'
        b'Content-Disposition: form-data; name="file"; filename="x"\r\n\r\nX\r\n--b--\r\n'
    )
    status, _ = ask("POST", f"/{BUCKET}", form, content_type="multipart/form-data; boundary=b")
    assert status == 403
    assert "mine" not in [item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]


def test_a_program_uploads_by_a_signed_form(s3, ask):
    made = s3.generate_presigned_post(BUCKET, "by-form")
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in made["fields"].items()
    ]
    parts.append('--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\nX\r\n')
    form = ("".join(parts) + "--b--\r\n").encode()
    assert ask("POST", f"/{BUCKET}", form, content_type="multipart/form-data; boundary=b")[0] < 300
    assert s3.get_object(Bucket=BUCKET, Key="by-form")["Body"].read() == b"X"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"{}", {"x_amz_target": "AmazonSQS.ListQueues"}),
        (b"{}", {"x_amz_target": "SageMaker.ListEndpoints"}),
        (b"{}", {"x_amz_target": "DynamoDB_20120810.ListTables"}),
    ],
)
def test_other_services_ask_for_a_signature(ask, body, headers):
    status, said = ask("POST", "/", body, content_type="application/x-amz-json-1.0", **headers)
    assert status == 403
    assert json.loads(said)["__type"] == "MissingAuthenticationToken"


def test_an_endpoint_asks_for_a_signature(ask):
    assert ask("POST", "/endpoints/any/invocations", b"1")[0] == 403


def test_credentials_are_given_to_who_has_none_yet(ask):
    form = b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=me" + (
        b"&RoleArn=arn:aws:iam::123456789012:role/any&WebIdentityToken=" + b"t" * 20
    )
    kind = "application/x-www-form-urlencoded"
    status, body = ask("POST", "/", form, content_type=kind)
    assert status == 200, body


def test_a_policy_opens_what_it_says(policy, ask):
    policy(statement("s3:Get*", "/open/*"), statement(["s3:ListBucket"], ""))
    assert ask("GET", f"/{BUCKET}/open/a") == (200, b"a")
    assert ask("HEAD", f"/{BUCKET}/open/a")[0] == 200
    assert ask("GET", f"/{BUCKET}?list-type=2")[0] == 200
    assert ask("GET", f"/{BUCKET}/shut/b")[0] == 403
    assert ask("PUT", f"/{BUCKET}/open/mine", b"x")[0] == 403
    assert ask("GET", f"/{BUCKET}?policy")[0] == 403


def test_a_denial_wins_and_conditions_open_nothing(policy, ask):
    policy(
        statement("s3:GetObject", "/*", Condition={"StringEquals": {"aws:Referer": "x"}}),
    )
    assert ask("GET", f"/{BUCKET}/open/a")[0] == 403
    policy(statement("s3:*", "/*"), statement("s3:GetObject", "/shut/*", "Deny"))
    assert ask("GET", f"/{BUCKET}/open/a")[0] == 200
    assert ask("GET", f"/{BUCKET}/shut/b")[0] == 403


@pytest.mark.parametrize(
    ("principal", "status"),
    [("*", 200), ({"AWS": "*"}, 200), ({"AWS": ["*"]}, 200),
     ({"AWS": "arn:aws:iam::123456789012:root"}, 403), ({"Service": "*"}, 403)],
)  # fmt: skip
def test_everybody_is_a_star(policy, ask, principal, status):
    policy({**statement("s3:GetObject", "/open/a"), "Principal": principal})
    assert ask("GET", f"/{BUCKET}/open/a")[0] == status


def test_what_is_public_can_be_blocked(s3, policy, ask):
    policy(statement("s3:GetObject", "/open/*"))
    assert ask("GET", f"/{BUCKET}/by-acl") == (200, b"c")
    assert ask("GET", f"/{BUCKET}/open/a")[0] == 200
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy"), True)
    s3.put_public_access_block(
        Bucket=BUCKET, PublicAccessBlockConfiguration={**block, "RestrictPublicBuckets": True}
    )
    assert ask("GET", f"/{BUCKET}/by-acl")[0] == 403
    assert ask("GET", f"/{BUCKET}/open/a")[0] == 403


def test_an_acl_opens_a_list(s3, policy, ask):
    s3.put_bucket_acl(Bucket=BUCKET, ACL="public-read")
    assert ask("GET", f"/{BUCKET}")[0] == 200
    assert ask("PUT", f"/{BUCKET}/mine", b"x")[0] == 403


def test_a_bucket_that_is_not_there_is_said_to_who_reads(ask):
    status, body = ask("GET", "/no-such-bucket/key")
    assert (status, b"NoSuchBucket" in body) == (404, True)
