"""Who takes turns with whom: all that write what a request writes, and what its conditions ask."""

import pytest

from embedded_aws.protocol.operations import rest_operation
from embedded_aws.protocol.service import Request
from embedded_aws.s3 import touched

DELETE = b"<Delete><Object><Key>a&amp;b</Key></Object><Object><Key>c/d</Key></Object></Delete>"


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "body", "paths"),
    [
        ("PUT", "/lake/a%20b", "", {}, b"", {"/lake/a b"}),
        ("PUT", "/lake/k", "", {"x-amz-copy-source": "from/a%20b"}, b"", {"/lake/k", "/from/a b"}),
        (
            "PUT",
            "/lake/k",
            "partNumber=1&uploadId=u",
            {"x-amz-copy-source": "/from/k?versionId=1"},
            b"",
            {"/lake/k", "/from/k"},
        ),
        ("POST", "/lake", "delete", {}, DELETE, {"/lake/", "/lake/a&b", "/lake/c/d"}),
        ("POST", "/lake", "delete", {}, b"<Del", {"/lake/"}),
    ],
)
def test_requests_touch(method, path, query, headers, body, paths):
    action, _ = rest_operation("s3", method, path, query, headers)
    request = Request("s3", action, method, path, query, headers, body, "us-east-1")
    assert touched(request) == paths
