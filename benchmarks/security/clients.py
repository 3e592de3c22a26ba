"""Hostile clients of a serving program: ``python -m benchmarks.security.clients PORT SECONDS``.

Half-open connections that send a byte a second, bodies that do the same, bodies without end, bombs
of pixels and of brackets, and bodies made at random; all at once, from a seed. They run in a
process of their own, below everybody's priority, so that what honest clients feel is the server's
doing. It says when it has begun; its last line is JSON, how many answers there were of each status.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import struct
import sys
import zlib
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from itertools import cycle

HOST = "127.0.0.1"
SLOW_HEADS, SLOW_BODIES = 900, 100
BOMB_PAUSE, FUZZ_PAUSE, ENDLESS_PAUSE = 0.5, 0.02, 2.0
"""Seconds between one request of a kind and the next, as one client sends them."""
HEAD = b"POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
VALUES: tuple[Callable[[random.Random], str], ...] = (
    lambda _: "null",
    lambda _: "true",
    lambda draw: str(draw.randint(-(10**9), 10**9)),
    lambda draw: "1" + "0" * draw.randint(300, 5000),
    lambda _: "1e400",
    lambda _: "NaN",
    lambda draw: json.dumps(draw.choice(["", "@@", "1_0", "x" * 5000, "\ud800"])),
    lambda draw: json.dumps(base64.b64encode(draw.randbytes(60)).decode()),
    lambda draw: "[" * draw.randint(1, 2000) + "]" * draw.randint(1, 2000),
    lambda draw: '{"b64":' * draw.randint(1, 5) + "1" + "}" * 5,
    lambda _: "[[[1,2,3],[4,5]]]",
)


class Seen:
    """What the attack on a port saw."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answers: Counter[str] = Counter()

    async def ask(self, *parts: bytes) -> None:
        """Send a request on a connection of its own, and count its answer."""
        reader, writer = await asyncio.open_connection(HOST, self.port)
        try:
            with suppress(ConnectionError):
                for part in parts:
                    writer.write(part)
                    await writer.drain()
            status = (await asyncio.wait_for(reader.readline(), 120)).split()[1:2]
            self.answers[status[0].decode() if status else "closed"] += 1
        except (ConnectionError, TimeoutError):
            self.answers["closed"] += 1
        finally:
            writer.close()

    async def trickle(self, begin: bytes) -> None:
        """Send the beginning of a request, then a byte a second until the server has enough."""
        _, writer = await asyncio.open_connection(HOST, self.port)
        try:
            writer.write(begin)
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(1)
        except ConnectionError:
            self.answers["slow, closed"] += 1
        finally:
            writer.close()


def request(body: bytes) -> bytes:
    """A whole request."""
    return HEAD + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body


def png(side: int) -> str:
    """A PNG of many black pixels in few bytes, as base64."""
    row, packer = b"\0" * (1 + (side + 7) // 8), zlib.compressobj(9)
    content = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", content) + chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + parts).decode()


def bombs() -> Iterator[bytes]:
    """Requests that unpack to far more than they are, one after the other, for ever."""
    large, beyond = {"b64": png(7000)}, {"b64": png(20_000)}
    bodies = [
        json.dumps({"instances": [large] * 4}).encode(),
        json.dumps({"instances": [large] * 600}).encode(),
        json.dumps({"instances": [beyond]}).encode(),
        b'{"instances":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"instances":[' + b"{}," * 999_999 + b"{}]}",
        b'{"instances":[1' + b"0" * 5_000_000 + b"]}",
    ]
    return cycle([request(body) for body in bodies])


async def for_ever(act: Callable[[], Awaitable[None]], pause: float) -> None:
    """Do it again and again."""
    while True:
        with suppress(OSError):
            await act()
        await asyncio.sleep(pause)


async def attack(port: int, seconds: float) -> Counter[str]:
    """All of it at once; what was answered."""
    seen, draw, explosive = Seen(port), random.Random(0), bombs()
    whole = HEAD + b"Content-Length: 100000\r\n\r\n"

    def fuzz() -> Awaitable[None]:
        values = ",".join(draw.choice(VALUES)(draw) for _ in range(draw.randint(0, 4)))
        body = f'{{"instances":[{values}]}}'.encode("utf-8", "replace")
        return seen.ask(request(body[: draw.choice([len(body), draw.randint(0, len(body))])]))

    async def endless() -> None:
        chunk = b"10000\r\n" + b"x" * 65536 + b"\r\n"
        await seen.ask(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk] * 9600)

    tasks = [
        *(for_ever(lambda: seen.trickle(HEAD + b"X:"), 0.1) for _ in range(SLOW_HEADS)),
        *(for_ever(lambda: seen.trickle(whole), 0.1) for _ in range(SLOW_BODIES)),
        for_ever(lambda: seen.ask(next(explosive)), BOMB_PAUSE),
        for_ever(fuzz, FUZZ_PAUSE),
        for_ever(endless, ENDLESS_PAUSE),
    ]
    print("begun", flush=True)
    with suppress(TimeoutError):
        await asyncio.wait_for(asyncio.gather(*tasks), seconds)
    return seen.answers


if __name__ == "__main__":
    os.nice(10)
    print(json.dumps(asyncio.run(attack(int(sys.argv[1]), float(sys.argv[2])))))
