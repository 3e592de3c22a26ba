from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from tasks.release.edge.reports import ReportBatch, counted, metrics
from tasks.values import Pointer, Rollout

V1, V2 = "v20260101_020000", "v20260108_020000"
NOW = datetime(2026, 1, 8, tzinfo=UTC)


def batch(**changes: Any) -> ReportBatch:
    seen = {"version": V2, "outcome": "ok", "latency_ms": 3.5, "bin": 4}
    failed = {"version": V2, "outcome": "error", "kind": "tampered"}
    told = {"schema_version": 1, "model": "toy-model", "observations": [seen, failed], **changes}
    return ReportBatch.model_validate_json(json.dumps(told))


def values(data: list[dict[str, Any]]) -> dict[tuple[str, str], list[float]]:
    return {
        (d["MetricName"], "/".join(x["Value"] for x in d["Dimensions"])): d["Values"] for d in data
    }


def test_a_batch_becomes_the_metrics_that_the_judge_reads() -> None:
    told = batch(latencies_ms=[1.0, 2.0], problems={"network": 3})
    assert values(metrics(told, {V1, V2}, NOW)) == {
        ("Requests", f"toy-model/{V2}"): [2.0],
        ("Errors", f"toy-model/{V2}"): [1.0],
        ("PredictionLatency", f"toy-model/{V2}"): [3.5],
        ("PredictionBin", f"toy-model/{V2}"): [4.0],
        ("PredictionLatency", "toy-model"): [1.0, 2.0],
        ("ClientProblems", "toy-model/network"): [3.0],
    }


def test_strangers_cannot_invent_versions() -> None:
    assert metrics(batch(), {V1}, NOW) == []


def test_only_what_the_pointer_names_is_counted() -> None:
    pointer = Pointer(
        model="m", version=V1, timestamp="", actor="a", reason="r", previous="v20250101_000000"
    )
    assert counted(None) == set()
    assert counted(pointer) == {V1}
    shown = pointer.model_copy(update={"rollout": Rollout(version=V2, percent=0, salt="s")})
    assert counted(shown) == {V1, V2}


@pytest.mark.parametrize(
    "changes",
    [
        {"schema_version": 2},
        {"model": "../other"},
        {"observations": [{"version": V2, "outcome": "ok"}] * 21},
        {"observations": [{"version": V2, "outcome": "fine"}]},
        {"observations": [{"version": V2, "outcome": "ok", "latency_ms": -1}]},
        {"observations": [{"version": V2, "outcome": "ok", "latency_ms": float("inf")}]},
        {"observations": [{"version": V2, "outcome": "error", "kind": "whim"}]},
        {"latencies_ms": [1.0] * 101},
        {"problems": {"whim": 1}},
        {"problems": {"network": 10**9}},
        {"user": "somebody"},
    ],
)
def test_what_is_no_batch_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        batch(**changes)


def test_the_function_reads_what_gateways_send(monkeypatch: pytest.MonkeyPatch) -> None:
    from tasks.release.edge import collector

    bodies: list[bytes] = []
    addresses: list[str] = []

    class Taker(collector.Collector):
        def take(self, body: bytes, address: str = "") -> Any:
            bodies.append(body)
            addresses.append(address)
            return collector.HTTPStatus.NO_CONTENT

    taker = Taker("bucket", "space", None)
    monkeypatch.setattr(collector, "_collector", lambda: taker)
    asked = {"requestContext": {"http": {"method": "OPTIONS"}}}
    assert collector.handler(asked)["headers"]["Access-Control-Allow-Origin"] == "*"
    met = {"body": "{}", "requestContext": {"http": {"sourceIp": "192.0.2.7"}}}
    assert collector.handler(met)["statusCode"] == 204
    encoded = base64.b64encode(b"[]").decode()
    assert collector.handler({"body": encoded, "isBase64Encoded": True})["statusCode"] == 204
    assert collector.handler({"body": "%", "isBase64Encoded": True})["statusCode"] == 400
    assert bodies == [b"{}", b"[]"]
    assert addresses == ["192.0.2.7", ""]
