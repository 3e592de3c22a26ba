"""A model's server on a laptop answers programs, and no page of any browser."""

import asyncio

import httpx
import pytest
from fastapi import FastAPI

from models.runtime.serving.loopback import REFUSED, OnlyPrograms

NAMES = frozenset({"127.0.0.1", "localhost"})


@pytest.fixture
def asked():
    return []


@pytest.fixture
def app(asked):
    inner = FastAPI()

    @inner.post("/invocations")
    async def invocations() -> str:
        asked.append(1)
        return "predicted"

    return OnlyPrograms(inner, NAMES)


def post(app, **headers):
    async def ask():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1") as client:
            names = {name.replace("_", "-"): value for name, value in headers.items()}
            return await client.post("/invocations", headers=names, content=b"{}")

    return asyncio.run(ask())


@pytest.mark.parametrize("host", ["127.0.0.1:8080", "localhost", "LOCALHOST:1"])
def test_a_program_is_answered(app, asked, host):
    assert post(app, host=host).json() == "predicted"
    assert asked == [1]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec_fetch_site": "cross-site"},
        {"host": "evil.example:1"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "0.0.0.0:1"},
    ],
)
def test_a_page_is_not(app, asked, headers):
    answer = post(app, **headers)
    assert (answer.status_code, answer.content) == (403, REFUSED)
    assert asked == []


def test_nor_by_a_web_socket(app):
    told = []

    async def send(message):
        told.append(message)

    headers = [(b"host", b"127.0.0.1:1"), (b"origin", b"http://evil.example")]
    scope = {"type": "websocket", "path": "/invocations", "headers": headers}
    asyncio.run(app(scope, None, send))
    assert told == [{"type": "websocket.close", "code": 1008}]
