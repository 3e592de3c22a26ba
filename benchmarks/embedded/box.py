"""An embedded AWS in a process of its own, with a state folder, that can be killed and begun anew.

It is known by its state folder: whatever runs below it (jobs, their children, servers) has that
folder in its environment, and dies with it.
"""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import tarfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

ROLE = "arn:aws:iam::123456789012:role/benchmarks"
BUCKET = "box"
KEY = "embedded"
READY_SECONDS = 120.0
SOURCE = Path(__file__).resolve().parents[2] / "embedded-aws" / "src"


class Box:
    """One state folder, and the process that has it open."""

    def __init__(self, folder: Path, time_scale: float = 60.0) -> None:
        self.folder = folder
        self._scale = time_scale
        self.start()

    def start(self) -> None:
        """Begin, or go on with what the folder holds."""
        path = os.pathsep.join(filter(None, (str(SOURCE), os.environ.get("PYTHONPATH", ""))))
        self._process = subprocess.Popen(
            [
                *(sys.executable, "-m", "embedded_aws", "--port", "0", "--die-with-parent"),
                *("--time-scale", str(self._scale), "--log-level", "ERROR"),
                *("--state-dir", str(self.folder)),
            ],
            env={**os.environ, "PYTHONPATH": path},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip().partition("=")[2]
        if not self.url:
            raise RuntimeError("the embedded AWS did not start; its last words stand above")

    @property
    def pid(self) -> int:
        """Of its process."""
        return self._process.pid

    def kill(self) -> None:
        """As the system does when it is short of memory."""
        self._process.kill()
        self._over()

    def end(self) -> None:
        """In order."""
        self._process.terminate()
        self._over()

    def _over(self) -> None:
        self._process.wait(60)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def client(self, service: str, **config: Any) -> Any:
        """A boto3 client of it."""
        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=KEY,
            aws_secret_access_key=KEY,
            config=Config(retries={"total_max_attempts": 1}, proxies={}, **config),
        )

    def processes(self) -> set[int]:
        """Whatever has its state folder in its environment, itself excepted."""
        marker, found = str(self.folder).encode(), set()
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with suppress(OSError):
                    state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
                    if state != "Z" and marker in (entry / "environ").read_bytes():
                        found.add(int(entry.name))
        return found

    def folders(self, kind: str) -> list[str]:
        """Names of the folders of jobs (``training``) or servers (``hosting``)."""
        place = self.folder / kind
        return sorted(path.name for path in place.iterdir()) if place.is_dir() else []


@contextmanager
def box(folder: Path, time_scale: float = 60.0) -> Iterator[Box]:
    """A box that is ended with the block."""
    made = Box(folder, time_scale)
    try:
        yield made
    finally:
        with suppress(ProcessLookupError):
            made.end()


def until(condition: Any, seconds: float) -> bool:
    """Wait for a condition; whether it came true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return bool(condition())


def archive(**files: str) -> bytes:
    """Texts as a .tar.gz; two underscores in a name are a folder."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in files.items():
            body = textwrap.dedent(text).encode()
            entry = tarfile.TarInfo(name.replace("__", "/") + ".py")
            entry.size = len(body)
            tar.addfile(entry, io.BytesIO(body))
    return out.getvalue()


SERVER = """
    import os
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True
        def do_GET(self):
            self.rfile.read(int(self.headers.get("content-length") or 0))
            self.send_response(200)
            self.send_header("content-length", "2")
            self.end_headers()
            self.wfile.write(b"{}")
        do_POST = do_GET
        def log_message(self, *words):
            pass

    class Server(ThreadingHTTPServer):
        request_queue_size = 128

    Server(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


def serve(there: Box, name: str) -> None:
    """An endpoint whose model answers every request alike."""
    s3, sagemaker = there.client("s3"), there.client("sagemaker")
    s3.put_object(Bucket=BUCKET, Key=f"{name}.tar.gz", Body=archive(code__inference=SERVER))
    container = {"Image": "image", "ModelDataUrl": f"s3://{BUCKET}/{name}.tar.gz"}
    sagemaker.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer=container)
    variant = {
        "VariantName": "v",
        "ModelName": name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": int(READY_SECONDS)}
    )


def strike(pid: int) -> None:
    """Kill one process; it may be gone already."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
