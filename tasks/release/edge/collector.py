"""The door through which clients report: batches in, CloudWatch metrics out.

On AWS it is a Lambda function behind a function URL or an API gateway
(``tasks.release.edge.collector.handler``); elsewhere a process of its own
(``python -m tasks.release.edge.collector --port 8088``). It imports no Prefect. Whoever may call
it speaks for one user (`collecting`).
"""

from __future__ import annotations

import argparse
import base64
import binascii
import http.server
import sys
import threading
from collections.abc import Mapping
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from tasks.release.edge.collecting import LARGEST_BODY, Collector

MOST_CONNECTIONS = 64
REFUSED = b"This collector takes reports of programs, and of pages whose origins it was told.\n"
CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, OPTIONS",
    "Access-Control-Allow-Headers": "content-type",
}


@lru_cache(maxsize=1)
def _collector() -> Collector:
    return Collector.here()


def handler(event: Mapping[str, Any], _context: object = None) -> dict[str, Any]:
    """Entry point of the Lambda function: an HTTP request of payload format 2.0."""
    asked = event.get("requestContext", {}).get("http", {})
    if asked.get("method", "POST") == "OPTIONS":
        return {"statusCode": int(HTTPStatus.NO_CONTENT), "headers": CORS}
    body = str(event.get("body") or "").encode()
    if event.get("isBase64Encoded"):
        try:
            body = base64.b64decode(body, validate=True)
        except binascii.Error:
            return {"statusCode": int(HTTPStatus.BAD_REQUEST), "headers": CORS}
    status = _collector().take(body, str(asked.get("sourceIp", "")))
    return {"statusCode": int(status), "headers": CORS}


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
            self._answer(collector.take(self.rfile.read(int(length)), self.client_address[0]))

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

    listening = _BoundedServer(("127.0.0.1", port), Door)
    return listening


class _BoundedServer(http.server.ThreadingHTTPServer):
    """Answers so many at once; who comes beyond that is hung up on, and posts again later."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *given: Any) -> None:
        self._places = threading.BoundedSemaphore(MOST_CONNECTIONS)
        super().__init__(*given)

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._places.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._places.release()


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
