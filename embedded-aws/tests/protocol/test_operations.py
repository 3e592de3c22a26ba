"""Which operation a request is for: what is known by heart is what the service's model says."""

import pytest

from embedded_aws.protocol.operations import operation, rest_operation

METHODS = ("GET", "PUT", "HEAD", "DELETE", "POST", "PATCH", "OPTIONS")
PATHS = (
    *("/bucket/key", "/buc.ket-1/a/b=c/d.e_f", "/bucket", "/bucket/", "/", "//key", "/bucket//a"),
    *("/bucket/a%20b", "/bucket/a/", "/UP/key", "/bu/key", "/bucket/a b", "/bucket/ä"),
)
QUERIES = (
    *("", "x-id=GetObject", "x-id=PutObject", "x-id=Nothing", "x-id=", "acl", "tagging"),
    *("versionId=1", "uploadId=1&partNumber=2", "list-type=2", "x-id=GetObject&tagging"),
)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("headers", [{}, {"x-amz-copy-source": "/bucket/other"}])
def test_objects_by_heart_are_objects_by_the_model(method, headers):
    for path in PATHS:
        for query in QUERIES:
            known = operation("s3", method, path, query, headers, b"")
            assert known == rest_operation("s3", method, path, query, headers)[0], (path, query)


def test_what_a_plain_request_is_for():
    assert operation("s3", "GET", "/bucket/key", "", {}, b"") == "GetObject"
    assert operation("s3", "PUT", "/bucket/a/b", "x-id=PutObject", {}, b"") == "PutObject"
    copied = {"x-amz-copy-source": "/bucket/other"}
    assert operation("s3", "PUT", "/bucket/key", "", copied, b"") == "CopyObject"
