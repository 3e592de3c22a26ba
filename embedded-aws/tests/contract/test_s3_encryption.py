"""What lies under a key of KMS is written and read only while the key may be used."""

import pytest
from botocore.exceptions import ClientError

BUCKET = "encrypted"
NOBODYS = "134f2428-cec1-4b25-a1ae-9048164dba47"
HERE = "arn:aws:kms:us-east-1:123456789012"


@pytest.fixture(scope="module")
def s3(aws):
    client = aws.client("s3")
    client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="plain", Body=b"plain")
    return client


@pytest.fixture(scope="module")
def kms(aws):
    return aws.client("kms")


@pytest.fixture
def key(kms):
    return kms.create_key()["KeyMetadata"]


def under(key_id):
    named = {} if key_id is None else {"SSEKMSKeyId": key_id}
    return {"ServerSideEncryption": "aws:kms", **named}


@pytest.fixture
def writes(s3):
    """All ways to write an object under a key."""
    where = {"Bucket": BUCKET, "Key": "k"}
    return [
        lambda **how: s3.put_object(**where, Body=b"x", **how),
        lambda **how: s3.copy_object(**where, CopySource=f"{BUCKET}/plain", **how),
        lambda **how: s3.create_multipart_upload(**where, **how),
    ]


def refused(call, code, message, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    assert response["Error"]["Code"] == f"KMS.{code}"
    assert response["Error"]["Message"] == message
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize(
    ("key_id", "message"),
    [
        ("fake-key-id", "Invalid keyId 'fake-key-id'"),
        (NOBODYS, f"Key '{HERE}:key/{NOBODYS}' does not exist"),
        (f"{HERE}:key/{NOBODYS}", f"Key '{HERE}:key/{NOBODYS}' does not exist"),
        ("alias/nobodys", f"Alias {HERE}:alias/nobodys is not found."),
        (f"{HERE}:alias/nobodys", f"Alias {HERE}:alias/nobodys is not found."),
        (f"arn:aws:kms:us-west-2:123456789012:key/{NOBODYS}", "Invalid arn us-west-2"),
    ],
)
def test_a_key_that_is_not_there_is_refused(s3, writes, key_id, message):
    s3.delete_object(Bucket=BUCKET, Key="k")
    for write in writes:
        refused(write, "NotFoundException", message, **under(key_id))
    assert s3.list_objects_v2(Bucket=BUCKET, Prefix="k")["KeyCount"] == 0


def test_a_key_of_another_region_is_not_there(aws, s3, writes):
    import boto3

    west = boto3.client(
        "kms",
        region_name="us-west-2",
        endpoint_url=aws.endpoint_url,
        aws_access_key_id="a",
        aws_secret_access_key="a",
    )
    key = west.create_key()["KeyMetadata"]
    message = f"Key '{HERE}:key/{key['KeyId']}' does not exist"
    for write in writes:
        refused(write, "NotFoundException", message, **under(key["KeyId"]))
        refused(write, "NotFoundException", "Invalid arn us-west-2", **under(key["Arn"]))


def test_keys_go_by_many_names(s3, kms, writes, key):
    alias = f"alias/{key['KeyId']}"
    kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    for name in (key["KeyId"], key["Arn"], alias, f"{HERE}:{alias}"):
        for write in writes:
            assert write(**under(name))["SSEKMSKeyId"] == key["Arn"]
        assert s3.head_object(Bucket=BUCKET, Key="k")["SSEKMSKeyId"] == key["Arn"]


def test_without_a_key_it_is_that_of_aws(s3, writes):
    for name in (None, "alias/aws/s3", f"{HERE}:alias/aws/s3"):
        for write in writes:
            write(**under(name))
        assert s3.get_object(Bucket=BUCKET, Key="k")["Body"].read() == b"plain"


def test_under_a_disabled_key_nothing_is_written_or_read(s3, kms, writes, key):
    where = {"Bucket": BUCKET, "Key": "locked"}
    s3.put_object(**where, Body=b"locked", **under(key["KeyId"]))
    upload = s3.create_multipart_upload(**where, **under(key["KeyId"]))["UploadId"]
    part = {**where, "UploadId": upload, "PartNumber": 1}
    etag = s3.upload_part(**part, Body=b"part")["ETag"]
    upload = {**where, "UploadId": upload}
    upload["MultipartUpload"] = {"Parts": [{"PartNumber": 1, "ETag": etag}]}
    source = {"CopySource": f"{BUCKET}/locked"}

    def check(code, message):
        for write in writes:
            refused(write, code, message, **under(key["KeyId"]))
        refused(s3.get_object, code, message, **where)
        refused(s3.copy_object, code, message, Bucket=BUCKET, Key="copied", **source)
        refused(s3.upload_part, code, message, **part, Body=b"part")
        refused(s3.complete_multipart_upload, code, message, **upload)
        s3.head_object(**where)  # tells of the object, and reads nothing of it

    kms.disable_key(KeyId=key["KeyId"])
    check("DisabledException", f"{key['Arn']} is disabled.")
    kms.schedule_key_deletion(KeyId=key["KeyId"], PendingWindowInDays=7)
    check("KMSInvalidStateException", f"{key['Arn']} is pending deletion.")
    kms.cancel_key_deletion(KeyId=key["KeyId"])
    check("DisabledException", f"{key['Arn']} is disabled.")
    kms.enable_key(KeyId=key["KeyId"])
    assert s3.get_object(**where)["Body"].read() == b"locked"
    s3.complete_multipart_upload(**upload)
    assert s3.get_object(**where)["Body"].read() == b"part"


def test_an_object_stays_under_its_key_when_an_alias_turns(s3, kms, key):
    other = kms.create_key()["KeyMetadata"]["KeyId"]
    alias = f"alias/turning-{key['KeyId']}"
    kms.create_alias(AliasName=alias, TargetKeyId=key["KeyId"])
    s3.put_object(Bucket=BUCKET, Key="turned", Body=b"x", **under(alias))
    kms.update_alias(AliasName=alias, TargetKeyId=other)
    kms.disable_key(KeyId=key["KeyId"])
    message = f"{key['Arn']} is disabled."
    refused(s3.get_object, "DisabledException", message, Bucket=BUCKET, Key="turned")
    s3.put_object(Bucket=BUCKET, Key="turned", Body=b"x", **under(alias))
    s3.get_object(Bucket=BUCKET, Key="turned")


def test_a_buckets_default_key_counts(s3, kms, key):
    bucket = f"default-{key['KeyId']}"
    s3.create_bucket(Bucket=bucket)

    def default(key_id):
        by_default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_id}
        rules = [{"ApplyServerSideEncryptionByDefault": by_default}]
        configuration = {"Rules": rules}
        s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration=configuration)

    where = {"Bucket": bucket, "Key": "k"}
    default("fake-key-id")
    refused(s3.put_object, "NotFoundException", "Invalid keyId 'fake-key-id'", **where)
    default(key["KeyId"])
    assert s3.put_object(**where, Body=b"x")["SSEKMSKeyId"] == key["Arn"]
    kms.disable_key(KeyId=key["KeyId"])
    message = f"{key['Arn']} is disabled."
    refused(s3.put_object, "DisabledException", message, **where)
    refused(s3.create_multipart_upload, "DisabledException", message, **where)
    copied = {**where, "CopySource": f"{BUCKET}/plain"}
    refused(s3.copy_object, "DisabledException", message, **copied)
    refused(s3.get_object, "DisabledException", message, **where)
    # Who names another way does not ask for the default.
    for how in ({"ServerSideEncryption": "AES256"}, {"ServerSideEncryption": "aws:kms"}):
        s3.put_object(**where, Body=b"y", **how)
        assert s3.get_object(**where)["Body"].read() == b"y"
