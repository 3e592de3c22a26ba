import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pyarrow.parquet as pq
import pytest

from models.runtime.serving.app import Model, create_app
from models.runtime.serving.telemetry import Telemetry
from tests.ports import reserved_port

pytestmark = pytest.mark.tensorflow


class Server:
    """The application, asked without a socket."""

    def __init__(self, app):
        self.app = app

    def get(self, path):
        return asyncio.run(self.ask("GET", path))

    def post(self, path, **body):
        return asyncio.run(self.ask("POST", path, **body))

    async def ask(self, method, path, **body):
        transport = httpx.ASGITransport(self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://server") as client:
            return await client.request(method, path, **body)


@pytest.fixture(scope="module")
def model(trained):
    return Model(trained.model)


@pytest.fixture
def telemetry(model):
    return Telemetry(model.edges, "prices")


@pytest.fixture
def server(model, telemetry):
    return Server(create_app(model, telemetry))


@pytest.fixture(scope="module")
def rows(trained):
    table = pq.read_table(trained.base / "input" / "data" / "holdout")
    found = table.to_pylist()
    return [{**row, "date": row["date"].isoformat()} for row in found]


def test_ping_says_what_the_platform_asks_for(server):
    answer = server.get("/ping")
    assert answer.status_code == 200
    assert answer.json() == {"status": "healthy", "models_loaded": True}


def test_a_row_gets_the_prediction_that_the_job_wrote_down(server, rows, trained):
    written = pq.read_table(trained.output / "predictions.parquet").to_pydict()
    answer = server.post("/invocations", json={"instances": rows[:30]})
    assert answer.status_code == 200
    assert answer.json()["predictions"] == pytest.approx(written["prediction"][:30], rel=1e-4)


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"", 400, "not JSON"),
        (b"{", 400, "not JSON"),
        (b'{"instances": [NaN]}', 400, "NaN is no JSON number"),
        (b"[1]", 400, "expected"),
        (b'{"instances": []}', 400, "at least one"),
        (b'{"instances": [{}]}', 400, "'bedrooms' is missing"),
        (b'{"instances": [5]}', 400, "expected an object"),
        (b'{"instances": "' + b"x" * 7_000_000 + b'"}', 413, "at most"),
    ],
)
def test_a_bad_request_is_the_clients_fault_and_says_why(server, telemetry, body, status, message):
    answer = server.post("/invocations", content=body)
    assert answer.status_code == status
    assert message in answer.json()["error"]
    assert telemetry.counts().rejected == 1


def test_metrics_count_every_prediction_into_the_bins_of_the_job(server, telemetry, rows, trained):
    server.post("/invocations", json={"instances": rows})
    reference = trained.json("model/reference.json")
    counted = telemetry.counts().predictions
    # A score that lies on an edge may fall to either side of it in float32.
    assert sum(counted) == len(rows)
    assert sum(abs(a - b) for a, b in zip(counted, reference["counts"], strict=True)) <= 4
    assert 'outcome="answered"} 1' in server.get("/metrics").text


class Sick(Model):
    """Answers nonsense once told to."""

    sick = False

    def predict(self, instances):
        if self.sick:
            raise ArithmeticError("the model answered a number that is not finite")
        return super().predict(instances)


def test_a_model_that_turned_sick_fails_its_requests_and_its_health_check(trained, rows):
    model = Sick(trained.model)
    telemetry = Telemetry(model.edges)
    server = Server(create_app(model, telemetry))
    model.sick = True
    assert server.get("/ping").status_code == 503
    answer = server.post("/invocations", json={"instances": rows[:1]})
    assert answer.status_code == 500
    assert "not finite" in answer.json()["error"]
    assert telemetry.counts().failed == 1


def test_a_model_that_starts_sick_never_starts(trained):
    model = Sick(trained.model)
    model.sick = True
    with pytest.raises(ArithmeticError):
        create_app(model, Telemetry([]))


def test_the_archive_serves_by_itself(trained, rows):
    port = reserved_port()
    environment = {
        "PATH": os.environ["PATH"],
        "SAGEMAKER_BASE_DIR": str(trained.base),
        "SAGEMAKER_BIND_TO_PORT": str(port),
        "SLUICE_PREDICTION_EDGES": "1,2",
    }
    process = subprocess.Popen(
        [sys.executable, "entry_point.py"],
        cwd=Path(trained.model) / "code",
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}") as client:
            deadline = time.monotonic() + 60
            while True:
                try:
                    assert client.get("/ping").status_code == 200
                    break
                except httpx.ConnectError:
                    assert process.poll() is None
                    assert time.monotonic() < deadline
                    time.sleep(0.05)
            body = json.dumps({"instances": rows[:3]})
            answer = client.post("/invocations", content=body)
            assert len(answer.json()["predictions"]) == 3
            page = {"origin": "http://evil.example", "content-type": "text/plain"}
            assert client.post("/invocations", content=body, headers=page).status_code == 403
            # The edges of the stable version count, whatever this model's own are.
            assert 'bin="2"} 3' in client.get("/metrics").text
    finally:
        process.terminate()
        said, _ = process.communicate(timeout=20)
    assert "listening on 127.0.0.1" in said
