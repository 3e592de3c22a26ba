"""From the registry through the CDN into Chromium, and back as metrics: every part is real."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tasks import aws as our_aws
from tasks.buckets import bucket
from tasks.clock import utc
from tasks.registry import Registry
from tasks.release.edge import collector
from tasks.settings import settings
from tasks.values import Rollout
from tests.clients.cloudfront import distribution
from tests.clients.conftest import MODEL, V1, V2, graph_model, manifest

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

BUCKET = "sluice-models"
USERS = [f"user-{n}" for n in range(16)]
VISITS = """async ({ base, url, users }) => {
  const { postReports } = await import("/clients/reports.js");
  const { memoryStore } = await import("/clients/store.js");
  globalThis.models = [];
  const answers = [];
  for (const userId of users) {
    const report = postReports({ url, flushSeconds: 3600 });
    const model = await open({
      base, userId, report, store: memoryStore(), pointerTimeout: 30000, fileTimeout: 30000,
    });
    answers.push([await ask(model), await ask(model)]);
    models.push(model);
    await new Promise((resolve) => setTimeout(resolve, 0));
    await report.flush();
    report.stop();
  }
  return answers;
}"""
AGAIN = """Promise.all(models.map(async (model) => {
  await model.refresh();
  return model.problem?.message ?? await ask(model);
}))"""


@pytest.fixture(scope="module")
def registry(aws: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    folder = tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environment().items():
            patch.setenv(name, value)
        patch.setenv("SLUICE_TIME_SCALE", repr(aws.clock.scale))
        patch.setenv("SLUICE_TIME_EPOCH", repr(aws.clock.epoch))
        our_aws.client.cache_clear()
        aws.client("s3").create_bucket(Bucket=BUCKET)
        rule = {"AllowedMethods": ["GET", "HEAD"], "AllowedOrigins": ["*"]}  # as the registry's
        aws.client("s3").put_bucket_cors(Bucket=BUCKET, CORSConfiguration={"CORSRules": [rule]})
        patch.setenv("SLUICE_DISTRIBUTION_ID", distribution(aws, BUCKET))
        settings.cache_clear()
        made = Registry.here()
        for version, weight in ((V1, 1.0), (V2, 2.0)):
            made.publish(manifest(version, {}), local(folder / version, graph_model(weight)))
        yield made
    our_aws.client.cache_clear()
    settings.cache_clear()


def local(folder: Path, files: dict[str, bytes]) -> dict[str, Path]:
    for path, data in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    return {path: folder / path for path in files}


@pytest.fixture
def door(registry: Registry) -> Iterator[str]:
    made = collector.server(collector.Collector.here(), 0)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{made.server_port}/"
    made.shutdown()
    made.server_close()
    thread.join()


def counted(aws: Any, metric: str, version: str) -> float:
    now = utc(aws.clock.now())
    answer = aws.client("cloudwatch").get_metric_statistics(
        Namespace="Sluice",
        MetricName=metric,
        Dimensions=[{"Name": "ModelName", "Value": MODEL}, {"Name": "Version", "Value": version}],
        StartTime=now - timedelta(hours=6),
        EndTime=now + timedelta(minutes=5),
        Period=3600,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in answer["Datapoints"])


def test_users_get_their_version_and_their_word_counts(
    aws: Any, registry: Registry, door: str, page: Any
) -> None:
    how = {"actor": "ann", "reason": "weekly"}
    first = registry.move_pointer(MODEL, V1, expected=None, **how)
    rollout = Rollout(version=V2, percent=40, salt="release-1")
    shown = registry.stage_rollout(MODEL, rollout, before=first, **how)
    registry.invalidate(shown)
    base = f"{aws.endpoint_url}/_cdn/{registry.distribution_id}"
    answers = page.evaluate(VISITS, {"base": base, "url": door, "users": USERS})
    expected = [2.0 if bucket(user, rollout.salt) < 40 else 1.0 for user in USERS]
    assert answers == [[value, value] for value in expected]
    versions = Counter(expected)
    assert min(versions[1.0], versions[2.0]) >= 4
    deadline = time.monotonic() + 10
    while counted(aws, "Requests", V2) < versions[2.0] and time.monotonic() < deadline:
        time.sleep(0.1)
    for version, weight in ((V1, 1.0), (V2, 2.0)):
        assert counted(aws, "Requests", version) == versions[weight]
        assert counted(aws, "Errors", version) == 0
    back = registry.move_pointer(MODEL, V1, expected=V2, actor="ann", reason="worse", rollback=True)
    registry.invalidate(back)
    assert page.evaluate(AGAIN) == [1.0] * len(USERS)
