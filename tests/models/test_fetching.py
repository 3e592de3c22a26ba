"""A photo by its address: from named hosts alone, within bounds, and never to a version's cost."""

import asyncio
import io
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from PIL import Image

from models.runtime.images.fetching import HOSTS, PhotoHosts, Unreachable, _address, _public
from models.runtime.inputs.image import Image as Photo
from models.runtime.serving.app import create_app
from models.runtime.serving.telemetry import Telemetry
from models.runtime.tables.cells import BadInput

SCALED = {"height": 4, "width": 4, "scale": 1 / 127.5, "offset": -1.0}
PHOTO = Photo({"pixels": SCALED})


def photo():
    made = io.BytesIO()
    Image.new("RGB", (8, 8), (200, 10, 10)).save(made, "PNG")
    return made.getvalue()


class Answering(BaseHTTPRequestHandler):
    """A photo, and what else another server may do."""

    def do_GET(self):
        path, port = self.path.partition("?")[0], self.server.server_port
        if path == "/slow":
            self.send_response(200)
            self.end_headers()
            for _ in range(100):
                self.wfile.write(b"x")
                time.sleep(0.05)
            return
        moved = {
            "/moved": "/photo.png?again",
            "/loop": "/loop",
            "/away": f"http://localhost:{port}/photo.png",
            "/inside": "http://169.254.169.254/latest/meta-data",
        }
        if path in moved:
            self.send_response(302)
            self.send_header("Location", moved[path])
            self.end_headers()
            return
        bodies = {"/photo.png": photo(), "/page": b"<html>", "/large": b"x" * 4096}
        status = {"/broken": 503, "/gone": 404}.get(path, 200)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(bodies.get(path, b""))

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def place():
    """Host and port of a server of photos."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    server.handle_error = lambda *_: None  # who asked may have gone
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def hosts(place):
    return PhotoHosts(frozenset({place}), seconds=1.0, most=2048)


class Seeing:
    """Answers each photo with its mean red."""

    edges, address, example = (1.0,), "image_url", None
    unpacked = PHOTO.unpacked

    def predict(self, instances):
        values = PHOTO.decode(instances)["image"][..., 0].mean(axis=(1, 2)).tolist()
        return values, values

    def test_itself(self):
        self.predict([PHOTO.example()])


def post(hosts, *instances):
    telemetry = Telemetry([], "seeing")
    transport = httpx.ASGITransport(create_app(Seeing(), telemetry, hosts=hosts))

    async def ask():
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            body = json.dumps({"instances": list(instances)})
            return await client.post("/invocations", content=body)

    return asyncio.run(ask()), telemetry.counts()


def test_a_photo_is_answered_by_its_address_beside_one_that_was_sent(place, hosts):
    grey = PHOTO.example()
    url = f"http://{place}/photo.png"
    answer, counted = post(hosts, {"image_url": url}, grey, {"image_url": f"http://{place}/moved"})
    assert answer.json() == {"predictions": [200.0, 128.0, 200.0]}
    assert (counted.answered, counted.rejected, counted.failed) == (1, 0, 0)


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("gone", 400, "answers 404"),
        ("broken", 424, "answers 503"),
        ("slow", 424, "longer than 1 s"),
        ("large", 424, "more than 2,048 bytes"),
        ("page", 400, "image_url is not an image"),
        ("loop", 400, "more than 3 times"),
        ("away", 400, "another host"),
        ("inside", 400, "another host"),
    ],
)
def test_what_is_no_photo_is_told_and_counts_against_no_version(place, hosts, path, status, said):
    grey = PHOTO.example()
    answer, counted = post(hosts, grey, {"image_url": f"http://{place}/{path}"})
    assert answer.status_code == status
    assert "instance 1: image_url" in answer.json()["error"]
    assert said in answer.json()["error"]
    assert (counted.answered, counted.rejected, counted.failed) == (0, 1, 0)


def test_a_server_that_is_not_there_is_no_fault_of_ours():
    with pytest.raises(Unreachable, match="did not give the photo"):
        PhotoHosts(frozenset({"127.0.0.1:9"})).fetch("http://127.0.0.1:9/a.jpg")
    with pytest.raises(Unreachable, match="has no address"):
        PhotoHosts(frozenset({"photos.invalid"})).fetch("http://photos.invalid/a.jpg")


@pytest.mark.parametrize(
    "url",
    [
        "http://photos.example.org:8080/a.jpg",
        "http://other.example.org/a.jpg",
        "http://photos.example.org.evil.example/a.jpg",
        "http://127.0.0.1/a.jpg",
        "http://[::1]/a.jpg",
    ],
)
def test_only_named_hosts_are_asked_and_the_setting_is_named(url):
    named = PhotoHosts.of({HOSTS: "Photos.example.org, cdn.example.org:8443"})
    for good in ("http://photos.example.org/a", "https://PHOTOS.example.org:443/a?b=c",
                 "https://cdn.example.org:8443/a"):  # fmt: skip
        assert named.allowed(good).hostname
    with pytest.raises(BadInput, match=f"{HOSTS} .now: cdn.example.org:8443, photos.example.org"):
        named.allowed(url)
    with pytest.raises(BadInput, match=f"{HOSTS} .now: none"):
        PhotoHosts.of({}).fetch(url)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://photos.example.org/a", "photos.example.org/a", "http:///a",
        "http://user:word@photos.example.org/a", "http://photos.example.org:x/a",
        "http://photos.example.org/a\r\nHost: b", "http://photos.example.org/ä", "",
    ],
)  # fmt: skip
def test_what_is_no_address_of_a_photo_is_refused(url):
    with pytest.raises(BadInput, match=r"image_url: .* is no "):
        PhotoHosts(frozenset({"photos.example.org"})).fetch(url)


def test_a_name_does_not_lead_into_a_private_network():
    with pytest.raises(BadInput, match=r"localhost leads to .* in no public network"):
        PhotoHosts(frozenset({"localhost"})).fetch("http://localhost/a.jpg")
    assert _address("127.0.0.1", 80) == "127.0.0.1"
    private = ("10.0.0.1", "192.168.1.1", "169.254.169.254", "::1", "fe80::1%eth0", "0.0.0.1",
               "::ffff:127.0.0.1", "224.0.0.1", "100.64.0.1")  # fmt: skip
    assert not any(map(_public, private))
    assert _public("8.8.8.8")
    assert _public("2606:4700::1111")


def test_an_address_is_text_and_there_are_few(hosts):
    for instance in ({"image_url": 5}, {"image_url": "http://a/b", "b64": ""}):
        answer, counted = post(hosts, instance)
        assert answer.status_code == 400
        assert "image_url is an address as text" in answer.json()["error"]
        assert counted.failed == 0
    answer, _ = post(hosts, *[{"image_url": "http://a/b"}] * 9)
    assert "9 addresses; at most 8" in answer.json()["error"]
