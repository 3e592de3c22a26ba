"""A form uploads only what the policy of its signer allows."""

import base64
import html
import json
import re
import urllib.error
import urllib.request

import pytest

BUCKET = "forms"
HERE = "http://localhost.test/random"


@pytest.fixture(scope="module")
def s3(aws):
    client = aws.client("s3")
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture
def post(aws):
    """Sends a form; returns status, and the members of the error."""

    def send(fields, data=b"x", files=1, named=True):
        name = '; filename="f"' if named else ""
        parts = [
            f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in fields.items()
        ]
        head = f'--b\r\nContent-Disposition: form-data; name="file"{name}\r\n\r\n'.encode()
        parts += [head + data + b"\r\n"] * files
        request = urllib.request.Request(
            f"{aws.endpoint_url}/{BUCKET}",
            data=b"".join(parts) + b"--b--\r\n",
            headers={"content-type": "multipart/form-data; boundary=b"},
        )
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, {}
        except urllib.error.HTTPError as error:
            members = re.findall(r"<(\w+)>([^<]*)</\1>", error.read().decode())
            return error.code, {name: html.unescape(value) for name, value in members}

    return send


@pytest.fixture
def signed(s3):
    """The fields of a form for a key."""

    def sign(key, *conditions, fields=None, seconds=60):
        made = s3.generate_presigned_post(
            BUCKET, key, Fields=fields, Conditions=list(conditions), ExpiresIn=seconds
        )
        return made["fields"]

    return sign


def there(s3, key):
    return s3.list_objects_v2(Bucket=BUCKET, Prefix=key)["KeyCount"] == 1


def failing(*condition):
    return f"Invalid according to Policy: Policy Condition failed: {json.dumps(condition)}"


@pytest.mark.parametrize("named", [True, False])
def test_a_file_is_as_large_as_the_policy_says(s3, post, signed, named):
    fields = signed("size", ["content-length-range", 5, 10])
    status, error = post(fields, b"a" * 11, named=named)
    assert (status, error["Code"]) == (400, "EntityTooLarge")
    assert error["Message"] == "Your proposed upload exceeds the maximum allowed size"
    assert (error["ProposedSize"], error["MaxSizeAllowed"]) == ("11", "10")
    status, error = post(fields, b"a" * 4, named=named)
    assert (status, error["Code"]) == (400, "EntityTooSmall")
    assert error["Message"] == "Your proposed upload is smaller than the minimum allowed size"
    assert (error["ProposedSize"], error["MinSizeAllowed"]) == ("4", "5")
    assert not there(s3, "size")
    for size in (5, 10):
        assert post(fields, b"a" * size, named=named)[0] == 204
        assert s3.head_object(Bucket=BUCKET, Key="size")["ContentLength"] == size
    s3.delete_object(Bucket=BUCKET, Key="size")


@pytest.mark.parametrize(
    ("conditions", "changes", "message"),
    [
        ([], {"key": "other"}, failing("eq", "$key", "fields")),
        ([["content-length-range", "a", 9]], {}, failing("content-length-range", "a", 9)),
        ([["eq", "$acl", "private"]], {"acl": "public-read"}, failing("eq", "$acl", "private")),
        ([["eq", "$acl", "private"]], {}, failing("eq", "$acl", "private")),
        ([["eq", "acl", "private"]], {"acl": "private"}, failing("eq", "acl", "private")),
        ([{"acl": "private"}], {"acl": "Private"}, failing("eq", "$acl", "private")),
        ([{"bucket": "another"}], {}, failing("eq", "$bucket", "another")),
        (
            [["starts-with", "$x-amz-meta-a", "user/"]],
            {"x-amz-meta-a": "use"},
            failing("starts-with", "$x-amz-meta-a", "user/"),
        ),
        ([["like", "$acl", "p"]], {"acl": "p"}, failing("like", "$acl", "p")),
        (
            [],
            {"x-amz-meta-a": "b"},
            "Invalid according to Policy: Extra input fields: x-amz-meta-a",
        ),
    ],
)
def test_what_the_policy_does_not_allow_is_denied(s3, post, signed, conditions, changes, message):
    status, error = post({**signed("fields", *conditions), **changes})
    assert (status, error["Code"], error["Message"]) == (403, "AccessDenied", message)
    assert not there(s3, "fields")
    assert not there(s3, "other")


def test_what_the_policy_allows_is_uploaded(s3, post, signed):
    fields = signed(
        "user/1/${filename}",
        {"bucket": BUCKET},
        ["starts-with", "$KEY", "user/1/"],
        ["eq", "$x-amz-meta-test-2", "2"],
        ["starts-with", "$Content-Type", ""],
        {"success_action_status": "201"},
        ["content-length-range", "0", "10"],
        fields={
            "x-amz-meta-TEST-2": "2",
            "Content-Type": "image/png",
            "success_action_status": "201",
            "x-ignore-this": "any",
        },
    )
    assert post(fields, b"x")[0] == 201


def test_a_policy_ends(s3, post, signed):
    status, error = post(signed("late", seconds=-1))
    assert (status, error["Code"]) == (403, "AccessDenied")
    assert error["Message"] == "Invalid according to Policy: Policy expired."
    assert not there(s3, "late")


@pytest.mark.parametrize(
    ("policy", "message"),
    [
        (b"{", "Invalid JSON."),
        (b'{"conditions": []}', "Policy missing expiration."),
        (b'{"expiration": "2999-01-01T00:00:00Z"}', "Policy missing conditions."),
        (b'{"expiration": "soon", "conditions": []}', "Invalid 'expiration' value: 'soon'"),
        (
            b'{"expiration": "2999-01-01T00:00:00.000Z", "conditions": [{"a": "1", "b": "2"}]}',
            "Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.",
        ),
    ],
)
def test_a_policy_that_cannot_be_read_allows_nothing(s3, post, signed, policy, message):
    fields = {**signed("broken"), "policy": base64.b64encode(policy).decode()}
    status, error = post(fields)
    assert (status, error["Code"]) == (400, "InvalidPolicyDocument")
    assert error["Message"] == f"Invalid Policy: {message}"
    assert not there(s3, "broken")


@pytest.mark.parametrize("name", ["key", "policy", "AWSAccessKeyId"])
def test_a_signature_needs_its_fields(s3, post, signed, name):
    fields = signed("lacking")
    del fields[name]
    status, error = post(fields)
    assert (status, error["Code"], error["ArgumentName"]) == (400, "InvalidArgument", name)
    assert error["Message"].startswith(f"Bucket POST must contain a field named '{name}'.")
    assert not there(s3, "lacking")


def test_version_4_signs_its_fields_too(aws, s3, post):
    import boto3
    import botocore.config

    client = boto3.client(
        "s3",
        endpoint_url=aws.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="a",
        config=botocore.config.Config(signature_version="s3v4"),
    )
    fields = client.generate_presigned_post(BUCKET, "four")["fields"]
    status, error = post({k: v for k, v in fields.items() if k != "x-amz-algorithm"})
    assert (status, error["ArgumentName"]) == (400, "X-Amz-Algorithm")
    assert post({**fields, "x-amz-date": "20200101T000000Z"})[0] == 403
    assert post(fields)[0] == 204


@pytest.mark.parametrize("files", [0, 2])
def test_a_form_has_one_file(s3, post, signed, files):
    status, error = post(signed("files"), files=files)
    assert (status, error["Code"], error["ArgumentName"]) == (400, "InvalidArgument", "file")
    assert not there(s3, "files")
