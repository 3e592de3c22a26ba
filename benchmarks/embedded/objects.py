"""Objects in and out of the embedded AWS, beside moto's own server in the same run."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from benchmarks.embedded.box import BUCKET, KEY, box

SIZE = 100_000
"""Bytes of an object."""
THREADS = 16
ROUNDS = 3
READY_SECONDS = 60.0


def table(count: int) -> list[str]:
    """Lines of a table: objects a second of each, the best of its rounds, and the ratio.

    The two are asked in turn, round by round, so that what else the machine does meets both.
    Requests are signed beforehand: the client's own work is not measured.
    """
    best: dict[tuple[str, str], float] = {}
    with tempfile.TemporaryDirectory(prefix="objects-") as scratch:
        folder = Path(scratch)
        with box(folder / "aws") as there, _moto(folder) as moto:
            for url in (there.url, moto):
                _client(url).create_bucket(Bucket=BUCKET)
            for turn in range(ROUNDS):
                for server, url in (("ours", there.url), ("moto", moto)):
                    for act, rate in _rates(url, count, turn).items():
                        best[act, server] = max(rate, best.get((act, server), 0.0))
    lines = [
        f"| {SIZE // 1000} kB, {THREADS} threads | embedded AWS | moto's server | ratio |",
        "|---|---:|---:|---:|",
    ]
    for act in ("put", "get"):
        ours, theirs = best[act, "ours"], best[act, "moto"]
        lines.append(f"| {act} | {ours:.0f}/s | {theirs:.0f}/s | {ours / theirs:.1f}× |")
    return lines


@contextmanager
def _moto(folder: Path) -> Iterator[str]:
    """The peer, in a process of its own; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with (folder / "moto.log").open("wb") as log:
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ})
        try:
            deadline = time.monotonic() + READY_SECONDS
            while not _listens(port):
                if process.poll() is not None or time.monotonic() > deadline:
                    words = (folder / "moto.log").read_text("utf-8", "replace")
                    raise RuntimeError(f"moto's server did not start: {words[-600:]}")
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


def _listens(port: int) -> bool:
    with socket.socket() as asking:
        return asking.connect_ex(("127.0.0.1", port)) == 0


def _client(url: str) -> Any:
    config = Config(proxies={}, signature_version="s3v4", s3={"addressing_style": "path"})
    return boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1", aws_access_key_id=KEY,
        aws_secret_access_key=KEY, config=config,
    )  # fmt: skip


def _rates(url: str, count: int, turn: int) -> dict[str, float]:
    """Objects a second that were put, and got again."""
    body, rates = os.urandom(SIZE), {}
    for act in ("put", "get"):
        method = act.upper()
        sent = body if act == "put" else b""
        urls = [f"{url}/{BUCKET}/{turn}/{number}" for number in range(count)]
        asked = [_signed(method, one, sent) for one in urls]
        began = time.perf_counter()
        _ask(url, method, asked, sent)
        rates[act] = count / (time.perf_counter() - began)
    return rates


def _signed(method: str, url: str, body: bytes) -> tuple[str, dict[str, str]]:
    """Path and headers, signed as the SDKs sign them."""
    request = AWSRequest(method, url, {}, body)
    S3SigV4Auth(Credentials(KEY, KEY), "s3", "us-east-1").add_auth(request)
    return urlsplit(url).path, dict(request.headers)


def _ask(
    url: str, method: str, asked: Sequence[tuple[str, Mapping[str, str]]], body: bytes
) -> None:
    """Ask all, each thread on a connection that it keeps where the server lets it.

    Raises:
        RuntimeError: An answer was another one.
    """
    here = threading.local()
    port = urlsplit(url).port

    def ask(one: tuple[str, Mapping[str, str]]) -> None:
        path, headers = one
        if not hasattr(here, "connection"):
            here.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        here.connection.request(method, path, body or None, dict(headers))
        answer = here.connection.getresponse()
        told = answer.read()
        if answer.status != http.HTTPStatus.OK or (method == "GET" and len(told) != SIZE):
            raise RuntimeError(f"{method} {path} answered {answer.status}: {told[:300]!r}")

    with ThreadPoolExecutor(THREADS) as pool:
        for _ in pool.map(ask, asked):
            pass
