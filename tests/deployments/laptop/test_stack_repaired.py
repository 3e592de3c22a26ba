"""A stack of its own: what dies is repaired, what lives is kept, nothing that it held is lost.

It needs no other journey's stack, so it runs beside them.
"""

import io
import os
import signal
import tarfile
import time
from dataclasses import replace

import httpx
import pytest

from deployments.apply import ZOMBIES
from deployments.laptop.environment import Laptop
from deployments.laptop.processes import birth, recall
from deployments.laptop.resources import client
from deployments.laptop.sign_in import SignedIn
from deployments.laptop.stack import down, status, up
from tests.journeys.conftest import HANGS
from tests.ports import reserved_port

pytestmark = [
    pytest.mark.journey,
    pytest.mark.timeout(HANGS, method="signal"),
    pytest.mark.seconds(120),
]

ROLE = "arn:aws:iam::123456789012:role/sluice"
PROGRAM = b"""
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def answer(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        body = os.environ["ANSWER"].encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = answer

port = int(os.environ["SAGEMAKER_BIND_TO_PORT"])
ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@pytest.fixture
def laptop(tmp_path):
    made = Laptop(
        state=tmp_path / "stack",
        aws_port=reserved_port(),
        prefect_port=reserved_port(),
        collector_port=reserved_port(),
        time_scale=60.0,
        time_epoch=time.time(),
    )
    yield made
    down(made, print)


def pids(laptop: Laptop) -> dict[str, int]:
    return {process.name: process.pid for process in recall(laptop.record)[0] if process.alive}


def well(laptop: Laptop) -> bool:
    return all(part.well for part in status(laptop)[0])


def strike(*victims: int) -> None:
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    while any(birth(pid) for pid in victims):  # the system takes its time on a busy machine
        time.sleep(0.05)


def artefact() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        entry = tarfile.TarInfo("code/inference.py")
        entry.size = len(PROGRAM)
        tar.addfile(entry, io.BytesIO(PROGRAM))
    return out.getvalue()


def endpoint(variables) -> None:
    client("s3", variables).put_object(
        Bucket="sluice-models", Key="tiny/model.tar.gz", Body=artefact()
    )
    sagemaker = client("sagemaker", variables)
    sagemaker.create_model(
        ModelName="tiny",
        ExecutionRoleArn=ROLE,
        PrimaryContainer={
            "Image": "image",
            "ModelDataUrl": "s3://sluice-models/tiny/model.tar.gz",
            "Environment": {"ANSWER": "tiny"},
        },
    )
    variant = {
        "VariantName": "v",
        "ModelName": "tiny",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }
    sagemaker.create_endpoint_config(EndpointConfigName="tiny", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="tiny", EndpointConfigName="tiny")
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName="tiny", WaiterConfig={"Delay": 1, "MaxAttempts": 240}
    )


def answered(variables) -> bytes:
    runtime = client("sagemaker-runtime", variables)
    return runtime.invoke_endpoint(EndpointName="tiny", Body=b"x")["Body"].read()


def test_a_stack_is_repaired_and_keeps_what_it_held(laptop) -> None:
    running = up(laptop, print)
    variables = running.variables()
    client("s3", variables).put_object(Bucket="sluice-lake", Key="first-week", Body=b"work")
    endpoint(variables)
    facts = {path.name: path.read_text() for path in (laptop.state / "facts").iterdir()}
    first = pids(laptop)

    # The worker dies: it alone is started, and its log stays.
    strike(first["worker"])
    assert [part.name for part in status(laptop)[0] if not part.well] == ["worker"]
    said: list[str] = []
    up(replace(laptop, time_scale=1.0, aws_port=reserved_port()), said.append)
    second = pids(laptop)
    assert second.pop("worker") != first.pop("worker")
    assert second == first
    assert any("SLUICE_TIME_SCALE stays 60" in line for line in said)
    assert any("SLUICE_AWS_PORT stays" in line for line in said)
    assert (laptop.log("worker").read_text()).count("Worker 'laptop' started") == 2
    assert answered(variables) == b"tiny"

    # The power fails.
    strike(*pids(laptop).values())
    before = running_time(laptop)
    assert not well(laptop)
    again = up(laptop, print)
    assert well(laptop)
    assert set(pids(laptop).values()).isdisjoint({*first.values(), *second.values()})
    holds(again, facts, before)

    # An evening's end, and the next morning.
    paused = pause(again)
    before = running_time(laptop)
    down(laptop, print)
    assert pids(laptop) == {}
    morning = up(laptop, print)
    holds(morning, facts, before)
    assert switched_off(morning) == paused


def prefect(running: Laptop) -> httpx.Client:
    """The stack's Prefect, as its person is signed in."""
    variables = running.variables()
    api = variables["PREFECT_API_URL"]
    signed_in = SignedIn(api, variables["PREFECT_API_AUTH_STRING"])
    return httpx.Client(base_url=api, auth=signed_in, timeout=60)


def switched_off(running: Laptop) -> set[str]:
    """Names of what is paused: deployments, their schedules, automations."""
    with prefect(running) as http:
        deployments = http.post("/deployments/filter", json={"limit": 200}).json()
        automations = http.post("/automations/filter", json={"limit": 200}).json()
    schedules = [(d["name"], s) for d in deployments for s in d["schedules"]]
    assert schedules
    assert automations
    return {
        *(f"deployment {d['name']}" for d in deployments if d["paused"]),
        *(f"schedule of {name}" for name, s in schedules if not s["active"]),
        *(f"automation {a['name']}" for a in automations if not a["enabled"]),
    }


def pause(running: Laptop) -> set[str]:
    """Switch off, as the UI does, a deployment, a schedule of another, and a trigger."""
    before = switched_off(running)
    with prefect(running) as http:
        deployments = http.post("/deployments/filter", json={"limit": 200}).json()
        scheduled, other = [d for d in deployments if d["schedules"]][:2]
        schedule = f"/deployments/{scheduled['id']}/schedules/{scheduled['schedules'][0]['id']}"
        automations = http.post("/automations/filter", json={"limit": 200}).json()
        trigger = next(a for a in automations if a["name"] != ZOMBIES)
        answers = [
            http.patch(schedule, json={"active": False}),
            http.patch(f"/deployments/{other['id']}", json={"paused": True}),
            http.patch(f"/automations/{trigger['id']}", json={"enabled": False}),
        ]
    assert [answer.is_success for answer in answers] == [True] * 3, answers
    paused = switched_off(running)
    assert len(paused - before) >= 3
    return paused


def running_time(laptop: Laptop) -> float:
    """Virtual unix time of the stack that is recorded."""
    facts = recall(laptop.record)[1]
    epoch, scale = float(str(facts["time_epoch"])), float(str(facts["time_scale"]))
    return epoch + (time.time() - epoch) * scale


def holds(running: Laptop, facts: dict[str, str], before: float) -> None:
    """What it held is there, its clock went on, and the facts are those of what survived."""
    variables = running.variables()
    got = client("s3", variables).get_object(Bucket="sluice-lake", Key="first-week")
    assert got["Body"].read() == b"work"
    assert answered(variables) == b"tiny"
    assert {p.name: p.read_text() for p in (running.state / "facts").iterdir()} == facts
    epoch, scale = running.time_epoch, running.time_scale
    # What is lost at most is nothing; what is gained is the reserve of one note, and our own time.
    assert epoch + (time.time() - epoch) * scale >= before
