"""HTTP/1.1 on a socket: connections that are kept alive, each in a thread of its own."""

from __future__ import annotations

import contextlib
import email.utils
import logging
import socket
import sys
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from embedded_aws.protocol.bodies import read_announced, read_chunked
from embedded_aws.protocol.operations import most_bytes
from embedded_aws.protocol.service import AwsFault, Response

log = logging.getLogger(__name__)

_BODILESS = frozenset({204, 304})

Answer = Callable[[str, str, dict[str, str], bytes], Response | None]
"""Of method, target, headers and body; None closes the connection without a word."""


class Listener(ThreadingHTTPServer):
    """Listens on an address, and answers each request with what a function says.

    Args:
        address: Host and port, 0 for any free one.
        answer: Gives the answer.

    Raises:
        OSError: when the port is taken.
    """

    daemon_threads = True
    block_on_close = False
    request_queue_size = 512
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], answer: Answer) -> None:
        self.answer = answer
        self._open: set[socket.socket] = set()
        self._open_lock = threading.Lock()
        super().__init__(address, _Connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Remember the connection, to end it with us."""
        with self._open_lock:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a connection that ended."""
        with self._open_lock:
            self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        """Stop listening, and end every open connection."""
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
    server: Listener

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
        response = self.server.answer(self.command, self.path, headers, body)
        if response is None:
            self.close_connection = True
            return
        self._reply(response)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = do_PATCH = do_OPTIONS = _serve  # noqa: N815

    def _body(self, headers: dict[str, str]) -> bytes:
        most = most_bytes(self.path.partition("?")[0])
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
