"""A small HTTP/1.1 client with kept-alive connections, for the way to a serving process.

``http.client`` parses headers with the e-mail package and costs a third of a millisecond a
request; on this path that would be most of what the embedded AWS adds to a model's own latency.
"""

from __future__ import annotations

import contextlib
import select
import socket
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

HOST = "127.0.0.1"
# uvicorn closes a kept-alive connection after 5 s; one that has idled nearly as long is not worth
# the race.
MAX_IDLE_SECONDS = 4.0
MAX_HEAD_BYTES = 256 * 1024


class MalformedAnswerError(ConnectionError):
    """The process answered something that is not HTTP."""


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Pool:
    """Connections to one port of this machine. Safe to use from many threads."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._idle: deque[tuple[float, socket.socket]] = deque()
        self._closed = False

    def request(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes, timeout: float
    ) -> Answer:
        """Send one request and read the whole answer.

        A kept-alive connection that turns out to have been closed by the other side before it
        answered anything is replaced once (RFC 9112, section 9.3.1).

        Args:
            method: HTTP method.
            path: Path and query.
            headers: Headers besides ``Host`` and ``Content-Length``.
            body: The body, which may be empty.
            timeout: Real seconds for the whole exchange.

        Raises:
            TimeoutError: no whole answer within ``timeout``.
            ConnectionRefusedError: nobody listens, and nobody was sent any of the request.
            OSError: no connection, or it broke, or what came was not HTTP.
        """
        deadline = time.monotonic() + timeout
        lines = [f"{method} {path} HTTP/1.1", f"Host: {HOST}:{self.port}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        lines.append(f"Content-Length: {len(body)}\r\n\r\n")
        message = "\r\n".join(lines).encode("latin-1", "replace") + body
        connection = self._take()
        if connection is not None:
            with contextlib.suppress(_StaleError):
                return self._exchange(connection, message, deadline, kept_alive=True)
        try:
            fresh = socket.create_connection((HOST, self.port), timeout=max(0.001, timeout))
        except ConnectionRefusedError:
            if connection is None:
                raise
            # It may have died of the request that went over the kept-alive connection.
            raise ConnectionResetError("the process ended before it answered") from None
        fresh.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self._exchange(fresh, message, deadline, kept_alive=False)

    def close(self) -> None:
        """Close what idles; connections in use are closed when they come back."""
        self._closed = True
        while self._idle:
            with contextlib.suppress(IndexError):
                self._idle.pop()[1].close()

    def _take(self) -> socket.socket | None:
        while True:
            try:
                since, connection = self._idle.pop()
            except IndexError:
                return None
            # Readable without a request means closed (or babbling): of no use.
            if time.monotonic() - since < MAX_IDLE_SECONDS and not _readable(connection):
                return connection
            connection.close()

    def _exchange(
        self, connection: socket.socket, message: bytes, deadline: float, *, kept_alive: bool
    ) -> Answer:
        reader = _Reader(connection, deadline)
        try:
            try:
                connection.settimeout(reader.left())
                connection.sendall(message)
            except (BrokenPipeError, ConnectionResetError):
                # A server may refuse a large body and close while we still send; its answer may
                # be waiting all the same.
                if kept_alive:
                    raise _StaleError from None
            answer, keep = reader.answer()
        except _StaleError:
            connection.close()
            raise
        except (ConnectionError, OSError) as error:
            connection.close()
            if kept_alive and not reader.received and not isinstance(error, TimeoutError):
                raise _StaleError from None
            raise
        if keep and not self._closed:
            self._idle.append((time.monotonic(), connection))
        else:
            connection.close()
        return answer


class _StaleError(Exception):
    """A kept-alive connection was already closed by the other side."""


def _readable(connection: socket.socket) -> bool:
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


class _Reader:
    def __init__(self, connection: socket.socket, deadline: float) -> None:
        self._connection = connection
        self._deadline = deadline
        self._buffer = b""
        self.received = False

    def left(self) -> float:
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the serving process took too long")
        return seconds

    def answer(self) -> tuple[Answer, bool]:
        """The answer, and whether the connection may be kept."""
        while True:
            version, status, headers = self._head()
            if status >= 200:  # 1xx only announce
                break
        if "chunked" in headers.get("transfer-encoding", "").lower():
            body, keep = self._chunked(), True
        elif status in {204, 304}:
            body, keep = b"", True
        elif "content-length" in headers:
            body, keep = self._exactly(_number(headers["content-length"], 10)), True
        else:
            body, keep = self._rest(), False
        connection = headers.get("connection", "").lower()
        keep = keep and not self._buffer and connection != "close"
        keep = keep and (version == "HTTP/1.1" or connection == "keep-alive")
        return Answer(status, headers, body), keep

    def _head(self) -> tuple[str, int, dict[str, str]]:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise MalformedAnswerError("answer headers without end")
            self._more()
        head, self._buffer = self._buffer[:end], self._buffer[end + 4 :]
        first, *rest = head.decode("latin-1").split("\r\n")
        parts = first.split(" ", 2)
        if len(parts) < 2 or not parts[0].startswith("HTTP/1.") or not parts[1].isdigit():
            raise MalformedAnswerError(f"not an HTTP answer: {first[:80]!r}")
        headers: dict[str, str] = {}
        for line in rest:
            name, _, value = line.partition(":")
            headers[name.strip().lower()] = value.strip()
        return parts[0], int(parts[1]), headers

    def _chunked(self) -> bytes:
        chunks: list[bytes] = []
        while True:
            size = _number(self._line().split(b";")[0].decode("latin-1"), 16)
            if size == 0:
                while self._line():
                    pass
                return b"".join(chunks)
            chunks.append(self._exactly(size))
            self._line()

    def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            self._more()
        line, self._buffer = self._buffer[:end], self._buffer[end + 2 :]
        return line

    def _exactly(self, size: int) -> bytes:
        if len(self._buffer) < size:
            chunks, have = [self._buffer], len(self._buffer)
            while have < size:
                self._buffer = b""
                self._more()
                chunks.append(self._buffer)
                have += len(self._buffer)
            self._buffer = b"".join(chunks)
        body, self._buffer = self._buffer[:size], self._buffer[size:]
        return body

    def _rest(self) -> bytes:
        chunks = [self._buffer]
        while True:
            self._connection.settimeout(self.left())
            piece = self._connection.recv(65536)
            if not piece:
                self._buffer = b""
                return b"".join(chunks)
            chunks.append(piece)

    def _more(self) -> None:
        self._connection.settimeout(self.left())
        piece = self._connection.recv(65536)
        if not piece:
            raise ConnectionResetError("the serving process closed the connection")
        self.received = True
        self._buffer += piece


def _number(text: str, base: int) -> int:
    try:
        number = int(text, base)
    except ValueError:
        number = -1
    if number < 0:
        raise MalformedAnswerError(f"not a length: {text[:40]!r}")
    return number
