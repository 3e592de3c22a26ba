"""Serve: GET /ping and POST /invocations, on the port that SageMaker names."""

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import joblib
from pricing import COLUMNS

MODEL = joblib.load(Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model")) / "model.joblib")


class Handler(BaseHTTPRequestHandler):
    """Answers ``{"instances": [{column: number}]}`` with ``{"predictions": [number]}``."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """/ping: whether this process can answer."""
        self.answer(200, {"status": "healthy"})

    def do_POST(self):
        """/invocations."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            rows = [[float(row[name]) for name in COLUMNS] for row in json.loads(body)["instances"]]
        except (ValueError, KeyError, TypeError) as error:
            self.answer(400, {"error": f"cannot be read: {error!r}"})
            return
        told = {"predictions": MODEL.predict(rows).tolist()}
        self.answer(200, told | {"by": os.environ.get("SLUICE_VERSION", "")})

    def answer(self, status, told):
        """One JSON answer."""
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words):
        """Nothing: a line for each request would fill the log."""


if __name__ == "__main__":
    # On a laptop this is a plain process, which nobody outside may reach; a container must be.
    plain = "SAGEMAKER_BASE_DIR" in os.environ
    host = os.environ.get("SLUICE_BIND_HOST", "127.0.0.1" if plain else "0.0.0.0")
    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))
    ThreadingHTTPServer((host, port), Handler).serve_forever()
