"""What is locked stays: retention and legal holds as S3 takes, keeps and tells them."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.exceptions import ClientError
from customer.forms import sent

BUCKET, PLAIN = "locked", "unlocked"
PAST, SOONER, THEN, LATER = (datetime(year, 1, 1, tzinfo=UTC) for year in (2020, 2090, 2091, 2092))
SUMS = ("Content-MD5", "x-amz-sdk-checksum-algorithm", "x-amz-checksum-crc32")
MISSING = "Bucket is missing Object Lock Configuration"
DENIED = "Access Denied because object protected by object lock."


@pytest.fixture(scope="module")
def s3(aws):
    client = aws.client("s3")
    client.create_bucket(Bucket=BUCKET, ObjectLockEnabledForBucket=True)
    client.create_bucket(Bucket=PLAIN)
    return client


@pytest.fixture(scope="module")
def kept(s3):
    """Puts an object that is retained until then; the arguments that name its version."""

    def put(key, mode):
        version = s3.put_object(
            Bucket=BUCKET,
            Key=key,
            Body=b"x",
            ObjectLockMode=mode,
            ObjectLockRetainUntilDate=THEN,
        )["VersionId"]
        return {"Bucket": BUCKET, "Key": key, "VersionId": version}

    return put


def enabled(retention):
    return {"ObjectLockEnabled": "Enabled", "Rule": {"DefaultRetention": retention}}


def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


@pytest.mark.parametrize("mode", ["GOVERNANCE", "COMPLIANCE"])
def test_retention_is_told_and_the_version_is_not_deleted(s3, kept, mode):
    place = kept(f"told-{mode}", mode)
    told = s3.get_object_retention(**place)["Retention"]
    assert (told["Mode"], told["RetainUntilDate"]) == (mode, THEN)
    assert s3.head_object(**place)["ObjectLockMode"] == mode
    assert error_of(s3.delete_object, **place)[0] == "AccessDenied"
    assert s3.get_object(**place)["Body"].read() == b"x"
    marker = s3.delete_object(Bucket=BUCKET, Key=place["Key"])
    assert marker["DeleteMarker"], "a lock is of versions, not of names"
    assert s3.get_object(**place)["Body"].read() == b"x"


def test_who_may_bypass_governance_deletes_and_compliance_knows_nobody(s3, kept):
    s3.delete_object(**kept("bypassed", "GOVERNANCE"), BypassGovernanceRetention=True)
    place = kept("complied", "COMPLIANCE")
    assert error_of(s3.delete_object, **place, BypassGovernanceRetention=True)[0] == "AccessDenied"


@pytest.mark.parametrize(
    ("mode", "then", "until", "bypass", "taken"),
    [
        ("GOVERNANCE", "GOVERNANCE", LATER, False, True),
        ("GOVERNANCE", "COMPLIANCE", LATER, False, True),
        ("GOVERNANCE", "GOVERNANCE", SOONER, False, False),
        ("GOVERNANCE", "GOVERNANCE", SOONER, True, True),
        ("GOVERNANCE", "COMPLIANCE", SOONER, False, False),
        ("COMPLIANCE", "COMPLIANCE", LATER, False, True),
        ("COMPLIANCE", "COMPLIANCE", SOONER, True, False),
        ("COMPLIANCE", "GOVERNANCE", LATER, True, False),
    ],
)
def test_retention_becomes_longer_and_not_weaker(s3, kept, mode, then, until, bypass, taken):
    place = kept("changed", mode)
    asked = {
        **place,
        "Retention": {"Mode": then, "RetainUntilDate": until},
        **({"BypassGovernanceRetention": True} if bypass else {}),
    }
    if not taken:
        assert error_of(s3.put_object_retention, **asked) == ("AccessDenied", DENIED)
        return
    s3.put_object_retention(**asked)
    told = s3.get_object_retention(**place)["Retention"]
    assert (told["Mode"], told["RetainUntilDate"]) == (then, until)


def test_retention_is_taken_away_by_who_may_bypass_governance_alone(s3, kept):
    place = kept("freed", "GOVERNANCE")
    assert error_of(s3.put_object_retention, **place, Retention={})[0] == "AccessDenied"
    s3.put_object_retention(**place, Retention={}, BypassGovernanceRetention=True)
    assert error_of(s3.get_object_retention, **place)[0] == "NoSuchObjectLockConfiguration"
    s3.delete_object(**place)


def test_a_legal_hold_holds_until_it_is_taken_away(s3):
    version = s3.put_object(Bucket=BUCKET, Key="held", Body=b"x", ObjectLockLegalHoldStatus="ON")
    place = {"Bucket": BUCKET, "Key": "held", "VersionId": version["VersionId"]}
    assert s3.get_object_legal_hold(**place)["LegalHold"]["Status"] == "ON"
    assert error_of(s3.delete_object, **place, BypassGovernanceRetention=True)[0] == "AccessDenied"
    s3.put_object_legal_hold(**place, LegalHold={"Status": "OFF"})
    s3.delete_object(**place)


def test_what_has_no_lock_says_so(s3):
    s3.put_object(Bucket=BUCKET, Key="free", Body=b"x")
    place = {"Bucket": BUCKET, "Key": "free"}
    for call in (s3.get_object_retention, s3.get_object_legal_hold):
        assert error_of(call, **place)[0] == "NoSuchObjectLockConfiguration"
        assert error_of(call, Bucket=BUCKET, Key="nothing")[0] == "NoSuchKey"
        assert error_of(call, Bucket=PLAIN, Key="free") == ("InvalidRequest", MISSING)
    code, _ = error_of(s3.get_object_lock_configuration, Bucket=PLAIN)
    assert code == "ObjectLockConfigurationNotFoundError"


@pytest.mark.parametrize(
    ("mode", "until", "hold", "said"),
    [
        ("GOVERNANCE", None, None, "must both be supplied"),
        (None, THEN, None, "must both be supplied"),
        ("GOVERNANCE", PAST, None, "must be in the future"),
        ("FOREVER", THEN, None, "Unknown wormMode"),
        (None, None, "MAYBE", "either of 'ON' or 'OFF'"),
    ],
)
def test_what_s3_does_not_take_is_refused_and_nothing_is_written(s3, mode, until, hold, said):
    asked = {
        "ObjectLockMode": mode,
        "ObjectLockRetainUntilDate": until,
        "ObjectLockLegalHoldStatus": hold,
    }
    asked = {name: value for name, value in asked.items() if value is not None}
    code, message = error_of(s3.put_object, Bucket=BUCKET, Key="refused", **asked)
    assert code == "InvalidArgument"
    assert said in message
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix="refused")["KeyCount"] == 0


def test_what_is_locked_comes_with_a_checksum(aws, s3):
    bare = boto3.client(  # its requests are changed below
        "s3",
        endpoint_url=aws.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="a",
        aws_secret_access_key="a",
    )
    asked = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": THEN}
    bare.meta.events.register(
        "before-sign.s3.PutObject",
        lambda request, **_: [request.headers.__delitem__(name) for name in SUMS],
    )
    code, message = error_of(bare.put_object, Bucket=BUCKET, Key="bare", Body=b"x", **asked)
    assert code == "InvalidRequest"
    assert message.startswith("Content-MD5 OR x-amz-checksum- HTTP header is required")
    bare.put_object(Bucket=BUCKET, Key="bare", Body=b"x")
    sha = base64.b64encode(hashlib.sha256(b"x").digest()).decode()
    s3.put_object(Bucket=BUCKET, Key="summed", Body=b"x", ChecksumSHA256=sha, **asked)


def test_a_bucket_without_lock_locks_nothing(s3):
    asked = {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": THEN}
    refused = error_of(s3.put_object, Bucket=PLAIN, Key="refused", **asked)
    assert refused == ("InvalidRequest", MISSING)


def test_a_bucket_in_use_is_locked_and_keeps_by_itself_what_comes_in_parts_too(s3):
    bucket = {"Bucket": "in-use"}
    s3.create_bucket(**bucket)
    s3.put_object(**bucket, Key="before", Body=b"x")
    locked = enabled({"Mode": "COMPLIANCE", "Days": 7})
    code, message = error_of(
        s3.put_object_lock_configuration, **bucket, ObjectLockConfiguration=locked
    )
    assert code == "InvalidBucketState"
    assert "Versioning must be 'Enabled'" in message
    s3.put_bucket_versioning(**bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object_lock_configuration(**bucket, ObjectLockConfiguration=locked)
    told = s3.get_object_lock_configuration(**bucket)["ObjectLockConfiguration"]
    assert told["Rule"]["DefaultRetention"]["Days"] == 7
    suspended = {"VersioningConfiguration": {"Status": "Suspended"}}
    assert error_of(s3.put_bucket_versioning, **bucket, **suspended)[0] == "InvalidBucketState"

    s3.put_object(**bucket, Key="whole", Body=b"x")
    s3.copy_object(**bucket, Key="copied", CopySource="in-use/whole")
    upload = {**bucket, "Key": "parts"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    part = s3.upload_part(**upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(**upload, MultipartUpload=parts)
    for key in ("whole", "copied", "parts"):
        told = s3.get_object_retention(**bucket, Key=key)["Retention"]
        written = s3.head_object(**bucket, Key=key)["LastModified"]
        assert told["Mode"] == "COMPLIANCE", key
        assert timedelta(6.9) < told["RetainUntilDate"] - written < timedelta(7.1), key
    missing = error_of(s3.get_object_retention, **bucket, Key="before")
    assert missing[0] == "NoSuchObjectLockConfiguration"


def test_an_upload_in_parts_is_locked_as_it_was_asked_for(s3):
    upload = {"Bucket": BUCKET, "Key": "in-parts"}
    upload["UploadId"] = s3.create_multipart_upload(
        **upload,
        ObjectLockMode="GOVERNANCE",
        ObjectLockRetainUntilDate=THEN,
        ObjectLockLegalHoldStatus="ON",
    )["UploadId"]
    part = s3.upload_part(**upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    made = s3.complete_multipart_upload(**upload, MultipartUpload=parts)
    place = {"Bucket": BUCKET, "Key": "in-parts", "VersionId": made["VersionId"]}
    assert s3.get_object_retention(**place)["Retention"]["Mode"] == "GOVERNANCE"
    assert s3.get_object_legal_hold(**place)["LegalHold"]["Status"] == "ON"
    assert error_of(s3.delete_object, **place)[0] == "AccessDenied"


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({}, "MalformedXML"),
        ({"ObjectLockEnabled": "Disabled"}, "MalformedXML"),
        ({"Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}}}, "MalformedXML"),
        (enabled({"Mode": "GOVERNANCE"}), "MalformedXML"),
        (enabled({"Mode": "FOREVER", "Days": 1}), "MalformedXML"),
        (enabled({"Days": 1}), "MalformedXML"),
        (enabled({"Mode": "GOVERNANCE", "Days": 1, "Years": 1}), "MalformedXML"),
        (enabled({"Mode": "GOVERNANCE", "Days": 0}), "InvalidArgument"),
        (enabled({"Mode": "COMPLIANCE", "Years": -1}), "InvalidArgument"),
    ],
)
def test_a_configuration_that_is_none_is_refused(s3, asked, code):
    refused = error_of(
        s3.put_object_lock_configuration, Bucket=BUCKET, ObjectLockConfiguration=asked
    )
    assert refused[0] == code
    assert "Rule" not in s3.get_object_lock_configuration(Bucket=BUCKET)["ObjectLockConfiguration"]


def test_retention_ends_by_the_clock_that_everything_else_goes_by(aws, s3):
    version = s3.put_object(
        Bucket=BUCKET,
        Key="short",
        Body=b"x",
        ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=datetime.fromtimestamp(aws.clock.now() + 300, UTC),
    )["VersionId"]
    place = {"Bucket": BUCKET, "Key": "short", "VersionId": version}
    assert error_of(s3.delete_object, **place)[0] == "AccessDenied"
    aws.clock.sleep(300)
    s3.delete_object(**place)


def test_a_header_that_says_no_bypasses_nothing(s3, kept):
    place = kept("not-bypassed", "GOVERNANCE")
    refused = error_of(s3.delete_object, **place, BypassGovernanceRetention=False)
    assert refused[0] == "AccessDenied"


def test_what_the_bucket_keeps_by_itself_is_kept_from_the_virtual_time_on_forms_too(aws, s3):
    bucket = {"Bucket": "by-itself"}
    s3.create_bucket(**bucket, ObjectLockEnabledForBucket=True)
    locked = enabled({"Mode": "COMPLIANCE", "Days": 1})
    s3.put_object_lock_configuration(**bucket, ObjectLockConfiguration=locked)
    upload = {**bucket, "Key": "parts"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    part = s3.upload_part(**upload, PartNumber=1, Body=b"x")
    parts = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    s3.complete_multipart_upload(**upload, MultipartUpload=parts)
    form = s3.generate_presigned_post("by-itself", "posted")
    assert sent(form["url"], form["fields"]) == 204
    for key in ("parts", "posted"):
        until = s3.get_object_retention(**bucket, Key=key)["Retention"]["RetainUntilDate"]
        day = datetime.fromtimestamp(aws.clock.now(), UTC) + timedelta(days=1)
        assert abs(until - day) < timedelta(hours=1), key
