"""What a page that somebody visits may try on the ports of her machine, and where it would work."""

from __future__ import annotations

import http.server
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from deployments.laptop.environment import Laptop
from deployments.laptop.processes import recall

MARK = "by-a-page"
FORGED = "Credential=a/20260101/us-east-1/{}/aws4_request"
SIGNED = f"X-Amz-{FORGED}&X-Amz-Signature=0"
SEEN = {"version": "v20260101_020000", "outcome": "error", "latency_ms": 4.0}
REPORT = json.dumps({"schema_version": 1, "model": MARK, "observations": [SEEN]})
NAMED = json.dumps({"name": MARK})
# Method, path, content type and body; the first content types need no preflight.
POSTS = (
    ("/_embedded/faults", "text/plain", json.dumps({"kind": "throttle", "service": MARK})),
    (f"/?{SIGNED.format('sqs')}", "application/x-www-form-urlencoded",
     f"Action=CreateQueue&QueueName={MARK}"),
    (f"/?Action=CreateTopic&Name={MARK}&{SIGNED.format('sns')}", "text/plain", ""),
    (f"/sluice-models/{MARK}?{SIGNED.format('s3')}", "text/plain", "x"),
    ("/", "text/plain", REPORT),
    ("/", "application/json", REPORT),
    ("/api/flows/", "text/plain", NAMED),
    ("/api/flows/", "application/json", NAMED),
    ("/api/variables/", "application/json", '{"name": "by_a_page", "value": "x"}'),
    ("/api/events", "text/plain", "[]"),
    ("/invocations", "text/plain", '{"instances": [1]}'),
)  # fmt: skip
GETS = (
    f"/?Action=CreateQueue&QueueName={MARK}&{SIGNED.format('sqs')}",
    "/_embedded/things", "/_embedded/calls", "/_embedded/s3/", "/_embedded/faults",
    "/sluice-models?list-type=2", f"/sluice-lake?list-type=2&{SIGNED.format('s3')}",
    f"/sluice-models/{MARK}/latest.json", "/api/admin/settings", "/api/csrf-token?client=a",
    "/api/flows/count", "/metrics",
)  # fmt: skip
EVENT = json.dumps(
    {
        "id": "6d2c1c5e-0000-4000-8000-000000000001",
        "occurred": "2026-01-01T00:00:00Z",
        "event": MARK,
        "resource": {"prefect.resource.id": MARK},
    }
)
TRY = """async ({ base, posts, gets, mark, event, signed }) => {
  const read = [];
  const soon = (promise) => Promise.race([promise, new Promise((done) => setTimeout(done, 4000))]);
  const note = async (what, promise) => {
    try {
      const answer = await promise;
      if (answer.ok) read.push(`${what}: ${(await answer.text()).slice(0, 80)}`);
    } catch {}
  };
  const all = [];
  const send = (path, options = {}) => all.push(
    note(`${options.method ?? "GET"} ${path}`, fetch(base + path, options)));
  for (const path of gets) {
    send(path);
    send(path, { mode: "no-cors", credentials: "include" });
    send(path, { headers: { authorization: `AWS4-HMAC-SHA256 ${signed}` } });
  }
  for (const [path, type, body] of posts) {
    const headers = { "content-type": type };
    send(path, { method: "POST", headers, body });
    send(path, { method: "POST", headers, body, mode: "no-cors" });
    send(path, { method: "PUT", headers, body });
    navigator.sendBeacon(base + path, new Blob([body], { type: "text/plain" }));
  }
  const form = () => {
    const data = new FormData();
    data.append("key", mark);
    data.append("X-Amz-Signature", "0");
    data.append("file", new Blob(["x"]), "x");
    return data;
  };
  send("/sluice-models", { method: "POST", body: form(), mode: "no-cors" });
  send("/sluice-models", { method: "POST", body: form() });
  send(`/sluice-models/${mark}`, { method: "DELETE" });
  const enctypes = ["multipart/form-data", "application/x-www-form-urlencoded", "text/plain"];
  for (const enctype of enctypes) {
    for (const action of ["/sluice-models", `/?${signed.replace("/s3/", "/sqs/")}`]) {
      const frame = document.body.appendChild(document.createElement("iframe"));
      frame.name = `frame-${Math.random()}`;
      const shown = document.body.appendChild(document.createElement("form"));
      Object.assign(shown, { method: "POST", enctype, action: base + action, target: frame.name });
      for (const [name, value] of [["Action", "CreateQueue"], ["QueueName", mark], ["key", mark],
                                   ["file", "x"]]) {
        const field = shown.appendChild(document.createElement("input"));
        Object.assign(field, { name, value });
      }
      HTMLFormElement.prototype.submit.call(shown);
    }
  }
  for (const path of gets) {
    for (const kind of path.includes("?") ? ["img", "script", "iframe"] : ["img", "script"]) {
      const part = document.createElement(kind);
      all.push(new Promise((done) => {
        part.onload = () => {
          if (kind === "img") read.push(`img ${path}`);
          done();
        };
        part.onerror = done;
      }));
      part.src = base + path;
      document.body.append(part);
    }
  }
  for (const path of ["/api/events/in", "/api/events/out", "/api/logs/out", "/"]) {
    for (const protocols of [[], ["prefect"]]) {
      all.push(new Promise((done) => {
        const line = new WebSocket(base.replace("http", "ws") + path, protocols);
        line.onopen = () => {
          line.send(JSON.stringify({ type: "auth", token: null }));
          line.send(JSON.stringify({ type: "filter", filter: {} }));
          line.send(event);
        };
        line.onmessage = (message) => read.push(`ws ${path}: ${message.data.slice(0, 80)}`);
        line.onclose = line.onerror = done;
      }));
    }
  }
  await soon(Promise.all(all));
  return read;
}"""
"""Everything, at once; what could be read."""


def tried(base: str) -> dict[str, object]:
    """The arguments of ``TRY`` for one port."""
    return {
        "base": base, "posts": POSTS, "gets": GETS, "mark": MARK, "event": EVENT,
        "signed": FORGED.format("s3"),
    }  # fmt: skip


def ports(laptop: Laptop) -> dict[int, str]:
    """Every port on which a process of the stack listens, and whose it is."""
    leaders = {process.pid: process.name for process in recall(laptop.record)[0]}
    found = {}
    for process in psutil.process_iter():
        try:
            name = leaders.get(os.getsid(process.pid))
            lines = process.net_connections(kind="tcp") if name else []
        except (psutil.Error, OSError):
            continue
        for line in lines:
            if line.status == psutil.CONN_LISTEN and name:
                found[line.laddr.port] = name
    return found


class Anybodys(http.server.ThreadingHTTPServer):
    """A server that asks nobody who calls, and remembers what reached it."""

    daemon_threads = True

    def __init__(self) -> None:
        self.reached: set[tuple[str, str, str]] = set()
        super().__init__(("127.0.0.1", 0), _Handler)


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Anybodys

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length") or 0))
        kind = self.headers.get("content-type", self.headers.get("upgrade", "")).partition(";")[0]
        self.server.reached.add((self.command, self.path.partition("?")[0], kind))
        body = b"<!doctype html><body>anybody's</body>"
        self.send_response(200)
        for name in ("origin", "methods", "headers"):
            self.send_header(f"access-control-allow-{name}", "*")
        self.send_header("access-control-allow-headers", "authorization, content-type")
        self.send_header("content-type", "text/html")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = do_OPTIONS = answer  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def anybodys() -> Iterator[Anybodys]:
    """One of them, for the length of a block."""
    with Anybodys() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
