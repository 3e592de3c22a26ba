"""A serving program that does what its requests say, and a small shop to put it on sale.

Everything here is plain boto3, so that the contract tests speak to AWS as any customer would.
"""

from __future__ import annotations

import io
import itertools
import json
import tarfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

ROLE = "arn:aws:iam::123456789012:role/sluice-sagemaker"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sluice-serving:1"
BUCKET = "sluice-hosting-tests"
MACHINE = "ml.m5.large"

PROGRAM = """
import http.server, json, os, subprocess, sys, threading, time

env = os.environ
print("serving", env.get("NAME"), flush=True)
child = subprocess.Popen(["sleep", "300"]).pid if "WITH_CHILD" in env else None
if "DIE_AT_START" in env:
    sys.exit("no weights, no service")
time.sleep(float(env.get("START_SECONDS", "0")))
lock, inside, most = threading.Lock(), 0, 0

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self):
        self.answer(503 if "SICK" in env else 200, b"")

    def do_POST(self):
        global inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        try:
            self.work()
        finally:
            with lock:
                inside -= 1

    def work(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            wish = json.loads(body)
        except ValueError:
            wish = {}
        if not isinstance(wish, dict):
            wish = {}
        if wish.get("mark"):
            open(wish["mark"], "w").close()
        time.sleep(float(wish.get("sleep", env.get("SLEEP", "0"))))
        while wish.get("until") and not os.path.exists(wish["until"]):
            time.sleep(0.01)
        if wish.get("die"):
            os._exit(9)
        if "raw" in wish:
            return self.answer(int(wish.get("status", 200)), wish["raw"].encode())
        told = {
            "name": env.get("NAME"), "pid": os.getpid(), "child": child, "cwd": os.getcwd(),
            "headers": {k.lower(): v for k, v in self.headers.items()},
            "environment": {k: env[k] for k in env if k.startswith(("SM_", "SAGEMAKER_", "AWS_"))},
            "model": sorted(os.listdir(env["SM_MODEL_DIR"])), "echo": wish.get("echo"),
            "most": most,
        }
        self.answer(int(wish.get("status", 200)), json.dumps(told).encode())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if "x-amzn-sagemaker-custom-attributes" in self.headers:
            self.send_header("X-Amzn-SageMaker-Custom-Attributes", "seen")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

Server(("127.0.0.1", int(env["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


def archive(program: str = PROGRAM, name: str = "code/inference.py") -> bytes:
    """A model.tar.gz with one program."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        data = program.encode()
        entry = tarfile.TarInfo(name)
        entry.size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def soon(check: Callable[[], Any], seconds: float = 20.0, every: float = 0.02) -> Any:
    """Wait until ``check`` gives something true, and give it."""
    deadline = time.monotonic() + seconds
    while True:
        if found := check():
            return found
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(every)


class Shop:
    """Models, configs and endpoints by short calls.

    Args:
        client: Gives a boto3 client by service name.
    """

    _numbers = itertools.count(1)

    def __init__(self, client: Callable[[str], Any]) -> None:
        self.sm = client("sagemaker")
        self.rt = client("sagemaker-runtime")
        self.s3 = client("s3")
        self.s3.create_bucket(Bucket=BUCKET)
        self.url = f"s3://{BUCKET}/model.tar.gz"
        self.s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=archive())

    def name(self, stem: str) -> str:
        return f"{stem}-{next(self._numbers)}"

    def model(self, *, url: str | None = None, role: str = ROLE, **environment: str) -> str:
        """A model; its environment says how it behaves."""
        name = self.name("model")
        self.sm.create_model(
            ModelName=name,
            PrimaryContainer={
                "Image": IMAGE,
                "ModelDataUrl": url or self.url,
                "Environment": {"NAME": name, **environment},
            },
            ExecutionRoleArn=role,
        )
        return name

    @staticmethod
    def variant(name: str, model: str, weight: float = 1.0, count: int = 1, **more: Any) -> Any:
        return {
            "VariantName": name,
            "ModelName": model,
            "InstanceType": MACHINE,
            "InitialInstanceCount": count,
            "InitialVariantWeight": weight,
            **more,
        }

    def config(self, *variants: Any, **more: Any) -> str:
        name = self.name("config")
        self.sm.create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=list(variants), **more
        )
        return name

    def endpoint(self, *variants: Any, **more: Any) -> str:
        """An endpoint that is in service."""
        name = self.name("endpoint")
        self.sm.create_endpoint(
            EndpointName=name, EndpointConfigName=self.config(*variants, **more)
        )
        self.wait(name)
        return name

    def simple(self, **environment: str) -> str:
        """An endpoint with one variant, ``main``."""
        return self.endpoint(self.variant("main", self.model(**environment)))

    def describe(self, endpoint: str) -> Any:
        return self.sm.describe_endpoint(EndpointName=endpoint)

    def status(self, endpoint: str) -> str:
        return str(self.describe(endpoint)["EndpointStatus"])

    def wait(self, endpoint: str, status: str = "InService", seconds: float = 20.0) -> Any:
        soon(lambda: self.status(endpoint) == status, seconds)
        return self.describe(endpoint)

    def ask(self, endpoint: str, wish: Any = None, **more: Any) -> Any:
        answer = self.rt.invoke_endpoint(
            EndpointName=endpoint,
            Body=json.dumps(wish or {}),
            ContentType="application/json",
            **more,
        )
        answer["told"] = json.loads(answer["Body"].read())
        return answer

    def variants_asked(self, endpoint: str, times: int, threads: int = 8) -> list[str]:
        """Which variant answered each of so many requests."""
        with ThreadPoolExecutor(threads) as pool:
            answers = pool.map(lambda _: self.ask(endpoint), range(times))
            return [answer["InvokedProductionVariant"] for answer in answers]

    def weights(self, endpoint: str, **weights: float) -> None:
        self.sm.update_endpoint_weights_and_capacities(
            EndpointName=endpoint,
            DesiredWeightsAndCapacities=[
                {"VariantName": name, "DesiredWeight": weight} for name, weight in weights.items()
            ],
        )

    def update(self, endpoint: str, config: str, **more: Any) -> None:
        self.sm.update_endpoint(EndpointName=endpoint, EndpointConfigName=config, **more)
