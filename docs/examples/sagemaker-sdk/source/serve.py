"""Answers with what train.py has learned; SageMaker asks /ping and /invocations."""

import json
import os
import pathlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MEAN = json.loads((pathlib.Path(__file__).parents[1] / "mean.json").read_text())


class Handler(BaseHTTPRequestHandler):
    """Two paths: whether it lives, and what it answers."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """/ping."""
        self.answer(b"")

    def do_POST(self):
        """/invocations: rows as JSON, a price for each."""
        rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.answer(json.dumps([MEAN] * len(rows)).encode())

    def answer(self, body):
        """Status 200 with a body of JSON."""
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))
ThreadingHTTPServer(("0.0.0.0", port), Handler).serve_forever()
