"""The test environment of a release: bundles of tiny serving programs, and a load generator.

Everything goes through the embedded AWS; the serving programs are stdlib only and start at once.
"""

from __future__ import annotations

import http.client
import io
import json
import random
import tarfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from deployments.signing import new_key
from tasks.aws import client
from tasks.clock import utc
from tasks.model_spec import ModelSpec
from tasks.registry import Registry
from tasks.release import reconcile
from tasks.release.context import ReleaseContext
from tasks.release.journal.record import Journal
from tasks.values import Manifest

MODEL = "toy-model"
BUCKET = "sluice-models"

PROGRAM = """
import http.server, json, os, random, sys, time

folder = os.environ["SM_MODEL_DIR"]
how = HOW = json.load(open(os.path.join(folder, "how.json")))
turned = how.get("turned", {})  # how it behaves once the file "turns" exists
if how.get("dies"):
    sys.exit("no weights, no service")
if how.get("starts_after"):
    print("loading the weights", flush=True)
    time.sleep(how["starts_after"])

asked_for = 0

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_GET(self):
        status = how.get("ping", 200)
        if status != 200:
            print(f"the weights do not fit: {status}", flush=True)
        self.answer(status, b"{}")

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        how = turned if os.path.exists(HOW.get("turns", "")) else HOW
        time.sleep(how.get("sleep", 0.0) * random.lognormvariate(0, 0.3))
        global asked_for
        asked_for += 1
        if asked_for > 5 and random.random() < how.get("errors", 0.0):  # health checks go well
            return self.answer(500, b'{"error": "out of luck"}')
        told = [[0.5 if "add" not in how else row[0] + how["add"]] for row in asked["instances"]]
        body = {"predictions": told, "by": os.environ["SLUICE_VERSION"]}
        self.answer(200, json.dumps(body).encode())

    def answer(self, status, body):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words):
        pass

class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

Server(("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"])), Handler).serve_forever()
"""
SAMPLE = b'{"instances": [[1.0]]}'
OWN_ERROR = 424
"""What SageMaker answers when the serving program itself fails."""
RequestCounts = tuple[int, int, int]


def archive(how: dict[str, Any], program: str = PROGRAM) -> bytes:
    """model.tar.gz of a version that behaves like this."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in (("code/serve.py", program), ("how.json", json.dumps(how))):
            data = text.encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def spec(**release: Any) -> ModelSpec:
    """A model whose release is quick: coarse promises, few steps."""
    return ModelSpec.model_validate(
        {
            "name": MODEL,
            "family": "tabular",
            "owner": "o",
            "description": "d",
            "data": {"dataset": "d", "label": "l"},
            "gates": [{"metric": "mae", "at_most": 1.0}],
            "release": {
                "ladder": (0.3, 0.5),  # beyond a half load alone is slower, on a busy machine
                "window_seconds": 60,
                "metrics_lag_seconds": 30,
                "warm_up_seconds": 0,
                "watch_seconds": 120,
                "drain_seconds": 10,
                "load_test": {"requests": 3},
                # The suite makes good releases by the hundred, and on a busy machine half a
                # second's stall of one process is a minute here: one window must not suffice.
                "alpha": 1e-6,
                # Ten seconds in which a machine stands still are a quarter of an hour here.
                "deadline_seconds": 86_400,
                "beta": 0.3,
                "tolerance": {
                    "errors": 0.3, "latency_p50": 0.45, "latency_p90": 0.45, "latency_p99": 0.4,
                },
                **release,
            },
        }
    )  # fmt: skip


def publish(version: str, folder: Path, **how: Any) -> Manifest:
    """Publish a version that behaves like this."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.tar.gz").write_bytes(archive(how))
    (folder / "sample_request.json").write_bytes(SAMPLE)
    draft = Manifest(
        model=MODEL, version=version, created="2026-01-01T02:00:00+00:00",
        identity=f"identity-{version}", training_job="", snapshot="", snapshot_fingerprint="",
        code_hash="", hyperparameters={}, contract="", contract_version="", metrics={}, files=(),
    )  # fmt: skip
    paths = {name: folder / name for name in ("model.tar.gz", "sample_request.json")}
    return Registry.here().publish(draft, paths)


def context(owner: str, model_spec: ModelSpec, lease_seconds: float = 120.0) -> ReleaseContext:
    """The real context, but with this spec and a short lease."""
    made = ReleaseContext.here(Registry.here(), owner)
    return replace(made, specs={MODEL: model_spec}, lease_seconds=lease_seconds)


def prepare() -> None:
    """An empty registry."""
    client("s3").create_bucket(Bucket=BUCKET)


def version(number: int) -> str:
    """The n-th version."""
    return utc(1_767_232_800.0 + 86_400.0 * number).strftime("v%Y%m%d_%H%M%S")


def environment(aws: Any) -> dict[str, str]:
    """What a process needs to find an embedded AWS, to share its clock and to sign."""
    key = aws.world.state_dir / "signing.pem"
    if not key.exists():
        new_key(key)
    return {
        **aws.environment(),
        "SLUICE_SIGNING_KEY": f"file:{key}",
        "SLUICE_TIME_SCALE": repr(aws.clock.scale),
        "SLUICE_TIME_EPOCH": repr(aws.clock.epoch),
    }


def what_serves(d: ReleaseContext) -> dict[str, float]:
    """Share of each variant, as the endpoint says."""
    endpoint = d.cloud.endpoint(f"sluice-{MODEL}")
    return {name: endpoint.share(name) for name in endpoint.variants} if endpoint else {}


def looked_after(d: ReleaseContext, real_seconds: float = 60.0) -> Journal:
    """Reconcile again and again, as a schedule would, until the release has ended."""
    deadline = time.monotonic() + real_seconds
    while True:
        report = reconcile(d, MODEL)
        stored = d.journals.read(MODEL)
        if stored is None or stored.journal.ended:
            assert stored is not None, report
            return stored.journal
        assert time.monotonic() < deadline, f"no end after {real_seconds} s: {report}"
        time.sleep(0.1)


@dataclass
class LoadGenerator:
    """A load generator: threads that keep asking the endpoint, over raw HTTP.

    ``answers`` counts what they got by (status, version). A client gives an answer up after
    ``patience`` seconds.
    """

    endpoint_url: str
    endpoint: str = f"sluice-{MODEL}"
    threads: int = 3
    pause: float = 0.01
    patience: float = 30.0
    bodies: Sequence[bytes] = (SAMPLE,)
    answers: Counter[tuple[int, str]] = field(default_factory=Counter)
    broken: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _people: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Self:
        for _ in range(self.threads):
            person = threading.Thread(target=self._ask, daemon=True)
            person.start()
            self._people.append(person)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for person in self._people:
            person.join(timeout=10)

    @property
    def failed(self) -> int:
        """Requests that did not get an answer of a serving program's own making."""
        answers = self.answers.copy()
        return sum(n for (status, _), n in answers.items() if status != 200) + len(self.broken)

    @property
    def counts(self) -> RequestCounts:
        """Requests so far: all, a candidate's own errors, failed otherwise."""
        own = sum(n for (status, _), n in self.answers.copy().items() if status == OWN_ERROR)
        return sum(self.answers.copy().values()) + len(self.broken), own, self.failed - own

    def since(self, before: RequestCounts) -> dict[str, int]:
        """What was counted since then."""
        names = ("requests", "own", "failed")
        return {n: now - then for n, now, then in zip(names, self.counts, before, strict=True)}

    def _ask(self) -> None:
        address = urlsplit(self.endpoint_url)
        scope = "AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/sagemaker/aws4_request"
        headers = {
            "Content-Type": "application/json",
            "Authorization": f"{scope}, SignedHeaders=host, Signature=0",
        }
        line: http.client.HTTPConnection | None = None
        chosen = random.Random(len(self._people))
        while not self._stop.is_set():
            try:
                if line is None:
                    line = http.client.HTTPConnection(
                        str(address.hostname), address.port, timeout=self.patience
                    )
                body = chosen.choice(self.bodies)
                line.request("POST", f"/endpoints/{self.endpoint}/invocations", body, headers)
                answer = line.getresponse()
                body = answer.read()
                by = json.loads(body).get("by", "") if answer.status == 200 else body[:200].decode()
                self.answers[answer.status, by] += 1
            except (OSError, http.client.HTTPException) as error:
                self.broken.append(repr(error))
                if line is not None:
                    line.close()
                line = None
            time.sleep(self.pause)
        if line is not None:
            line.close()
