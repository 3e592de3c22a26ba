"""The smallest serving program, and archives."""

import io
import tarfile

PROGRAM = """
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def reply(self):
        self.rfile.read(int(self.headers.get("content-length") or 0))
        body = os.environ["ANSWER"].encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    do_GET = do_POST = reply
    def log_message(self, *_):
        pass

port = int(os.environ["SAGEMAKER_BIND_TO_PORT"])
ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def archive(program: str, name: str = "code/inference.py") -> bytes:
    """A tar.gz with one file."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        info = tarfile.TarInfo(name)
        info.size = len(program.encode())
        tar.addfile(info, io.BytesIO(program.encode()))
    return out.getvalue()
