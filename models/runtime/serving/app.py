"""Serve one model: ``GET /ping``, ``POST /invocations``, ``GET /metrics``.

The wire format is TensorFlow Serving's: ``{"instances": […]}`` → ``{"predictions": […]}``. What
runs is what the training job saved, loaded again and compared with the trained model.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.types import Receive, Scope, Send

from models.runtime.images.fetching import PhotoHosts
from models.runtime.model_files import REFUSED, refusal
from models.runtime.serving.connections import bounded
from models.runtime.serving.limits import (
    BACKLOG,
    KEEP_ALIVE_SECONDS,
    LINGER_BYTES,
    LINGER_SECONDS,
    MOST_HEAD_BYTES,
    RETRY_AFTER_SECONDS,
    ServingLimits,
)
from models.runtime.serving.lines import Lines, SelfTest
from models.runtime.serving.loopback import OnlyPrograms
from models.runtime.serving.memory import settle
from models.runtime.serving.model import Model, Served
from models.runtime.serving.requests import JSON, Bodies, Busy, Unread, require_json
from models.runtime.serving.telemetry import Publisher, Telemetry, publisher_from
from models.runtime.tables.cells import BadInput

__all__ = ["Model", "create_app", "main"]

LIMITS = ServingLimits()
LOOPBACK = "127.0.0.1"


class Reply(Response):
    """A JSON answer.

    Args:
        value: What it says.
        status: HTTP status.
        headers: More headers.
    """

    def __init__(
        self, value: Any, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(json.dumps(value, allow_nan=False), status, headers, JSON)


class LastReply(Reply):
    """The last answer of a connection, whose request may still be coming.

    Who is closed in the middle of sending loses what was answered: so a little of the rest is
    taken, and thrown away, before the connection ends.
    """

    def __init__(self, value: Any, status: int, headers: dict[str, str] | None = None) -> None:
        super().__init__(value, status, {**(headers or {}), "connection": "close"})

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answer whole, then end."""
        head = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **head})
        await send({"type": "http.response.body", "body": bytes(self.body), "more_body": True})
        taken, more = 0, True
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER_SECONDS):
                while more and taken < LINGER_BYTES:
                    part = await receive()
                    taken += len(part.get("body", b""))
                    more = bool(part.get("more_body", False))
        await send({"type": "http.response.body", "body": b""})


def create_app(
    model: Served,
    telemetry: Telemetry,
    publisher: Publisher | None = None,
    hosts: PhotoHosts | None = None,
    limits: ServingLimits = LIMITS,
) -> Any:
    """The ASGI application.

    Args:
        model: What answers.
        telemetry: What counts.
        publisher: What tells CloudWatch.
        hosts: Where photos may be fetched from; None: nowhere.
        limits: Of bytes, seconds, and who may wait.
    """
    # Raised here, a fault keeps the server from starting: it must never take traffic.
    model.test_itself()
    bodies, health = Bodies(limits), SelfTest(model, limits)
    lines = Lines(model, hosts or PhotoHosts(), limits)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> Any:
        if publisher is not None:
            publisher.start()
        yield
        lines.close()
        health.close()
        if publisher is not None:
            publisher.stop()

    app = FastAPI(title="Sluice model server", lifespan=lifespan, openapi_url=None)

    async def ping() -> Response:
        fault = await health.fault()
        if fault:
            return Reply({"status": "unhealthy", "models_loaded": True, "error": fault}, 503)
        return Reply({"status": "healthy", "models_loaded": True})

    async def invocations(request: Request) -> Response:
        try:
            async with bodies.read(request) as body:
                require_json(request)
                said = await lines.answer(body)
        except BadInput as error:
            telemetry.rejected()
            kind = LastReply if isinstance(error, Unread) else Reply
            return kind({"error": str(error)}, error.status)
        except Busy:
            telemetry.turned_away()
            after = {"retry-after": str(RETRY_AFTER_SECONDS)}
            return LastReply({"error": "too many requests wait; ask again"}, 503, after)
        except Exception as error:  # noqa: BLE001 - the client must get an answer
            telemetry.failed()
            print(f"prediction failed: {type(error).__name__}: {error}", flush=True)
            return Reply({"error": f"{type(error).__name__}: {error}"}, 500)
        telemetry.answered(said.scores, said.seconds)
        return Reply({"predictions": said.predictions})

    async def metrics() -> Response:
        return Response(telemetry.prometheus(), media_type="text/plain; version=0.0.4")

    app.add_api_route("/ping", ping, methods=["GET"])
    app.add_api_route("/invocations", invocations, methods=["POST"])
    app.add_api_route("/metrics", metrics, methods=["GET"])
    return app


def main(folder: Path, model_type: type[Model] = Model, limits: ServingLimits = LIMITS) -> int:
    """Load and serve until the process is ended.

    Args:
        folder: The unpacked model.tar.gz.
        model_type: What to load; a rehearsal of failures hands in a worse one.
        limits: Of connections, bytes and seconds.

    Returns:
        Exit status; `REFUSED` where the folder is not what was released.
    """
    environment = os.environ
    why = refusal(folder, environment)
    if why:
        print(why, flush=True)
        return REFUSED
    began = time.perf_counter()
    model = model_type(folder)
    # Both versions of a release must count into the same bins: the stable one's.
    override = environment.get("SLUICE_PREDICTION_EDGES", "")
    edges = tuple(float(edge) for edge in override.split(",")) if override else model.edges
    telemetry = Telemetry(edges, model=environment.get("SLUICE_MODEL", "model"))
    publisher = publisher_from(environment, telemetry)
    app = create_app(model, telemetry, publisher, PhotoHosts.of(environment), limits)
    embedded = "SAGEMAKER_BIND_TO_PORT" in environment and "SAGEMAKER_BASE_DIR" in environment
    # A container is reached over its network; a plain process on a laptop must not be.
    host = environment.get("SLUICE_BIND_HOST", LOOPBACK if embedded else "0.0.0.0")  # noqa: S104
    port = int(environment.get("SAGEMAKER_BIND_TO_PORT", "8080"))
    if host == LOOPBACK:
        app = OnlyPrograms(app, frozenset({LOOPBACK, "localhost"}))
    print(f"loaded in {time.perf_counter() - began:.2f} s, listening on {host}:{port}", flush=True)
    settle()
    with suppress(KeyboardInterrupt):
        uvicorn.run(
            app,
            host=host,
            port=port,
            http=bounded(limits),
            ws="none",
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            h11_max_incomplete_event_size=MOST_HEAD_BYTES,
            # One line for each request that is no HTTP would let strangers fill the log.
            log_level="error",
            access_log=False,
        )
    return 0
