"""The serving program is tried before anything is published, and held to its limits."""

from __future__ import annotations

import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import tarfile
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from pydantic import ValidationError

from models.runtime.calling import BundleFailed
from models.runtime.isolation import available
from tasks.gates.tasks import gate
from tasks.gates.trial.checks import Trial, checks
from tasks.gates.trial.start import try_serving
from tasks.specs.trial import TrialSpec
from tasks.values import Verdict
from tests.tasks.gates.answered import candidate, prices

SERVER = """
import http.server, json, os, sys, time
print("loading", flush=True)
how = json.load(open("how.json"))
assert "AWS_SECRET_ACCESS_KEY" not in os.environ and "PLANTED" not in os.environ
if how.get("dies"):
    sys.exit("no weights, no service")
ballast = bytearray(how.get("bytes", 0))
ballast[::4096] = b"x" * len(ballast[::4096])
import itertools
count = itertools.count(1)

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    def do_GET(self):
        self.answer(200)
    def do_POST(self):
        number = next(count)
        self.rfile.read(int(self.headers["content-length"]))
        time.sleep(how.get("sleep", 0))
        self.answer(500 if how.get("every") and number % how["every"] == 0 else 200)
    def answer(self, status):
        self.send_response(status)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
    def log_message(self, *words):
        pass

address = ("127.0.0.1", int(os.environ["SAGEMAKER_BIND_TO_PORT"]))
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
"""
LIMITS = TrialSpec(p95_ms=50, memory_mb=200, cold_start_seconds=20)


def archive(
    folder: Path, sample: bool = True, program: str = SERVER, how: Any = None, **more: Any
) -> Path:
    path = folder / "model.tar.gz"
    files = {
        "bundle.json": json.dumps({"entry_point": "code/entry_point.py"}),
        "code/entry_point.py": program,
        "how.json": json.dumps(more if how is None else how),
    }
    if sample:
        files["sample_request.json"] = '{"instances": [[1.0]]}'
    with tarfile.open(path, "w:gz") as tar:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    return path


def test_a_program_is_timed_weighed_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLANTED", "a secret of the worker")
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    found = try_serving(archive(tmp_path, bytes=80_000_000, sleep=0.004), 60)
    assert (found.requests, found.errors, found.failure) == (120, 0, "")
    assert 4 <= found.p50_ms <= found.p95_ms
    assert found.memory_mb > 80
    assert 0 < found.cold_start_seconds < 60
    # Four at once: more than one after the other could be.
    assert found.per_second > 0
    left = {child.pid for child in psutil.Process().children(recursive=True)} - before
    assert not left, "the program outlived its trial"


LOOKS = """
import os, pathlib, socket, sys
seen = []
for environment in pathlib.Path("/proc").glob("[0-9]*/environ"):
    try:
        seen += [str(environment)] if b"PLANTED" in environment.read_bytes() else []
    except OSError:
        pass
try:
    socket.create_connection(("127.0.0.1", int(open("how.json").read())), 2)
    seen.append("network")
except OSError:
    pass
sys.exit(f"seen: {seen}")
"""


@pytest.mark.skipif(not available(), reason="this system allows no namespaces")
def test_a_program_on_trial_sees_neither_the_worker_nor_a_network(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as outside:
        path = archive(tmp_path, program=LOOKS, how=outside.getsockname()[1])
        trying = (
            "import pathlib, sys; from tasks.gates.trial.start import try_serving; "
            "print(try_serving(pathlib.Path(sys.argv[1]), 20).failure)"
        )
        worker = subprocess.run(
            [sys.executable, "-c", trying, str(path)],
            env={**os.environ, "PLANTED": "a secret of the worker"},
            capture_output=True,
            text=True,
            check=True,
        )
    assert worker.stdout.strip() == "it ended with status 1: seen: []"


def test_a_trial_that_takes_too_long_has_failed(tmp_path: Path) -> None:
    found = try_serving(archive(tmp_path, sleep=0.5), 200, seconds=8)
    assert found.failure == "its trial was not over after 8 s"
    assert checks(found, LIMITS)[0].outcome == "fail"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_program_dies_with_a_worker_that_is_killed(tmp_path: Path) -> None:
    path = archive(tmp_path, sleep=0.05)
    trying = (
        "import pathlib, sys; from tasks.gates.trial.start import try_serving; "
        "try_serving(pathlib.Path(sys.argv[1]), 10_000)"
    )
    worker = subprocess.Popen([sys.executable, "-c", trying, str(path)])
    deadline = time.monotonic() + 120
    program: list[psutil.Process] = []
    while not program:
        assert time.monotonic() < deadline
        assert worker.poll() is None
        for child in psutil.Process(worker.pid).children(recursive=True):
            # On its way it starts others that are gone in a moment.
            with contextlib.suppress(psutil.NoSuchProcess):
                if any(word.endswith("entry_point.py") for word in child.cmdline()):
                    program.append(child)
        time.sleep(0.05)
    worker.kill()
    worker.wait()
    _, alive = psutil.wait_procs(program, timeout=30)
    assert not alive


def test_requests_that_fail_are_counted(tmp_path: Path) -> None:
    found = try_serving(archive(tmp_path, every=10), 40)
    assert (found.requests, found.errors) == (80, 8)
    assert {check.name for check in checks(found, LIMITS) if check.outcome == "fail"} == {
        "serving errors"
    }


def test_a_program_that_does_not_come_up_fails_with_its_last_words(tmp_path: Path) -> None:
    found = try_serving(archive(tmp_path, dies=True), 20)
    assert found.failure == "it ended with status 1: loading no weights, no service"
    (check,) = checks(found, LIMITS)
    assert (check.outcome, check.detail) == ("fail", found.failure)


def test_a_bundle_of_the_first_edition_is_tried_by_its_own_server() -> None:
    older = Path(__file__).resolve().parents[2] / "models" / "first_edition" / "model.tar.gz"
    found = try_serving(older, 20)
    assert (found.requests, found.errors, found.failure) == (40, 0, "")


def test_a_bundle_without_a_sample_cannot_be_tried(tmp_path: Path) -> None:
    with pytest.raises(BundleFailed, match=r"no sample_request\.json"):
        try_serving(archive(tmp_path, sample=False), 20)


def gated(folder: Path, mae: float, trial: dict[str, Any], **how: Any) -> Verdict:
    """The gate's verdict of a candidate whose serving program behaves like this."""
    archive(folder, **how)
    spec = prices(trial={"requests": 20, **trial})
    return gate.fn(spec, candidate(folder, mae=mae), None, "s3://not/read/", folder / "work")


def test_a_candidate_that_is_slow_or_dead_is_rejected_and_what_was_found_is_kept(
    tmp_path: Path,
) -> None:
    slow = gated(tmp_path, 5, {"p95_ms": 15}, sleep=0.03)
    assert slow.outcome == "fail"
    assert slow.reason.startswith("serving p95: ")
    kept = Trial.model_validate_json((tmp_path / "output" / "serving.json").read_text("utf-8"))
    assert (kept.requests, kept.errors) == (40, 0)
    dead = gated(tmp_path, 5, {}, dies=True)
    assert (dead.outcome, "no weights, no service" in dead.reason) == ("fail", True)
    assert gated(tmp_path, 5, {"p95_ms": 5_000}).outcome == "pass"


def test_a_candidate_that_has_failed_already_is_not_tried(tmp_path: Path) -> None:
    verdict = gated(tmp_path, 50, {"p95_ms": 5_000})
    assert not [check.name for check in verdict.checks if check.name.startswith("serving")]
    assert not (tmp_path / "output" / "serving.json").exists()


GOOD = Trial(
    requests=400, errors=4, p50_ms=2, p95_ms=50, per_second=300, memory_mb=200, cold_start_seconds=9
)


@pytest.mark.parametrize(
    ("worse", "broken"),
    [
        ({}, set()),
        ({"errors": 5}, {"serving errors"}),
        ({"p95_ms": 50.1}, {"serving p95"}),
        ({"memory_mb": 201}, {"serving memory"}),
        ({"cold_start_seconds": 20.5}, {"cold start"}),
        ({"p95_ms": 99, "memory_mb": 999}, {"serving p95", "serving memory"}),
    ],
)
def test_each_limit_is_held_up_to_itself(worse: dict[str, float], broken: set[str]) -> None:
    made = checks(GOOD.model_copy(update=worse), LIMITS)
    assert len(made) == 4
    assert {check.name for check in made if check.outcome == "fail"} == broken


def test_only_what_is_bounded_is_judged() -> None:
    names = [check.name for check in checks(GOOD, TrialSpec(memory_mb=100))]
    assert names == ["serving errors", "serving memory"]


@pytest.mark.parametrize("wrong", [{"p95_ms": 0}, {"p95_ms": 1, "requests": 3}, {"p95": 1}])
def test_a_limit_that_nothing_keeps_or_nobody_knows_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TrialSpec.model_validate(wrong)
