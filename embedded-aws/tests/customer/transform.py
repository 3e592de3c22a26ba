"""A customer who runs batch transform jobs, and a serving program that does what records say."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from customer.smallest import archive
from embedded_aws import EmbeddedAws

ROLE = "arn:aws:iam::123456789012:role/transform"
LOG_GROUP = "/aws/sagemaker/TransformJobs"
TERMINAL = {"Completed", "Failed", "Stopped"}

PROGRAM = """
import collections, http.server, json, os, threading, time

env = os.environ
print("serving", flush=True)
if "DIE_AT_START" in env:
    raise SystemExit("no weights, no service")
lock, seen, inside = threading.Lock(), collections.Counter(), 0
together = threading.Barrier(int(env.get("TOGETHER", 1)))

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self):
        if self.path == "/execution-parameters":
            told = env.get("PARAMETERS")
            return self.answer(200 if told else 404, (told or "").encode())
        self.answer(503 if "SICK" in env else 200, b"")

    def do_POST(self):
        global inside
        body = self.rfile.read(int(self.headers["content-length"]))
        with lock:
            seen[body] += 1
            tries = seen[body]
            inside += 1
            most = inside
        try:
            self.reply(body, tries, most)
        finally:
            with lock:
                inside -= 1

    def reply(self, body, tries, most):
        if b"bad" in body:
            return self.answer(400, b"bad record\\nin two lines")
        if b"broken" in body:
            return self.answer(500, b"it broke")
        if b"flaky" in body and tries < 3:
            return self.answer(503, b"not yet")
        if b"slow" in body:
            time.sleep(600)
        mark = env.get("DIED", "")
        if b"die" in body and not os.path.exists(mark):
            open(mark, "w").close()
            os._exit(9)
        if b"everybody" in body:
            together.wait(60)
        if b"quick" not in body:
            time.sleep(float(env.get("PAUSE", 0)))
        told = {
            "records": len(body.splitlines()), "bytes": len(body), "pid": os.getpid(),
            "most": most, "tries": tries, "name": env.get("NAME"),
            "headers": {k.lower(): v for k, v in self.headers.items()},
            "environment": {k: v for k, v in env.items() if k.startswith(("SAGEMAKER_", "AWS_"))},
        }
        self.answer(200, json.dumps(told).encode() if "TELL" in env else body.upper())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

Server(("127.0.0.1", int(env["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""


@dataclass
class Scorer:
    """Submits transform jobs on small objects and waits for them."""

    aws: EmbeddedAws
    bucket: str

    def __post_init__(self) -> None:
        self.s3 = self.aws.client("s3")
        self.sagemaker = self.aws.client("sagemaker")
        self.logs = self.aws.client("logs")
        self.s3.create_bucket(Bucket=self.bucket)
        self.s3.put_object(Bucket=self.bucket, Key="model.tar.gz", Body=archive(PROGRAM))
        self.model("upper")

    def model(self, name: str, **environment: str) -> None:
        """A model whose environment says how it behaves."""
        self.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=ROLE,
            PrimaryContainer={
                "Image": "image",
                "ModelDataUrl": f"s3://{self.bucket}/model.tar.gz",
                "Environment": environment,
            },
        )

    def put(self, job: str, **objects: str | bytes) -> None:
        """Objects below the job's own input, by name."""
        for name, body in objects.items():
            content = body if isinstance(body, bytes) else body.encode()
            self.s3.put_object(Bucket=self.bucket, Key=f"in/{job}/{name}", Body=content)

    def request(
        self,
        name: str,
        model: str = "upper",
        *,
        source: dict[str, Any] | None = None,
        target: dict[str, Any] | None = None,
        resources: dict[str, Any] | None = None,
        **changes: Any,
    ) -> dict[str, Any]:
        """A request that reads ``in/<name>/`` and writes below ``out/<name>``."""
        place = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{self.bucket}/in/{name}/"}
        data = {"DataSource": {"S3DataSource": place}, "SplitType": "Line"}
        return {
            "TransformJobName": name,
            "ModelName": model,
            "TransformInput": {**data, **(source or {})},
            "TransformOutput": {"S3OutputPath": f"s3://{self.bucket}/out/{name}", **(target or {})},
            "TransformResources": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                **(resources or {}),
            },
            **changes,
        }

    def begin(self, name: str, *words: Any, **changes: Any) -> None:
        """Create a job."""
        self.sagemaker.create_transform_job(**self.request(name, *words, **changes))

    def run(self, name: str, *words: Any, **changes: Any) -> dict[str, Any]:
        """Create a job and wait for its end; its description."""
        self.begin(name, *words, **changes)
        return self.ended(name)

    def described(self, name: str) -> dict[str, Any]:
        return dict(self.sagemaker.describe_transform_job(TransformJobName=name))

    def ended(self, name: str, seconds: float = 90.0) -> dict[str, Any]:
        """A job's description once it is over."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            told = self.described(name)
            if told["TransformJobStatus"] in TERMINAL:
                return told
            time.sleep(0.05)
        raise AssertionError(f"{name} is still {told['TransformJobStatus']}")

    def results(self, name: str) -> dict[str, str]:
        """Texts of a job's outputs, by what follows its output path."""
        prefix = f"out/{name}/"
        listed = self.s3.list_objects_v2(Bucket=self.bucket, Prefix=prefix).get("Contents", [])
        return {
            one["Key"].removeprefix(prefix): self.s3.get_object(
                Bucket=self.bucket, Key=one["Key"]
            )["Body"].read().decode()
            for one in listed
        }  # fmt: skip

    def lines(self, name: str, *, data: bool = False) -> list[str]:
        """What a job's program printed, or what was said of its data."""
        try:
            events = self.logs.filter_log_events(
                logGroupName=LOG_GROUP, logStreamNamePrefix=f"{name}/i-"
            )["events"]
        except self.logs.exceptions.ResourceNotFoundException:
            return []
        return [
            event["message"]
            for event in events
            if event["logStreamName"].endswith("/data-log") == data
        ]
