"""The serving program beside clients that mean it ill: it answers, it lives, nothing counts as its.

Two servers stand for all: a table that scikit-learn learned, and photos that an own inference.py
answers. Their limits of time and number are a person's patience, so that a test can reach them.
"""

import base64
import io
import json
import socket
import struct
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from models.runtime.serving.limits import MOST_BODY_BYTES, MOST_INSTANCES
from tests.models.conformance import instance_of, run, started

pytestmark = pytest.mark.seconds(60)

HURRIED = '''"""The bundle's server, with less patience."""
import sys, time
from models.runtime.own import CODE_DIR
from models.runtime.serving.app import Model, main
from models.runtime.serving.limits import ServingLimits

class Sleepy(Model):
    def predict(self, instances):
        if instances != [self.example] and len(instances) == 77:
            with self._turn:  # the model itself is busy, for its health check, too
                time.sleep(3)
        return super().predict(instances)

limits = ServingLimits(connections=40, head_seconds=2, body_seconds=2, waiting=4, large_waiting=2)
sys.exit(main(CODE_DIR.parent, Sleepy, limits))
'''
FAMILIES = {
    "table": ("regression", "tabular", "sklearn"),
    "photos": ("classification", "image", "custom"),
}
PING_SECONDS = 2.0
"""What SageMaker gives an instance to say that it is healthy."""


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """Each server by its name, and a request that it answers."""
    with ExitStack() as stack:
        made = {}
        for name, family in FAMILIES.items():
            done = run(tmp_path_factory.mktemp(name), *family)
            (done.model / "code" / "hurried.py").write_text(HURRIED, "utf-8")
            made[name] = stack.enter_context(started(done, "code/hurried.py"))
        yield made


@pytest.fixture(scope="module")
def table(servers):
    return servers["table"]


@pytest.fixture(scope="module")
def photos(servers):
    return servers["photos"]


@pytest.fixture(params=FAMILIES)
def server(request, servers):
    return servers[request.param]


ROW, PHOTO = instance_of("tabular"), instance_of("image")


def failures(server):
    """Requests that the server counts as the model's failures, which the canary's judge fears."""
    with server.client() as client:
        lines = client.get("/metrics").text.splitlines()
    return int(next(line for line in lines if 'outcome="failed"' in line).split()[-1])


def pinged(server):
    """Seconds until the server said that it is healthy."""
    with server.client() as client:
        began = time.monotonic()
        assert client.get("/ping").status_code == 200
        return time.monotonic() - began


def sent(server, content, **headers):
    """The answer to a body, on a connection of its own."""
    headers = {"content-type": "application/json", **headers}
    with server.client() as client:
        return client.post("/invocations", content=content, headers=headers)


def raw(server, *parts, pause=0.0, patience=10.0):
    """What comes back on a connection until the server ends it, or says nothing for long."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=patience) as line:
        for part in parts:
            line.sendall(part)
            time.sleep(pause)
        said = b""
        try:
            while came := line.recv(65536):
                said += came
        except ConnectionResetError:
            pass
        return said


def resident(server):
    return int(Path(f"/proc/{server.pid}/statm").read_text("ascii").split()[1]) * 4096


def body(*instances):
    return json.dumps({"instances": instances}).encode()


def bomb(side):
    """A PNG of many pixels in few bytes."""
    row, packer = b"\0" * (1 + (side + 7) // 8), zlib.compressobj(9)
    content = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", content) + chunk(b"IEND", b"")
    return {"b64": base64.b64encode(b"\x89PNG\r\n\x1a\n" + parts).decode()}


HOSTILE = {
    "no body": (b"", 400),
    "invalid UTF-8": (b'{"instances": [{"size": "\xff\xfe"}]}', 400),
    "half a character": (b'{"instances": [{"size": "\\ud800"}]}', 400),
    "half a character as a key": (b'{"instances": [{"\\udfff": 1}]}', 400),
    "a number of 400 digits": (b'{"instances": [{"size": 1%s}]}' % (b"0" * 400), 400),
    "a number of 5,000 digits": (b'{"instances": [{"size": 1%s}]}' % (b"0" * 5000), 400),
    "1e400": (b'{"instances": [{"size": 1e400}]}', 400),
    "not a number": (b'{"instances": [{"size": NaN}]}', 400),
    "deep lists": (b'{"instances":' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400),
    "deep objects": (b'{"instances":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_001, 400),
    "the same key twice": (b'{"instances": [{"size": 1, "size": 2}]}', 400),
    "a million empty objects": (b'{"instances": [' + b"{}," * 999_999 + b"{}]}", 400),
    "too many instances": (body(*[{}] * (MOST_INSTANCES + 1)), 400),
    "two million lists": (b'{"instances": [' + b"[]," * 2_000_000 + b"[]]}", 400),
    "too long": (b" " * (MOST_BODY_BYTES + 1), 413),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_its_senders_fault(server, name):
    content, status = HOSTILE[name]
    before = failures(server)
    answer = sent(server, content)
    assert answer.status_code == status, answer.text
    assert answer.json()["error"]
    assert failures(server) == before
    assert pinged(server) < PING_SECONDS


NO_NUMBERS = ["true", '"1_0"', '"１２"', '" 1"', '"nan"', '"inf"', "[1]", "{}", '""', "1e400"]


@pytest.mark.parametrize("value", NO_NUMBERS)
def test_what_is_no_number_is_refused_where_one_is_asked_for(table, value):
    row = json.dumps(ROW).replace("12.5", value)
    answer = sent(table, f'{{"instances": [{row}]}}'.encode())
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("instance 0: column 'size'")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"content-type": "text/csv"}, 415),
        ({"content-type": "application/x-npy"}, 415),
        ({"content-type": "multipart/form-data; boundary=x"}, 415),
        ({"content-encoding": "gzip"}, 415),
        ({"content-type": "application/json; charset=utf-8"}, 200),
        ({"content-type": "text/plain"}, 200),
    ],
)
def test_another_format_is_told_what_is_read(table, headers, status):
    answer = sent(table, body(ROW), **headers)
    assert answer.status_code == status
    assert status == 200 or "application/json" in answer.json()["error"]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/invocations", 405),
        ("PUT", "/invocations", 405),
        ("BREW", "/invocations", 405),
        ("POST", "/ping", 405),
        ("GET", "/", 404),
        ("GET", "/%00/../../etc/passwd", 404),
    ],
)
def test_another_method_or_path_is_refused(server, method, path, status):
    with server.client() as client:
        assert client.request(method, path).status_code == status


@pytest.mark.parametrize(
    "request_line",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"GET /ping HTTP/9.9\r\n\r\n",
        b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
        b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1e3\r\n\r\n",
        b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n",
        b"POST /invocations HTTP/1.1\r\nHost: localhost\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /ping HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
    ids=range(7),
)
def test_what_is_no_http_is_refused_and_closed(server, request_line):
    before = failures(server)
    assert b" 50" not in raw(server, request_line)[:20]
    assert failures(server) == before
    assert pinged(server) < PING_SECONDS


def test_a_body_that_says_it_is_too_long_is_refused_before_it_comes(server):
    head = (
        b"POST /invocations HTTP/1.1\r\nHost: localhost\r\n"
        b"Content-Length: 99999999999999999999\r\n\r\n"
    )
    began = time.monotonic()
    said = raw(server, head)
    assert said.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in said.lower()
    assert time.monotonic() - began < 5


def test_who_expects_to_be_asked_is_told_before_sending(table):
    head = b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n"
    assert raw(table, head + b"Content-Length: 7000000\r\n\r\n").startswith(b"HTTP/1.1 413 ")


def test_a_body_in_chunks_is_cut_off_and_memory_stays_flat(server):
    before, most, sent_bytes, chunk = resident(server), 0, 0, b"x" * (1 << 20)
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as line:
        line.sendall(
            b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        try:
            while sent_bytes < 200 << 20:
                line.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                sent_bytes += len(chunk)
                most = max(most, resident(server))
        except OSError:
            pass
    assert sent_bytes < 200 << 20, "it was read to the end"
    assert most - before < 60 << 20
    assert pinged(server) < PING_SECONDS


def test_a_chunked_body_within_the_limit_is_answered(table):
    def parts():
        for start in range(0, len(content), 10):
            yield content[start : start + 10]

    content = body(ROW)
    assert sent(table, parts()).status_code == 200


def test_bombs_are_counted_before_they_are_decoded(photos):
    one = bomb(7000)
    for count, status in ((4, 200), (600, 400)):
        with ThreadPoolExecutor(1) as other:
            asked = other.submit(sent, photos, body(*[one] * count))
            slowest = max(pinged(photos) for _ in range(5))
            answer = asked.result()
        assert answer.status_code == status, answer.text
        assert slowest < PING_SECONDS
    assert "pixels together" in answer.json()["error"]


def encoded(kind, **more):
    made = io.BytesIO()
    frames = [Image.new("RGB", (64, 64), shade) for shade in ("red", "blue")]
    frames[0].save(made, kind, **({"save_all": True, "append_images": frames[1:]} if more else {}))
    return made.getvalue()


IMAGES = {
    "above Pillow's own limit": bomb(20_000),
    "where Pillow warns": bomb(10_000),
    "a moving WebP": encoded("WEBP", moving=True),
    "a moving PNG": encoded("PNG", moving=True),
    "half a JPEG": encoded("JPEG")[:300],
    "half a PNG": encoded("PNG")[:100],
    "half a WebP": encoded("WEBP")[:30],
    "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "a GIF": encoded("GIF"),
    "a TIFF": encoded("TIFF"),
    "nothing": b"",
}


@pytest.mark.parametrize("name", IMAGES)
def test_what_is_no_still_photo_is_refused(photos, name):
    image = IMAGES[name]
    if isinstance(image, bytes):
        image = {"b64": base64.b64encode(image).decode()}
    before = failures(photos)
    answer = sent(photos, body(PHOTO, image))
    assert answer.status_code == 400
    assert answer.json()["error"].startswith("instance 1: b64 is not an image")
    assert failures(photos) == before


def test_a_head_that_does_not_come_is_not_waited_for(server):
    began = time.monotonic()
    raw(server, *[b"G", b"E", b"T", b" "], pause=0.2)
    assert 1.5 < time.monotonic() - began < 6
    raw(server)  # a connection that says nothing
    assert time.monotonic() - began < 10


def test_a_body_that_does_not_come_is_not_waited_for(server):
    before = failures(server)
    head = b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"
    assert raw(server, head).startswith(b"HTTP/1.1 408 ")
    assert failures(server) == before


def test_a_kept_connection_without_a_request_is_closed(table):
    began = time.monotonic()
    said = raw(table, b"GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 200 ")
    assert time.monotonic() - began < 6


def test_a_crowd_of_half_open_connections_shuts_nobody_out(server):
    crowd = []
    try:
        for _ in range(120):
            line = socket.create_connection(("127.0.0.1", server.port), timeout=5)
            line.sendall(b"POST /invocations HTTP/1.1\r\n")
            crowd.append(line)
        assert pinged(server) < PING_SECONDS
        assert sent(server, body({**ROW, **PHOTO})).status_code == 200
        assert len(list(Path(f"/proc/{server.pid}/fd").iterdir())) < 90
    finally:
        for line in crowd:
            line.close()


def test_more_than_may_wait_are_told_to_come_again(table):
    """The model sleeps for three seconds; four requests may be inside."""
    before = failures(table)
    slow = body(*[ROW] * 77)
    with ThreadPoolExecutor(12) as crowd:
        asked = [crowd.submit(sent, table, slow) for _ in range(12)]
        time.sleep(0.5)
        assert pinged(table) < PING_SECONDS
        answers = [one.result() for one in asked]
    told = [answer for answer in answers if answer.status_code == 503]
    assert {answer.status_code for answer in answers} == {200, 503}
    assert len(told) >= 6
    assert all(answer.headers["retry-after"] == "1" for answer in told)
    assert failures(table) == before, "a crowd is no failure of the model"


def test_small_requests_do_not_wait_behind_a_large_one(table):
    many = body(*[ROW] * MOST_INSTANCES)
    with ThreadPoolExecutor(1) as other, table.client() as client:
        client.post("/invocations", content=body(ROW))
        asked = other.submit(sent, table, many)
        behind = 0
        while not asked.done():
            assert client.post("/invocations", content=body(ROW)).status_code == 200
            behind += 1
        answer = asked.result()
    assert answer.status_code == 200
    assert len(answer.json()["predictions"]) == MOST_INSTANCES
    assert behind >= 3


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*ROW, "b64", "image_url"]) | st.text(max_size=3), inner, max_size=5
        )
    ),
    max_leaves=12,
)
BODIES = (
    st.binary(max_size=200)
    | st.lists(VALUES, max_size=4).map(lambda made: json.dumps({"instances": made}).encode())
    | st.fixed_dictionaries(dict.fromkeys(ROW, VALUES)).map(body)
    | VALUES.map(lambda made: json.dumps(made).encode())
    | st.binary(max_size=120).map(lambda made: body({"b64": base64.b64encode(made).decode()}))
)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(content=BODIES)
@example(content=b'{"instances":[{"size":1' + b"0" * 400 + b"}]}")
def test_no_body_ends_in_a_fault_of_ours(servers, fuzzing, content):
    for client in fuzzing:
        answer = client.post("/invocations", content=content)
        assert answer.status_code < 500, answer.text


@pytest.fixture(scope="module")
def fuzzing(servers):
    before = [failures(server) for server in servers.values()]
    with ExitStack() as stack:
        yield [stack.enter_context(server.client()) for server in servers.values()]
    assert [failures(server) for server in servers.values()] == before
    assert all(pinged(server) < PING_SECONDS for server in servers.values())
