"""What is deleted under a condition that does not hold is still there."""

import pytest
from botocore.exceptions import ClientError

BUCKET = "deletions"
FAILED = "At least one of the pre-conditions you specified did not hold"
MISSING = "The specified key does not exist."
UNKNOWN = "A header you provided implies functionality that is not implemented"


@pytest.fixture(scope="module")
def s3(aws):
    client = aws.client("s3")
    client.create_bucket(Bucket=BUCKET)
    client.create_bucket(Bucket="versioned")
    enabled = {"Status": "Enabled"}
    client.put_bucket_versioning(Bucket="versioned", VersioningConfiguration=enabled)
    return client


def put(s3, key, bucket=BUCKET, body=b"x"):
    return s3.put_object(Bucket=bucket, Key=key, Body=body)


def delete(s3, *objects, bucket=BUCKET):
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": list(objects)})
    return [one["Key"] for one in answer.get("Deleted", [])], answer.get("Errors", [])


def there(s3, key, bucket=BUCKET):
    return s3.list_objects_v2(Bucket=bucket, Prefix=key)["KeyCount"] == 1


def error_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    response = caught.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]


def test_of_many_objects_those_are_deleted_that_are_as_told(s3):
    odd = "a <b> & 'c'\r\n/ü"
    etags = {key: put(s3, key)["ETag"] for key in ("right", "bare", "wrong", "plain", odd)}
    deleted, errors = delete(
        s3,
        {"Key": "right", "ETag": etags["right"]},
        {"Key": "bare", "ETag": etags["bare"].strip('"')},
        {"Key": "wrong", "ETag": '"0123"'},
        {"Key": odd, "ETag": '"0123"'},
        {"Key": "plain"},
        {"Key": "never", "ETag": etags["right"]},
        {"Key": "never either"},
    )
    assert deleted == ["right", "bare", "plain", "never either"]
    assert errors == [
        {"Key": "wrong", "Code": "PreconditionFailed", "Message": FAILED},
        {"Key": odd, "Code": "PreconditionFailed", "Message": FAILED},
        {"Key": "never", "Code": "NoSuchKey", "Message": MISSING},
    ]
    assert {key for key in etags if there(s3, key)} == {"wrong", odd}
    # What is left over goes to moto in a body written anew.
    delete(s3, {"Key": odd, "ETag": etags[odd]}, {"Key": "wrong", "ETag": "no"})
    assert not there(s3, odd)


def test_nothing_is_deleted_where_no_condition_holds(s3):
    put(s3, "kept")
    deleted, errors = delete(s3, {"Key": "kept", "ETag": "no"})
    assert (deleted, [one["Code"] for one in errors]) == ([], ["PreconditionFailed"])
    assert there(s3, "kept")
    assert delete(s3, {"Key": "kept", "ETag": "*"}) == (["kept"], [])


def test_of_versions_the_current_one_is_asked_for(s3):
    old, new = (put(s3, "k", "versioned", body) for body in (b"1", b"2"))
    wrong = {"Key": "k", "VersionId": old["VersionId"], "ETag": old["ETag"]}
    deleted, errors = delete(s3, wrong, {"Key": "k", "ETag": old["ETag"]}, bucket="versioned")
    assert deleted == []
    assert [one["Code"] for one in errors] == ["PreconditionFailed"] * 2
    assert [one.get("VersionId") for one in errors] == [old["VersionId"], None]
    listed = s3.list_object_versions(Bucket="versioned", Prefix="k")
    assert len(listed["Versions"]) == 2
    assert "DeleteMarkers" not in listed

    assert delete(s3, {"Key": "k", "ETag": new["ETag"]}, bucket="versioned") == (["k"], [])
    marked = s3.list_object_versions(Bucket="versioned", Prefix="k")
    assert len(marked["DeleteMarkers"]) == 1
    again = delete(s3, {"Key": "k", "ETag": new["ETag"]}, bucket="versioned")[1]
    assert [one["Code"] for one in again] == ["NoSuchKey"]  # a delete marker is no object
    after = s3.list_object_versions(Bucket="versioned", Prefix="k")
    assert after["DeleteMarkers"] == marked["DeleteMarkers"]
    assert after["Versions"] == marked["Versions"]


@pytest.mark.parametrize("condition", [{"Size": 1}, {"LastModifiedTime": "2026-01-01"}])
def test_conditions_of_directory_buckets_are_refused(s3, condition):
    put(s3, "sized")
    told = {"Objects": [{"Key": "sized", **condition}]}
    status, error = error_of(s3.delete_objects, Bucket=BUCKET, Delete=told)
    assert (status, error["Code"]) == (400, "MalformedXML")
    one = {f"IfMatch{name}": value for name, value in condition.items()}
    status, error = error_of(s3.delete_object, Bucket=BUCKET, Key="sized", **one)
    assert (status, error["Code"], error["Message"]) == (501, "NotImplemented", UNKNOWN)
    assert error["Header"].startswith("x-amz-if-match-")
    assert there(s3, "sized")


def test_one_object_is_deleted_as_it_is_told(s3):
    etag = put(s3, "one")["ETag"]
    where = {"Bucket": BUCKET, "Key": "one"}
    status, error = error_of(s3.delete_object, **where, IfMatch='"no"')
    assert (status, error["Code"], error["Condition"]) == (412, "PreconditionFailed", "If-Match")
    s3.delete_object(**where, IfMatch=etag)
    assert not there(s3, "one")
    for match in (etag, "*"):
        status, error = error_of(s3.delete_object, **where, IfMatch=match)
        assert (status, error["Code"], error["Message"]) == (404, "NoSuchKey", MISSING)
    put(s3, "one")
    s3.delete_object(**where, IfMatch="*")
    assert not there(s3, "one")


def test_a_body_that_is_no_list_of_objects_is_malformed(s3):
    status, error = error_of(s3.delete_objects, Bucket=BUCKET, Delete={"Objects": []})
    assert (status, error["Code"]) == (400, "MalformedXML")
