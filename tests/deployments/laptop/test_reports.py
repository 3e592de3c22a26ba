"""The collector as `make up` starts it: a real process, on loopback only."""

from __future__ import annotations

import http.client
import json
import socket
import sys
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from deployments.laptop.environment import ROOT, Laptop
from deployments.laptop.processes import StackError, Started, end, start
from deployments.laptop.reports import USUAL_PORT, start_collector
from embedded_aws.fixture import _no_faults_left, aws
from tasks import aws as our_aws
from tasks.values import Pointer
from tests.clients.conftest import MODEL, V1
from tests.ports import reserved_port

__all__ = ["_no_faults_left", "aws"]


@pytest.fixture
def laptop(aws, tmp_path, monkeypatch):
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    our_aws.client.cache_clear()
    return Laptop(
        state=tmp_path,
        aws_port=urlsplit(aws.endpoint_url).port,
        prefect_port=1,
        time_scale=aws.clock.scale,
        time_epoch=aws.clock.epoch,
    )


@pytest.fixture
def launch(laptop):
    started: list[Started] = []

    def run(name: str, *command: str) -> Started:
        line = (sys.executable, "-m", *command)
        started.append(start(name, line, laptop.environment(), laptop.log(name), ROOT))
        return started[-1]

    run.started = started
    yield run
    for process in started:
        end(process)


def ask(url: str, method: str, body: str, headers: dict[str, str]) -> tuple[int, dict[str, str]]:
    """Send exactly these headers, and Host where they name none."""
    line = http.client.HTTPConnection(url.removeprefix("http://").rstrip("/"), timeout=20)
    line.request(method, "/", body, headers)
    answer = line.getresponse()
    answer.read()
    line.close()
    return answer.status, {name.lower(): value for name, value in answer.getheaders()}


def post(url: str, batch: dict[str, Any], **headers: str) -> int:
    return ask(url, "POST", json.dumps(batch), headers)[0]


def test_it_takes_reports_on_loopback_only_until_it_is_ended(aws, laptop, launch) -> None:
    pointer = Pointer(model=MODEL, version=V1, timestamp="", actor="ann", reason="first")
    s3 = aws.client("s3")
    s3.create_bucket(Bucket="sluice-models")
    s3.put_object(
        Bucket="sluice-models", Key=f"{MODEL}/latest.json", Body=pointer.model_dump_json().encode()
    )
    url = start_collector(laptop, launch)
    assert url == laptop.collector_url
    assert url.startswith("http://127.0.0.1:")
    number = int(url.rstrip("/").rpartition(":")[2])
    with pytest.raises(ConnectionRefusedError):  # this machine, but another of its addresses
        socket.create_connection(("127.0.0.2", number), timeout=5)
    seen = {"version": V1, "outcome": "ok", "latency_ms": 4.0}
    assert post(url, {"schema_version": 1, "model": MODEL, "observations": [seen]}) == 204
    listed = aws.client("cloudwatch").list_metrics(Namespace="Sluice", MetricName="Requests")
    assert [d["Value"] for m in listed["Metrics"] for d in m["Dimensions"]] == [MODEL, V1]
    [process] = launch.started
    end(process)
    assert not process.alive  # its port may be another's by now


@pytest.mark.parametrize("method", ["POST", "OPTIONS"])
def test_pages_report_when_they_were_named_and_nobody_under_another_name(
    aws, laptop, launch, method
) -> None:
    shop = "http://localhost:3000"
    closed = start_collector(laptop, launch)
    opened = start_collector(replace(laptop, collector_origins=f"{shop},http://a.lan"), launch)
    allowed = ask(opened, method, "{", {"origin": shop})
    assert allowed[0] == (400 if method == "POST" else 204)
    assert allowed[1]["access-control-allow-origin"] == "*"
    number = opened.rstrip("/").rpartition(":")[2]
    for url, headers in (
        (closed, {"origin": shop}),
        (closed, {"origin": "null"}),
        (opened, {"origin": "http://localhost:3001"}),
        (opened, {"origin": f"http://127.0.0.1:{number}"}),
        (opened, {"host": "evil.example"}),
        (opened, {"host": f"evil.example:{number}", "origin": shop}),
        (opened, {"host": f"127.0.0.1.evil.example:{number}"}),
    ):
        status, told = ask(url, method, "{", headers)
        assert status == 403, headers
        assert "access-control-allow-origin" not in told
    assert ask(opened, "POST", "{", {"host": f"LOCALHOST:{number}"})[0] == 400


def test_two_stacks_do_not_stand_in_each_others_way(laptop, launch) -> None:
    try:
        taken = socket.create_server(("127.0.0.1", USUAL_PORT))
    except OSError:
        taken = socket.socket()  # somebody else holds it already, which serves as well
    with taken:
        assert not start_collector(laptop, launch).endswith(f":{USUAL_PORT}/")


def test_it_comes_back_where_it_was(laptop, launch) -> None:
    first = start_collector(replace(laptop, collector_port=reserved_port()), launch)
    end(launch.started[0])
    assert start_collector(laptop, launch) == first


def test_a_port_that_was_asked_for_and_is_taken_is_refused(laptop, launch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        asked = replace(laptop, collector_port=taken.getsockname()[1])
        with pytest.raises(StackError, match="SLUICE_COLLECTOR_PORT"):
            start_collector(asked, launch)
    assert launch.started == []
