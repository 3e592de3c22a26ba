"""The one door: an HTTP/1.1 server that routes each request to the service it was signed for."""

from __future__ import annotations

import contextlib
import email.utils
import logging
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from embedded_aws.calls import Call, Calls
from embedded_aws.cdn import is_for_the_edge
from embedded_aws.clock import Clock
from embedded_aws.faults import Faults, LostAnswerError
from embedded_aws.protocol import operations
from embedded_aws.protocol.bodies import (
    is_aws_chunked,
    read_announced,
    read_chunked,
    unwrap_aws_chunked,
    verify_checksums,
)
from embedded_aws.protocol.service import AwsFault, Request, Response, Service
from embedded_aws.protocol.wire import error_response

log = logging.getLogger(__name__)

ADMIN_PREFIX = "/_embedded/"
_BODILESS = frozenset({204, 304})


class Front:
    """Listens on 127.0.0.1 and answers for every service.

    The port is bound at once; requests are answered from :meth:`serve` on.

    Args:
        port: Port to bind, 0 for any free one.
        clock: Virtual clock.
        faults: Asked before and after each action.
        calls: Told of each action.

    Raises:
        OSError: when the port is taken.
    """

    def __init__(self, port: int, clock: Clock, faults: Faults, calls: Calls) -> None:
        self._clock = clock
        self._faults = faults
        self._calls = calls
        self._services: dict[str, Service] = {}
        self._others: Service | None = None
        self._admin: Callable[[Request], Response] | None = None
        self._edge: Callable[[Request], Response] | None = None
        self._server = _Server(("127.0.0.1", port), self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="front", daemon=True
        )

    @property
    def endpoint_url(self) -> str:
        """Where the embedded AWS answers, without a slash at the end."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def serve(
        self,
        services: Mapping[str, Service],
        others: Service,
        admin: Callable[[Request], Response],
        edge: Callable[[Request], Response],
    ) -> None:
        """Start answering.

        Args:
            services: Services by signing name.
            others: Takes every other signing name.
            admin: Takes what is below ``/_embedded/``.
            edge: Takes what viewers ask of the CDN.
        """
        self._services = dict(services)
        self._others = others
        self._admin = admin
        self._edge = edge
        self._thread.start()

    def close(self) -> None:
        """Stop listening and end every open connection."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def answer(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> Response | None:
        """Answer one request; None means: close the connection without a word.

        Args:
            method: HTTP method.
            target: Path and query as they came, still percent-encoded.
            headers: Header names in lower case.
            body: With the transfer encoding already taken off.
        """
        path, _, query = target.partition("?")
        if path.startswith(ADMIN_PREFIX) and self._admin is not None:
            request = Request("embedded", "", method, path, query, headers, body, "")
            return self._guarded(request, self._admin)
        if is_for_the_edge(path, headers) and self._edge is not None:
            request = Request("cdn", "", method, path, query, headers, body, "")
            return self._guarded(request, self._edge)
        region, service = operations.credential_scope(path, query, headers, body)
        if service == "s3":
            path, headers = _path_style(path, headers)
        action = operations.operation(service, method, path, query, headers, body)
        request = Request(service, action, method, path, query, headers, body, region)
        response = self._guarded(request, self._act)
        status = response.status if response else 0
        error = (response.headers.get("x-amzn-errortype", "") if response else "") or (
            str(status) if status >= 400 else ""
        )
        self._calls.add(Call(self._clock.now(), service, action, status, error))
        return response

    def _act(self, request: Request) -> Response:
        """Let the service act, and inject faults before and after."""
        if request.service == "s3" and request.method in {"PUT", "POST"}:
            request = _plain_upload(request)
        params: Mapping[str, Any] = {}
        if self._faults.any_for(request.service):
            params = operations.parameters(
                request.service,
                request.method,
                request.path,
                request.query,
                request.headers,
                request.body,
            )
        self._faults.before(request.service, request.action, params)
        service = self._services.get(request.service, self._others)
        if service is None:
            raise AwsFault("ServiceUnavailable", "The embedded AWS is still starting.", 503)
        response = service.handle(request)
        self._faults.after(request.service, request.action, params)
        return response

    def _guarded(self, request: Request, act: Callable[[Request], Response]) -> Response | None:
        try:
            return act(request)
        except AwsFault as fault:
            return error_response(fault, request)
        except LostAnswerError as loss:
            return None if loss.drop else error_response(_internal_failure(), request)
        except Exception:
            log.exception("%s %s failed", request.service, request.action or request.path)
            return error_response(_internal_failure(), request)


def _internal_failure() -> AwsFault:
    return AwsFault("InternalFailure", "We encountered an internal error.", 500)


def _path_style(path: str, headers: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Put the bucket into the path when the client put it into the host name."""
    host = headers.get("host", "").partition(":")[0].lower()
    for suffix in (".localhost", ".amazonaws.com"):
        label = host.removesuffix(suffix)
        if label == host:
            continue
        bucket = label.partition(".s3")[0] if ".s3" in label else label
        if bucket and not bucket.startswith("s3"):
            path = f"/{bucket}{path}"
        return path, {**headers, "host": "localhost"}
    return path, headers


def _plain_upload(request: Request) -> Request:
    headers = dict(request.headers)
    body = request.body
    if is_aws_chunked(headers):
        body = unwrap_aws_chunked(body, headers)
    if headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        # What plain HTTP clients say when nobody told them better; moto would read it as a form.
        headers["content-type"] = "binary/octet-stream"
    verify_checksums(body, headers)
    return Request(
        request.service,
        request.action,
        request.method,
        request.path,
        request.query,
        headers,
        body,
        request.region,
    )


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 512
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], front: Front) -> None:
        self.front = front
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, _Connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        super().server_close()
        with self._open_lock:
            connections = list(self._open)
        for connection in connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news; the rest goes to the log."""
        del request
        log.debug("connection from %s ended: %s", client_address, sys.exc_info()[1])


class _Connection(BaseHTTPRequestHandler):
    """One keep-alive connection, in its own thread."""

    protocol_version = "HTTP/1.1"
    # Nagle's algorithm and delayed acknowledgements together cost 40 ms per small answer.
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            key = name.lower()
            headers[key] = f"{headers[key]},{value}" if key in headers else value
        try:
            body = self._body(headers)
        except AwsFault:
            self.close_connection = True
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        response = self.server.front.answer(self.command, self.path, headers, body)
        if response is None:
            self.close_connection = True
            return
        self._reply(response)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_OPTIONS = _serve  # noqa: N815

    def _body(self, headers: dict[str, str]) -> bytes:
        most = operations.most_bytes(self.path.partition("?")[0])
        if "chunked" in headers.get("transfer-encoding", "").lower():
            body = read_chunked(self.rfile, most)  # type: ignore[arg-type]
            headers.pop("transfer-encoding", None)
            headers["content-length"] = str(len(body))
        else:
            length = headers.get("content-length") or "0"
            body = read_announced(self.rfile, length, most)  # type: ignore[arg-type]
        # The service says that it is too long; what else comes is no request.
        self.close_connection |= most is not None and len(body) > most
        return body

    def _reply(self, response: Response) -> None:
        status = response.status
        reason = self.responses[status][0] if status in self.responses else ""
        lines = [f"HTTP/1.1 {status} {reason}"]
        length: str | None = str(len(response.body))
        for name, value in response.headers.items():
            if name.lower() == "content-length":
                # An answer to HEAD tells the length of a body that it does not carry.
                length = value if self.command == "HEAD" else length
            elif name.lower() not in {"date", "connection", "transfer-encoding"}:
                lines.append(f"{name}: {value}")
        if status not in _BODILESS:
            lines.append(f"content-length: {length}")
        date = response.headers.get("date") or email.utils.formatdate(usegmt=True)
        lines.append(f"date: {date}")
        if self.close_connection:
            lines.append("connection: close")
        head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        bodiless = self.command == "HEAD" or status in _BODILESS
        self.wfile.write(head if bodiless else head + response.body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Access lines only when somebody asks for them."""
        log.debug(format, *args)
