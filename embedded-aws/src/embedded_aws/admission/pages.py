"""What pages of other origins may read of S3's answers, by the rules of the bucket behind them."""

from __future__ import annotations

from urllib.parse import unquote

from embedded_aws.admission import cors, strangers
from embedded_aws.protocol.service import AwsFault, Request, Response


def bucket_of(request: Request) -> str:
    """The bucket in the path of a request to S3."""
    return unquote(request.path.removeprefix("/").partition("/")[0])


def answer_preflight(request: Request, bucket: str) -> Response:
    """What S3 says to a browser that asks whether a page may send something.

    Raises:
        AwsFault: the bucket's rules do not allow it.
    """
    asked = request.headers.get("access-control-request-headers", "")
    names = [name.strip() for name in asked.split(",") if name.strip()]
    headers = cors.granted(
        strangers.rules_of(bucket),
        request.headers.get("origin", ""),
        request.headers.get("access-control-request-method", ""),
        names,
    )
    if not headers:
        raise AwsFault("AccessForbidden", "CORSResponse: This CORS request is not allowed.", 403)
    return Response(200, b"", headers)


def readable(response: Response, request: Request, bucket: str) -> Response:
    """An answer of S3's with the headers that let a page read it, by the bucket's rules alone."""
    origin = request.headers.get("origin", "")
    if not origin:
        return response
    own = {
        name: value
        for name, value in response.headers.items()
        if not name.lower().startswith("access-control-")
    }
    granted = cors.granted(strangers.rules_of(bucket), origin, request.method)
    return Response(response.status, response.body, {**own, **granted})
