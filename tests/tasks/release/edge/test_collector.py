"""The collector in front of strangers: they cost little, and none of them is many."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tasks import aws as our_aws
from tasks.clock import ScaledClock, utc
from tasks.release.edge.collector import MOST_CONNECTIONS, Collector, server
from tests.tasks.release.edge.test_limits import token

BUCKET = "sluice-collector"
V1 = "v20260101_020000"


@pytest.fixture(scope="module")
def s3(aws: Any) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environment().items():
            patch.setenv(name, value)
        our_aws.client.cache_clear()
        made = aws.client("s3")
        made.create_bucket(Bucket=BUCKET)
        pointer = {
            "model": "good", "version": V1, "timestamp": "t", "actor": "a", "reason": "r",
        }  # fmt: skip
        for key, body in (("good", json.dumps(pointer).encode()), ("bad", b'{"mod')):
            made.put_object(Bucket=BUCKET, Key=f"{key}/latest.json", Body=body)
        yield made
    our_aws.client.cache_clear()


@pytest.fixture
def collector(aws: Any, s3: Any) -> Collector:
    aws.calls.clear()
    return Collector(BUCKET, "Sluice", ScaledClock(aws.clock.scale, aws.clock.epoch))


def batch(model: str = "good", **more: Any) -> bytes:
    return json.dumps({"schema_version": 1, "model": model, **more}).encode()


def test_a_pointer_that_does_not_parse_is_a_reason_to_try_again(collector: Any) -> None:
    assert collector.take(batch("bad"), "a") == 503
    assert collector.take(batch(), "a") == 204


def test_unknown_models_cost_one_look_each(aws: Any, collector: Any) -> None:
    told = {collector.take(batch("nobody"), f"address-{n}") for n in range(200)}
    assert told == {400}
    assert aws.calls.count("s3", "GetObject") == 1


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 30_000,
        b"\xff\xfe",
        b"",
        b'{"schema_version":1,"model":"good","latencies_ms":[NaN]}',
        b'{"schema_version":1,"model":"good","latencies_ms":[1' + b"0" * 400 + b"]}",
        batch("../good"),
        batch(token="x" * 3_000),
    ],
)
def test_what_is_no_batch_is_the_clients_own_fault(collector: Any, body: bytes) -> None:
    assert collector.take(body, "a") == 400


def test_one_address_invents_no_crowd(aws: Any, collector: Any) -> None:
    seen = [{"version": V1, "outcome": "error", "kind": "predict"}] * 20
    answers = [collector.take(batch(observations=seen), "a") for _ in range(100)]
    assert answers[:60] == [204] * 60
    assert 429 in answers
    assert counted(aws) <= 22, "one crowd of twenty, and one more a minute"
    assert collector.take(batch(observations=seen), "b") == 204
    assert counted(aws) >= 40


def counted(aws: Any) -> float:
    """Requests that the judge would see."""
    now = utc(aws.clock.now())
    answer = aws.client("cloudwatch").get_metric_statistics(
        Namespace="Sluice",
        MetricName="Requests",
        Dimensions=[{"Name": "ModelName", "Value": "good"}, {"Name": "Version", "Value": V1}],
        StartTime=now - timedelta(hours=3),
        EndTime=now + timedelta(minutes=5),
        Period=3600,
        Statistics=["Sum"],
    )
    return float(sum(point["Sum"] for point in answer["Datapoints"]))


def test_with_a_key_only_signed_clients_post(aws: Any, s3: Any) -> None:
    secrets = aws.client("secretsmanager")
    secrets.create_secret(Name="sluice-collector", SecretString="k" * 32)
    asks = Collector(BUCKET, "Sluice", ScaledClock(), key_secret="sluice-collector")
    assert asks.take(batch(), "a") == 401
    assert asks.take(batch(token=token(b"o" * 32)), "a") == 401
    assert asks.take(batch(token=token()), "a") == 204
    secrets.put_secret_value(SecretId="sluice-collector", SecretString="n" * 32)
    anew = Collector(BUCKET, "Sluice", ScaledClock(), key_secret="sluice-collector")
    assert anew.take(batch(token=token(b"n" * 32)), "a") == 204
    assert anew.take(batch(token=token()), "a") == 204, "clients hold the key of before"
    for name in ("nobody", "sluice-short"):
        if name == "sluice-short":
            secrets.create_secret(Name=name, SecretString="short")
        without = Collector(BUCKET, "Sluice", ScaledClock(), key_secret=name)
        assert without.take(batch(token=token()), "a") == 503


def test_slow_strangers_take_no_more_than_the_places_there_are(collector: Any) -> None:
    door = server(collector, 0)
    thread = threading.Thread(target=door.serve_forever, daemon=True)
    before = threading.active_count()
    thread.start()
    slow = []
    try:
        for _ in range(MOST_CONNECTIONS + 40):
            one = socket.create_connection(("127.0.0.1", door.server_port))
            one.sendall(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\n1")
            slow.append(one)
        slow[-1].settimeout(5)
        assert slow[-1].recv(1) == b"", "it is hung up on"
        assert threading.active_count() <= before + 1 + MOST_CONNECTIONS
    finally:
        for one in slow:
            one.close()
        door.shutdown()
        door.server_close()
        thread.join()
