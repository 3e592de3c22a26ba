"""S3 for a person with a browser: what the console of AWS is, as plain pages.

``GET /_embedded/s3/`` lists the buckets, ``/_embedded/s3/<bucket>/<prefix>/`` what lies below a
prefix, ``/_embedded/s3/<bucket>/<key>`` shows an object: pages, pictures and text as they are,
everything else as its size, type and metadata. Nothing can be changed from here.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote

from botocore.exceptions import ClientError

from embedded_aws.protocol.service import Response
from embedded_aws.world import World

ROOT = "/_embedded/s3/"
LISTED = 1_000
SHOWN_BYTES = 50_000_000
"""A larger object is described, not shown."""
TEXT = (".json", ".jsonl", ".csv", ".txt", ".log", ".md", ".yaml", ".yml", ".svg", ".xml", ".css")
TEXT_TYPES = ("text/", "application/json", "application/x-ndjson", "application/yaml")
SHOWN_TYPES = ("image/", "application/pdf")
STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:1000px;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;"
    "border-bottom:1px solid #d8dee4;overflow-wrap:anywhere}h1{font-size:1.2rem;"
    "overflow-wrap:anywhere}.n{text-align:right;white-space:nowrap}"
)
# Pages of a lake are somebody else's: their scripts may run, but know nothing of this server. Nor
# may what opened our own lists look into them.
SANDBOX = {"content-security-policy": "sandbox allow-scripts allow-popups"}


class Browser:
    """Shows what S3 holds.

    Args:
        world: Whose S3; it is asked as any customer would ask.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def show(self, path: str) -> Response:
        """A page for ``<bucket>/<key or prefix>``, percent-encoded as it came."""
        bucket, _, key = unquote(path).partition("/")
        try:
            if not bucket:
                return self._buckets()
            if not key or key.endswith("/"):
                return self._prefix(bucket, key)
            return self._object(bucket, key)
        except ClientError as error:
            status = error.response["ResponseMetadata"]["HTTPStatusCode"]
            fault = error.response["Error"]
            return _page(
                f"{bucket}/{key}", f"<p>{escape(fault['Code'])}: {escape(_why(fault))}</p>", status
            )

    def _buckets(self) -> Response:
        names = [bucket["Name"] for bucket in self._world.client("s3").list_buckets()["Buckets"]]
        return _page("", _rows((name, f"{name}/", "", "") for name in sorted(names)))

    def _prefix(self, bucket: str, prefix: str) -> Response:
        listing = self._world.client("s3").list_objects_v2(
            Bucket=bucket, Prefix=prefix, Delimiter="/", MaxKeys=LISTED
        )
        inside = [
            (item["Prefix"][len(prefix) :], item["Prefix"], "", "")
            for item in listing.get("CommonPrefixes", [])
        ]
        inside += [
            (
                item["Key"][len(prefix) :] or ".",
                item["Key"],
                f"{item['Size']:,}",
                f"{item['LastModified']:%Y-%m-%d %H:%M:%S} UTC",
            )
            for item in listing.get("Contents", [])
        ]
        if not inside:
            return _page(f"{bucket}/{prefix}", "<p>Nothing lies here.</p>", 404)
        more = f"<p>Only the first {LISTED:,} are listed.</p>" if listing["IsTruncated"] else ""
        rows = _rows((name, f"{bucket}/{key}", size, when) for name, key, size, when in inside)
        return _page(f"{bucket}/{prefix}", rows + more)

    def _object(self, bucket: str, key: str) -> Response:
        try:
            head = self._world.client("s3").head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == HTTPStatus.NOT_FOUND:
                return self._prefix(bucket, f"{key}/")
            raise
        kind = head.get("ContentType", "")
        media_type = _told_as(kind, key)
        if media_type and head["ContentLength"] <= SHOWN_BYTES:
            answer = self._world.client("s3").get_object(Bucket=bucket, Key=key)
            headers = {"content-type": media_type, **SANDBOX}
            if answer.get("ContentEncoding"):
                headers["content-encoding"] = answer["ContentEncoding"]
            return Response(200, answer["Body"].read(), headers)
        facts = {
            "size": f"{head['ContentLength']:,} bytes",
            "type": kind,
            "written": f"{head['LastModified']:%Y-%m-%d %H:%M:%S} UTC",
            "version": head.get("VersionId", ""),
            "ETag": head["ETag"],
            **head["Metadata"],
        }
        lines = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(str(value))}</td></tr>"
            for name, value in facts.items()
        )
        return _page(f"{bucket}/{key}", f"<table>{lines}</table><p>A browser cannot show it.</p>")


def _told_as(kind: str, key: str) -> str:
    """The type to answer with; "" for what a browser cannot show."""
    if kind.startswith("text/html"):
        return kind
    if kind.startswith(("text/css", "text/javascript", "application/javascript", *SHOWN_TYPES)):
        return kind
    if key.endswith((".html", ".htm")):
        return "text/html; charset=utf-8"
    if kind.startswith(TEXT_TYPES) or key.lower().endswith(TEXT):
        return "text/plain; charset=utf-8"
    return ""


def _why(fault: dict[str, Any]) -> str:
    words = {"NoSuchBucket": "no such bucket"}
    return words.get(fault["Code"], str(fault.get("Message", "")))


def _rows(inside: Iterable[tuple[str, str, str, str]]) -> str:
    lines = "".join(
        f'<tr><td><a href="{ROOT}{quote(key)}">{escape(name)}</a></td><td class="n">{size}</td>'
        f'<td class="n">{when}</td></tr>'
        for name, key, size, when in inside
    )
    return f"<table><tr><th>name</th><th class=n>bytes</th><th>written</th></tr>{lines}</table>"


def _page(place: str, body: str, status: int = 200) -> Response:
    """A page with the way back up above it."""
    parts = place.rstrip("/").split("/") if place else []
    way = " / ".join(
        f'<a href="{ROOT}{quote("/".join(parts[: n + 1]))}/">{escape(part)}</a>'
        for n, part in enumerate(parts)
    )
    page = (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>s3://{escape(place)}</title>'
        f'<style>{STYLE}</style><h1><a href="{ROOT}">s3:</a> / {way}</h1>{body}</html>\n'
    )
    return Response(status, page.encode(), {"content-type": "text/html; charset=utf-8", **SANDBOX})
