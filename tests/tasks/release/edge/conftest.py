"""An embedded AWS with a CDN before the registry, and users who load their model from it."""

from __future__ import annotations

import itertools
import json
import random
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import pytest

from benchmarks.release import testbed
from tasks import aws as our_aws
from tasks.buckets import bucket
from tasks.registry import Registry
from tasks.release import run, start_release
from tasks.release.context import ReleaseContext
from tasks.release.edge import collector
from tasks.release.edge.limits import Rate, RateLimiter, RateLimits
from tasks.settings import settings
from tasks.stored import parsed
from tasks.values import Manifest, Pointer
from tests.clients.cloudfront import distribution

MODEL = testbed.MODEL
RELEASE: dict[str, Any] = {
    "delivery": "edge",
    "refresh_seconds": 60,
    "ladder": (0.4, 0.8),
    "window_seconds": 60,
    "metrics_lag_seconds": 30,
    "warm_up_seconds": 0,
    "watch_seconds": 180,
    "alpha": 1e-6,  # as in the testbed
    "deadline_seconds": 86_400,
    "beta": 0.3,
    "tolerance": {"errors": 0.3, "latency_p50": 0.45, "latency_p90": 0.45, "latency_p99": 0.4},
}


@dataclass
class Users:
    """Ever new users, who do what the reference client does. Each reports once.

    ``errors`` and ``milliseconds`` say how each version behaves; ``had`` counts the users that
    each version had.
    """

    cdn_url: str
    collector_url: str
    clock: Any
    errors: dict[str, float] = field(default_factory=dict)
    milliseconds: dict[str, float] = field(default_factory=dict)
    had: Counter[str] = field(default_factory=Counter)
    failed: Counter[str] = field(default_factory=Counter)
    refused: list[int] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._come, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        assert self._thread is not None
        self._thread.join(timeout=20)

    def pointer(self) -> Pointer:
        with urllib.request.urlopen(f"{self.cdn_url}/{MODEL}/latest.json", timeout=60) as answer:
            return parsed(Pointer, answer.read(), "latest.json")

    def _come(self) -> None:
        dice = random.Random(7)
        for number in itertools.count():
            if self._stop.is_set():
                return
            pointer = self.pointer()
            shown = pointer.rollout
            if shown is not None:
                seen = [self._observe(f"{number}-{n}", pointer, dice) for n in range(20)]
                self._post({"schema_version": 1, "model": MODEL, "observations": seen})
            time.sleep(0.03)

    def _observe(self, user: str, pointer: Pointer, dice: random.Random) -> dict[str, Any]:
        shown = pointer.rollout
        assert shown is not None
        tried = bucket(user, shown.salt) < shown.percent
        version = shown.version if tried else pointer.version
        self.had[version] += 1
        if dice.random() < self.errors.get(version, 0.02):
            self.failed[version] += 1
            return {"version": version, "outcome": "error", "kind": "predict"}
        spent = self.milliseconds.get(version, 3.0) * dice.lognormvariate(0, 0.5)
        return {"version": version, "outcome": "ok", "latency_ms": round(spent, 3)}

    def _post(self, batch: dict[str, Any]) -> None:
        request = urllib.request.Request(self.collector_url, json.dumps(batch).encode())
        with urllib.request.urlopen(request, timeout=60) as answer:
            if answer.status != 204:
                self.refused.append(answer.status)


@dataclass
class Edge:
    """One model that edge clients load; releases follow upon each other."""

    aws: Any
    folder: Path
    cdn_url: str
    collector_url: str
    clock: Any
    number: int = 0

    def publish(self) -> str:
        self.number += 1
        version = testbed.version(self.number)
        file = self.folder / version
        file.write_bytes(version.encode())
        Registry.here().publish(
            Manifest(
                model=MODEL, version=version, created="", identity=f"identity-{version}",
                training_job="", snapshot="", snapshot_fingerprint="", code_hash="",
                hyperparameters={}, contract="", contract_version="", metrics={}, files=(),
            ),
            {"tfjs/model.json": file},
        )  # fmt: skip
        return version

    def context(self, owner: str = "ann", **release: Any) -> ReleaseContext:
        spec = testbed.spec(**{**RELEASE, **release})
        made = ReleaseContext.here(Registry.here(), owner)
        return replace(made, specs={MODEL: spec}, lease_seconds=120.0)

    def users(self, **how: Any) -> Users:
        return Users(self.cdn_url, self.collector_url, self.clock, **how)

    def release(self, version: str, **release: Any) -> Any:
        context = self.context(**release)
        start_release(context, MODEL, version, "ann", "weekly")
        return run(context, MODEL)

    def pointer(self) -> Pointer | None:
        return Registry.here().pointer(MODEL)


@pytest.fixture(scope="module")
def edge(aws: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in testbed.environment(aws).items():
            patch.setenv(name, value)
        our_aws.client.cache_clear()
        testbed.prepare()
        made = distribution(aws, testbed.BUCKET)
        cdn_url = f"{aws.endpoint_url}/_cdn/{made}"
        patch.setenv("SLUICE_DISTRIBUTION_ID", made)
        patch.setenv("SLUICE_CDN_URL", cdn_url)
        patch.setenv(
            "SLUICE_ALERTS_TOPIC_ARN", aws.client("sns").create_topic(Name="alerts")["TopicArn"]
        )
        settings.cache_clear()
        # One address stands for all the users of these tests.
        everybody = RateLimiter(RateLimits(*[Rate(burst=1e9, a_minute=1e9)] * 3))
        taker = replace(collector.Collector.here(), limiter=everybody)
        door = collector.server(taker, 0)
        thread = threading.Thread(target=door.serve_forever, daemon=True)
        thread.start()
        url = f"http://127.0.0.1:{door.server_port}/"
        yield Edge(aws, tmp_path_factory.mktemp("bundles"), cdn_url, url, aws.clock)
        door.shutdown()
        door.server_close()
        thread.join()
    our_aws.client.cache_clear()
    settings.cache_clear()
