"""S3 in a browser: what lies there can be looked at, and nothing of it is trusted."""

import urllib.error
import urllib.request
from urllib.parse import quote

import pytest

AWKWARD = "reports/ä b/<i>&#?%.json"


@pytest.fixture(scope="module")
def shelf(aws):
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="shelf")
    for key, body, kind in (
        ("reports/a.json", b'{"a": 1}', "application/json"),
        ("reports/page.html", b"<h1>page</h1><script>1</script>", "text/html"),
        ("rows/part.parquet", b"PAR1", "application/octet-stream"),
        ("rows/part.jsonl", b'{"a": 1}\n', "binary/octet-stream"),
        (AWKWARD, b"{}", "application/json"),
    ):
        s3.put_object(Bucket="shelf", Key=key, Body=body, ContentType=kind, Metadata={"why": "<b>"})
    return s3


@pytest.fixture
def look(aws, shelf):
    def look(path):
        try:
            with urllib.request.urlopen(f"{aws.endpoint_url}/_embedded/s3/{path}") as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()

    return look


def test_text_is_shown_as_text_whatever_type_it_was_given(look):
    for key in ("reports/a.json", "rows/part.jsonl", quote(AWKWARD)):
        status, headers, body = look(f"shelf/{key}")
        assert (status, headers["content-type"]) == (200, "text/plain; charset=utf-8")
        assert body.startswith("{")


def test_a_page_of_the_lake_is_shown_and_knows_nothing_of_this_server(look):
    _, headers, body = look("shelf/reports/page.html")
    assert (headers["content-type"], body) == ("text/html", "<h1>page</h1><script>1</script>")
    assert headers["content-security-policy"].startswith("sandbox")
    assert "allow-same-origin" not in headers["content-security-policy"]


def test_what_a_browser_cannot_show_is_described(look):
    status, _, body = look("shelf/rows/part.parquet")
    assert status == 200
    assert "4 bytes" in body
    assert "&lt;b&gt;" in body
    assert "<b>" not in body


def test_a_prefix_is_listed_with_links_that_work(look):
    status, _, body = look("shelf/reports/")
    assert status == 200
    assert f"/_embedded/s3/shelf/{quote('reports/ä b/')}" in body
    assert "/_embedded/s3/shelf/reports/a.json" in body
    below = look(f"shelf/{quote('reports/ä b/')}")[2]
    assert "&lt;i&gt;&amp;#?%.json" in below
    assert f"/_embedded/s3/shelf/{quote(AWKWARD)}" in below


def test_a_prefix_without_its_slash_is_found_too(look):
    assert "part.parquet" in look("shelf/rows")[2]


def test_the_buckets_are_listed(look):
    assert "/_embedded/s3/shelf/" in look("")[2]


@pytest.mark.parametrize("path", ["shelf/none.json", "shelf/none/", "no-such-bucket/", "no-such/x"])
def test_what_is_not_there_is_said(look, path):
    status, _, body = look(path)
    assert status == 404
    assert "no such bucket" in body or "Nothing lies here" in body
