"""Requests through the front of the embedded AWS, beside the same server asked directly."""

from __future__ import annotations

import http.client
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from benchmarks.embedded.box import BUCKET, KEY, Box, box, serve

CLIENTS = (1, 4, 16)
BODY = b'{"instances": [[1.0, 2.0, 3.0]]}'
NAME = "asked"
JSON: Mapping[str, str] = {"Content-Type": "application/json"}


def table(count: int) -> list[str]:
    """Lines of a table: requests a second and the median, through the front and directly."""
    lines = [
        "| clients | through the front | its median | directly | its median | ratio |",
        "|---:|---:|---:|---:|---:|---:|",
    ]
    with (
        tempfile.TemporaryDirectory(prefix="asked-") as scratch,
        box(Path(scratch) / "aws") as there,
    ):
        there.client("s3").create_bucket(Bucket=BUCKET)
        serve(there, NAME)
        port = _port(there)
        front, path = int(there.url.rpartition(":")[2]), f"/endpoints/{NAME}/invocations"
        signed = _signed(f"{there.url}{path}")
        for clients in CLIENTS:
            through = _measured(lambda: _Asking(front, path, signed), count, clients)
            direct = _measured(lambda: _Asking(port, "/invocations", JSON), count, clients)
            lines.append(
                f"| {clients} | {through[0]:.0f}/s | {through[1]:.2f} ms | {direct[0]:.0f}/s "
                f"| {direct[1]:.2f} ms | {through[0] / direct[0]:.2f}× |"
            )
    return lines


def _port(there: Box) -> int:
    """Where the endpoint's only server listens."""
    for pid in there.processes():
        for one in psutil.Process(pid).net_connections("tcp"):
            if one.status == psutil.CONN_LISTEN:
                return int(one.laddr.port)
    raise RuntimeError("no server listens")


def _signed(url: str) -> dict[str, str]:
    """Headers of the request, signed as the SDKs sign it: the client's own work is not measured."""
    request = AWSRequest("POST", url, dict(JSON), BODY)
    SigV4Auth(Credentials(KEY, KEY), "sagemaker", "us-east-1").add_auth(request)
    return dict(request.headers)


class _Asking:
    """One client with a connection that it keeps."""

    def __init__(self, port: int, path: str, headers: Mapping[str, str]) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._path, self._headers = path, dict(headers)

    def ask(self) -> float:
        """Seconds that an answer took."""
        began = time.perf_counter()
        self._connection.request("POST", self._path, BODY, self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != http.HTTPStatus.OK:
            raise RuntimeError(f"{self._path} answered {answer.status}: {body[:300]!r}")
        return time.perf_counter() - began


def _measured(make: Callable[[], Any], count: int, clients: int) -> tuple[float, float]:
    """Requests a second, and the median in milliseconds."""
    here = threading.local()

    def ask(_number: int) -> float:
        if not hasattr(here, "asking"):
            here.asking = make()
            here.asking.ask()
        return float(here.asking.ask())

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(ask, range(clients * 20)))
        began = time.perf_counter()
        seconds = list(pool.map(ask, range(count)))
        return count / (time.perf_counter() - began), statistics.median(seconds) * 1000
