"""What a viewer gets from a distribution before a closed bucket."""

import time
import urllib.error
import urllib.request

import pytest

TIME_SCALE = 60


@pytest.fixture(scope="module")
def distribution(aws):
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="models")
    return aws.client("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": "1",
            "Comment": "",
            "Enabled": True,
            "Origins": {
                "Quantity": 1,
                "Items": [
                    {
                        "Id": "registry",
                        "DomainName": "models.s3.us-east-1.amazonaws.com",
                        "S3OriginConfig": {"OriginAccessIdentity": ""},
                    }
                ],
            },
            "DefaultCacheBehavior": {
                "TargetOriginId": "registry",
                "ViewerProtocolPolicy": "redirect-to-https",
                "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
                "MinTTL": 0,
            },
        }
    )["Distribution"]


@pytest.fixture
def put(aws):
    def put(key, body, rule="max-age=300"):
        aws.client("s3").put_object(Bucket="models", Key=key, Body=body, CacheControl=rule)

    return put


@pytest.fixture
def view(aws, distribution):
    def view(path, host=None):
        prefix = "" if host else f"/_cdn/{distribution['Id']}"
        headers = {"host": host} if host else {}
        request = urllib.request.Request(f"{aws.endpoint_url}{prefix}/{path}", headers=headers)
        with urllib.request.urlopen(request) as answer:
            return answer.read(), answer.headers["x-cache"].split()[0]

    return view


def invalidate(aws, distribution, *paths):
    aws.client("cloudfront").create_invalidation(
        DistributionId=distribution["Id"],
        InvalidationBatch={
            "Paths": {"Quantity": len(paths), "Items": list(paths)},
            "CallerReference": str(time.time()),
        },
    )


def test_an_object_is_kept_until_it_is_invalidated(aws, distribution, put, view):
    put("price/latest.json", b"1")
    put("rooms/latest.json", b"1")
    assert view("price/latest.json") == (b"1", "Miss")
    assert view("rooms/latest.json") == (b"1", "Miss")
    put("price/latest.json", b"2")
    put("rooms/latest.json", b"2")
    assert view("price/latest.json") == (b"1", "Hit")
    invalidate(aws, distribution, "/price/*")
    assert view("price/latest.json") == (b"2", "Miss")
    assert view("rooms/latest.json") == (b"1", "Hit")


def test_an_object_is_kept_as_long_as_it_says(put, view):
    put("short", b"1", "public, max-age=60")  # one second of ours
    assert view("short") == (b"1", "Miss")
    put("short", b"2", "public, max-age=60")
    time.sleep(1.1)
    assert view("short") == (b"2", "Miss")


def test_what_must_not_be_kept_is_not(put, view):
    put("fresh", b"1", "no-store")
    assert view("fresh")[1] == "Miss"
    assert view("fresh")[1] == "Miss"


def test_the_distributions_domain_works_too(distribution, put, view):
    put("a b.json", b"x")
    assert view("a%20b.json", host=distribution["DomainName"]) == (b"x", "Miss")


@pytest.mark.parametrize("path", ["/_cdn/{id}/gone", "/_cdn/NOBODY/x"])
def test_what_is_not_there(aws, distribution, path):
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(aws.endpoint_url + path.format(id=distribution["Id"]))
    assert caught.value.code == 404
    assert b"<Code>NoSuch" in caught.value.read()
