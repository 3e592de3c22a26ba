"""The door through which clients report: batches in, CloudWatch metrics out.

On AWS it is a Lambda function behind a function URL or an API gateway
(``tasks.release.edge.collector.handler``); elsewhere a process of its own
(``python -m tasks.release.edge.collector --port 8088``). It imports no Prefect. Whoever may call
it can speak for users, so it belongs behind what the product already has: its sign-in, its rate
limits.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import http.server
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from tasks import objects
from tasks.aws import asking, client
from tasks.clock import Clock, system_clock, utc
from tasks.errors import SluiceError
from tasks.release.edge.reports import ReportBatch, counted, metrics
from tasks.values import Pointer

LARGEST_BODY = 32_768
REMEMBERED_SECONDS = 5.0
"""How long a pointer is remembered, in real seconds."""
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "content-type",
}


REFUSED = b"This collector takes reports of programs, and of pages whose origins it was told.\n"


@dataclass
class Collector:
    """Takes batches.

    Args:
        bucket: The registry, for the versions that are counted.
        namespace: CloudWatch namespace.
        clock: Our clock; it stamps what arrives.
    """

    bucket: str
    namespace: str
    clock: Clock
    _known: dict[str, tuple[float, frozenset[str]]] = field(default_factory=dict)

    @classmethod
    def here(cls) -> Collector:
        """The collector of this installation."""
        from tasks.settings import settings

        chosen = settings()
        return cls(chosen.registry_bucket, chosen.metrics_namespace, system_clock())

    def take(self, body: bytes) -> HTTPStatus:
        """One batch: 204 when it was taken, 400 or 413 when it is none, 503 to try again."""
        if len(body) > LARGEST_BODY:
            return HTTPStatus.REQUEST_ENTITY_TOO_LARGE
        try:
            batch = ReportBatch.model_validate_json(body)
        except ValueError:
            return HTTPStatus.BAD_REQUEST
        try:
            versions = self.versions(batch.model)
            if not versions:
                return HTTPStatus.BAD_REQUEST  # nothing of ours bears this name
            data = metrics(batch, versions, utc(self.clock.now()))
            if data:
                with asking(f"PutMetricData {batch.model}"):
                    client("cloudwatch").put_metric_data(Namespace=self.namespace, MetricData=data)
        except SluiceError:
            return HTTPStatus.SERVICE_UNAVAILABLE
        return HTTPStatus.NO_CONTENT

    def versions(self, model: str) -> frozenset[str]:
        """Versions of a model that are counted at the moment."""
        at, known = self._known.get(model, (0.0, frozenset[str]()))
        if time.monotonic() - at < REMEMBERED_SECONDS and known:
            return known
        latest = objects.read(self.bucket, f"{model}/latest.json")
        pointer = None if latest is None else Pointer.model_validate_json(latest.body)
        known = counted(pointer)
        if known:
            self._known[model] = (time.monotonic(), known)
        return known


@lru_cache(maxsize=1)
def _collector() -> Collector:
    return Collector.here()


def handler(event: Mapping[str, Any], _context: object = None) -> dict[str, Any]:
    """Entry point of the Lambda function: an HTTP request of payload format 2.0."""
    method = event.get("requestContext", {}).get("http", {}).get("method", "POST")
    if method == "OPTIONS":
        return {"statusCode": int(HTTPStatus.NO_CONTENT), "headers": CORS}
    body = str(event.get("body") or "").encode()
    if event.get("isBase64Encoded"):
        try:
            body = base64.b64decode(body, validate=True)
        except binascii.Error:
            return {"statusCode": int(HTTPStatus.BAD_REQUEST), "headers": CORS}
    return {"statusCode": int(_collector().take(body)), "headers": CORS}


def server(
    collector: Collector, port: int, origins: frozenset[str] | None = None
) -> http.server.ThreadingHTTPServer:
    """The same as a process of its own, on loopback.

    Args:
        collector: Takes the batches.
        port: Where it listens; 0 takes a free one.
        origins: Whose pages may report; None: everybody's, as for the Lambda function. With a
            list it must also be asked by a name of this machine: any other was turned to it by
            somebody's DNS, so that the page counts as one of ours.
    """

    class Door(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        timeout = 10

        def do_POST(self) -> None:
            if not self._is_let_in():
                return
            length = self.headers.get("content-length", "")
            if not length.isdigit() or int(length) > LARGEST_BODY:
                self.close_connection = True
                self._answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                return
            self._answer(collector.take(self.rfile.read(int(length))))

        def do_OPTIONS(self) -> None:
            if self._is_let_in():
                self._answer(HTTPStatus.NO_CONTENT)

        def _is_let_in(self) -> bool:
            if origins is None:
                return True
            name, _, number = self.headers.get("host", "").lower().partition(":")
            here = name in {"127.0.0.1", "localhost"} and number == str(listening.server_port)
            origin = self.headers.get("origin")
            if here and (origin is None or origin in origins):
                return True
            self.close_connection = True  # the body was not read
            self._answer(HTTPStatus.FORBIDDEN, REFUSED)
            return False

        def _answer(self, status: HTTPStatus, said: bytes = b"") -> None:
            self.send_response(status)
            if status != HTTPStatus.FORBIDDEN:
                for name, value in CORS.items():
                    self.send_header(name, value)
            if status != HTTPStatus.NO_CONTENT:
                self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Say nothing: requests come by the thousand, and hold nothing worth a line."""

    listening = http.server.ThreadingHTTPServer(("127.0.0.1", port), Door)
    listening.daemon_threads = True
    return listening


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--port", type=int, default=8088, help="port on loopback; 0: a free one")
    parser.add_argument(
        "--origins",
        help="whose pages may report, comma-separated, asking by this machine's name; "
        "empty: none; left out: everybody's, by any name",
    )
    options = parser.parse_args()
    origins = None if options.origins is None else frozenset(options.origins.split(",")) - {""}
    listening = server(Collector.here(), options.port, origins)
    sys.stdout.write(f"Clients report to http://127.0.0.1:{listening.server_port}/\n")
    sys.stdout.flush()
    listening.serve_forever()


if __name__ == "__main__":
    main()
