from __future__ import annotations

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from embedded_aws.hosting.process.http1 import Answer, MalformedAnswerError, Pool


class Script:
    """A server that answers each connection's requests with given bytes, in given pieces.

    A connection is closed when its answers are used up.
    """

    def __init__(self, *connections: list[list[bytes]]) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self._script = list(connections)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        for answers in self._script:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                connection.settimeout(5)
                for pieces in answers:
                    self.requests.append(self._read(connection))
                    for piece in pieces:
                        with contextlib.suppress(ConnectionError):  # a client may give up
                            connection.sendall(piece)
                        time.sleep(0.002)

    @staticmethod
    def _read(connection: socket.socket) -> bytes:
        got = b""
        while b"\r\n\r\n" not in got:
            got += connection.recv(65536)
        head, _, body = got.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += connection.recv(65536)
        return head + b"\r\n\r\n" + body

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)


@contextlib.contextmanager
def served(*connections: list[list[bytes]]) -> Iterator[tuple[Script, Pool]]:
    script = Script(*connections)
    pool = Pool(script.port)
    try:
        yield script, pool
    finally:
        pool.close()
        script.close()


def ask(pool: Pool, timeout: float = 2.0, body: bytes = b"hi") -> Answer:
    return pool.request("POST", "/invocations", {"Content-Type": "text/plain"}, body, timeout)


PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: b c \r\n\r\nok"


def test_request_is_http():
    with served([[PLAIN]]) as (script, pool):
        answer = ask(pool)
    assert answer == Answer(200, {"content-length": "2", "x-a": "b c"}, b"ok")
    head, body = script.requests[0].split(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"POST /invocations HTTP/1.1",
        b"Host: 127.0.0.1:%d" % script.port,
        b"Content-Type: text/plain",
        b"Content-Length: 2",
    ]
    assert body == b"hi"


def test_connection_is_kept():
    with served([[PLAIN]] * 1 + [], [[PLAIN]]) as (script, pool):
        ask(pool)
    with served([[PLAIN], [PLAIN], [PLAIN]]) as (script, pool):
        for _ in range(3):
            assert ask(pool).body == b"ok"
        assert script.connections == 1


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
def test_connection_that_is_to_close_is_not_kept(version):
    closing = b"HTTP/" + version + b" 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx"
    with served([[closing]], [[closing]]) as (script, pool):
        assert [ask(pool).body for _ in range(2)] == [b"x", b"x"]
        assert script.connections == 2


def test_kept_connection_that_was_closed_meanwhile_is_replaced():
    with served([[PLAIN]], [[PLAIN]]) as (script, pool):
        ask(pool)
        time.sleep(0.05)  # the script closes after its one answer
        assert ask(pool).body == b"ok"
        assert script.connections == 2


def test_kept_connection_closed_without_an_answer_is_replaced_once():
    # The second request arrives, and then the connection ends without a word.
    with served([[PLAIN], []], [[PLAIN]]) as (script, pool):
        ask(pool)
        assert ask(pool).body == b"ok"
        assert len(script.requests) == 3
    with served([[PLAIN], []], [[]]) as (_, pool):
        ask(pool)
        with pytest.raises(ConnectionError):
            ask(pool)


def test_half_an_answer_is_not_asked_for_again():
    with served([[PLAIN], [b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhal"]]) as (script, pool):
        ask(pool)
        with pytest.raises(ConnectionError):
            ask(pool)
        assert len(script.requests) == 2


def test_body_without_length_lasts_until_the_end():
    with served([[b"HTTP/1.0 500 Oops\r\n\r\n", b"it ", b"broke"]]) as (_, pool):
        assert ask(pool) == Answer(500, {}, b"it broke")


def test_announcements_are_skipped_and_no_content_has_no_body():
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
    with served([[early + PLAIN], [b"HTTP/1.1 204 No Content\r\n\r\n"]]) as (_, pool):
        assert ask(pool).body == b"ok"
        assert ask(pool) == Answer(204, {}, b"")


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(
    chunks=st.lists(st.binary(min_size=1, max_size=40), max_size=5),
    cuts=st.lists(st.integers(0, 300), max_size=4),
)
def test_answer_is_the_same_however_it_is_cut(chunks, cuts):
    body = b"".join(b"%x;note=1\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
    whole = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    whole += b"0\r\nTrailer: x\r\n\r\n"
    edges = sorted({0, len(whole), *(cut for cut in cuts if cut < len(whole))})
    pieces = [whole[a:b] for a, b in itertools.pairwise(edges)]
    with served([pieces, [PLAIN]]) as (script, pool):
        assert ask(pool).body == b"".join(chunks)
        assert ask(pool).body == b"ok"
        assert script.connections == 1


@pytest.mark.parametrize(
    "nonsense",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 two OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
def test_what_is_not_http_is_refused(nonsense):
    with served([[nonsense]]) as (_, pool), pytest.raises(MalformedAnswerError):
        ask(pool)


def test_timeout_covers_the_whole_exchange():
    trickle = [b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"] + [b"x"] * 200
    with served([trickle]) as (_, pool):
        began = time.monotonic()
        with pytest.raises(TimeoutError):
            ask(pool, timeout=0.15)
        assert time.monotonic() - began < 1.0


def test_nobody_there_is_a_connection_error():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        ask(Pool(port))


def test_who_died_of_a_request_did_not_refuse_it():
    """Refused means that nobody was sent anything, so that the request may be sent again."""

    def dies_of_the_second(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.settimeout(5)
            Script._read(connection)
            connection.sendall(PLAIN)
            Script._read(connection)
            listening.close()

    listening = socket.create_server(("127.0.0.1", 0))
    pool = Pool(listening.getsockname()[1])
    dying = threading.Thread(target=dies_of_the_second, args=(listening,), daemon=True)
    dying.start()
    try:
        assert ask(pool).body == b"ok"
        with pytest.raises(ConnectionResetError):
            ask(pool)
        with pytest.raises(ConnectionRefusedError):
            ask(pool)
    finally:
        pool.close()
        dying.join(5)
