"""Serve one model: ``GET /ping``, ``POST /invocations``, ``GET /metrics``.

The wire format is TensorFlow Serving's: ``{"instances": […]}`` → ``{"predictions": […]}``. What
runs is what the training job saved, loaded again and compared with the trained model.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.requests import ClientDisconnect

from models.runtime.bundle import Bundle
from models.runtime.images.fetching import PhotoHosts
from models.runtime.serving.addresses import fetched
from models.runtime.serving.loopback import OnlyPrograms
from models.runtime.serving.telemetry import Publisher, Telemetry, publisher_from
from models.runtime.signature import first_unfit
from models.runtime.tables.cells import BadInput, shown

MAX_BODY_BYTES = 6 * 1024 * 1024
"""SageMaker's own limit for a request to a real-time endpoint."""
MAX_INSTANCES = 10_000
"""Others wait while a request is answered: rows go through the graph one by one."""
LOOPBACK = "127.0.0.1"
JSON = "application/json"
OTHER_FORMATS = frozenset(
    {"text/csv", "application/jsonlines", "application/x-npy", "application/x-parquet"}
)


class Model:
    """One loaded model.

    Args:
        folder: The unpacked model.tar.gz.
    """

    def __init__(self, folder: Path) -> None:
        self._bundle = Bundle.load(folder)
        reference = json.loads((folder / "reference.json").read_text(encoding="utf-8"))
        self.edges: tuple[float, ...] = tuple(reference["edges"])

    @property
    def address(self) -> str:
        """Key of an instance that says where its bytes lie; "" where none does."""
        return self._bundle.input.address

    @property
    def example(self) -> Any:
        """An instance that the model answers."""
        return self._bundle.input.example()

    def predict(self, instances: list[Any]) -> tuple[list[Any], list[float]]:
        """Answers in the client's terms, and the score of each.

        Raises:
            BadInput: an instance cannot be read.
            ArithmeticError: the model answered something that is not finite.
        """
        bundle = self._bundle
        inputs = bundle.input.decode(instances)
        if bundle.speaks_tensors:
            tensors = bundle.tensors(inputs)
            unfit = first_unfit(tensors)
            if unfit is not None:
                raise BadInput(f"instance {unfit}: its values are too large to be prepared")
            raw = bundle.raw(tensors)
            if first_unfit(raw) is not None:
                raise ArithmeticError("the model answered a number that is not finite")
            predictions = bundle.task.predicted(raw)
        else:
            predictions = bundle.predicted(inputs)
        scores = bundle.task.scores(predictions)
        if not np.isfinite(scores).all():
            raise ArithmeticError("the model answered more than a number can hold")
        return bundle.task.answers(predictions), [float(score) for score in scores]

    def test_itself(self) -> None:
        """Predict the example of preprocess.json.

        Raises:
            ArithmeticError: the answer is not finite.
        """
        self.predict([self.example])


def instances_of(body: bytes) -> list[Any]:
    """The instances of a request.

    Raises:
        BadInput: the body is no ``{"instances": […]}`` with something in it.
    """
    if len(body) > MAX_BODY_BYTES:
        raise BadInput(f"the body has {len(body)} bytes; at most {MAX_BODY_BYTES} are read")
    try:
        request = json.loads(body, parse_constant=_refuse)
    except ValueError as error:
        raise BadInput(f"the body is not JSON: {error}") from error
    except RecursionError as error:
        raise BadInput("the body is nested too deeply") from error
    instances = request.get("instances") if isinstance(request, dict) else None
    if not isinstance(instances, list) or not instances:
        raise BadInput('expected {"instances": […]} with at least one instance')
    if len(instances) > MAX_INSTANCES:
        raise BadInput(
            f"{len(instances)} instances; at most {MAX_INSTANCES} are answered in one request"
        )
    return instances


async def body_of(request: Request) -> bytes:
    """The body of a request, read no further than what is accepted.

    Raises:
        BadInput: it is larger, or the client went away while sending it.
    """
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > MAX_BODY_BYTES:
                raise BadInput(f"the body is too long; at most {MAX_BODY_BYTES} bytes are read")
    except ClientDisconnect as error:
        raise BadInput("the client went away while it sent the body") from error
    return bytes(body)


def create_app(
    model: Model,
    telemetry: Telemetry,
    publisher: Publisher | None = None,
    hosts: PhotoHosts | None = None,
) -> Any:
    """The ASGI application.

    Predictions run on the event loop itself: they take less time than a hand-over to a thread.

    Args:
        model: What answers.
        telemetry: What counts.
        publisher: What tells CloudWatch.
        hosts: Where photos may be fetched from; None: nowhere.
    """
    photo_hosts = hosts or PhotoHosts()
    # Raised here, a fault keeps the server from starting: it must never take traffic.
    model.test_itself()

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> Any:
        if publisher is not None:
            publisher.start()
        yield
        if publisher is not None:
            publisher.stop()

    app = FastAPI(title="Sluice model server", lifespan=lifespan, openapi_url=None)

    def reply(value: Any, status: int = 200) -> Response:
        return Response(json.dumps(value, allow_nan=False), status, media_type=JSON)

    async def ping() -> Response:
        try:
            model.test_itself()
        except Exception as error:  # noqa: BLE001 - any fault makes the server unhealthy
            state = {"status": "unhealthy", "models_loaded": True, "error": str(error)}
            return reply(state, 503)
        return reply({"status": "healthy", "models_loaded": True})

    async def invocations(request: Request) -> Response:
        try:
            body = await body_of(request)
            # What another server takes is not the model's time.
            instances = await fetched(instances_of(body), model.address, photo_hosts)
            began = time.perf_counter()
            predictions, scores = model.predict(instances)
        except BadInput as error:
            telemetry.rejected()
            return reply({"error": str(error) + _format_hint(request)}, error.status)
        except Exception as error:  # noqa: BLE001 - the client must get an answer
            telemetry.failed()
            print(f"prediction failed: {type(error).__name__}: {error}", flush=True)
            return reply({"error": f"{type(error).__name__}: {error}"}, 500)
        telemetry.answered(scores, time.perf_counter() - began)
        return reply({"predictions": predictions})

    async def metrics() -> Response:
        return Response(telemetry.prometheus(), media_type="text/plain; version=0.0.4")

    app.add_api_route("/ping", ping, methods=["GET"])
    app.add_api_route("/invocations", invocations, methods=["POST"])
    app.add_api_route("/metrics", metrics, methods=["GET"])
    return app


def main(folder: Path, model_type: type[Model] = Model) -> int:
    """Load and serve until the process is ended.

    Args:
        folder: The unpacked model.tar.gz.
        model_type: What to load; a rehearsal of failures hands in a worse one.
    """
    environment = os.environ
    began = time.perf_counter()
    model = model_type(folder)
    # Both versions of a release must count into the same bins: the stable one's.
    override = environment.get("SLUICE_PREDICTION_EDGES", "")
    edges = tuple(float(edge) for edge in override.split(",")) if override else model.edges
    telemetry = Telemetry(edges, model=environment.get("SLUICE_MODEL", "model"))
    publisher = publisher_from(environment, telemetry)
    app = create_app(model, telemetry, publisher, PhotoHosts.of(environment))
    embedded = "SAGEMAKER_BIND_TO_PORT" in environment and "SAGEMAKER_BASE_DIR" in environment
    # A container is reached over its network; a plain process on a laptop must not be.
    host = environment.get("SLUICE_BIND_HOST", LOOPBACK if embedded else "0.0.0.0")  # noqa: S104
    port = int(environment.get("SAGEMAKER_BIND_TO_PORT", "8080"))
    if host == LOOPBACK:
        app = OnlyPrograms(app, frozenset({LOOPBACK, "localhost"}))
    print(f"loaded in {time.perf_counter() - began:.2f} s, listening on {host}:{port}", flush=True)
    with suppress(KeyboardInterrupt):
        uvicorn.run(app, host=host, port=port, log_level="warning", access_log=False)
    return 0


def _format_hint(request: Request) -> str:
    """A hint for who sends another format, as the endpoints of other programs take."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in OTHER_FORMATS or kind.startswith(("image/", "multipart/")):
        return f" (the content type is {shown(kind)}; {JSON} is what is read)"
    return ""


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")
