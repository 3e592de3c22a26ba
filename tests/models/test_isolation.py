"""What came with an artefact sees no other process, no network and no keys."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from models.runtime import isolation

needs_namespaces = pytest.mark.skipif(
    not isolation.available(), reason="this system has no user namespaces for everybody"
)
LOOKS = """
import json, os, socket, sys
from pathlib import Path
found = {"environments": [], "keys": None, "network": None}
for process in Path("/proc").glob("[0-9]*/environ"):
    try:
        text = process.read_bytes()
    except OSError:
        continue
    if b"AWS_SECRET_ACCESS_KEY=canary" in text:
        found["environments"].append(str(process))
for place in sys.argv[2:]:
    path = Path(place)
    if path.is_dir() and list(path.iterdir()) or path.is_file() and path.read_bytes():
        found["keys"] = place
try:
    socket.create_connection(("127.0.0.1", int(sys.argv[1])), 2).close()
    found["network"] = "reached"
except OSError:
    pass
print(json.dumps(found))
"""


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's home with keys in it."""
    folder = tmp_path / "a home"
    (folder / ".aws").mkdir(parents=True)
    (folder / ".aws" / "credentials").write_text("[default]\n")
    (folder / ".netrc").write_text("machine x\n")
    (folder / "signing.pem").write_text("PRIVATE\n")
    (folder / "credentials").mkdir(mode=0o700)
    for name in ("signing.pem", "prefect"):
        (folder / "credentials" / name).write_text("PRIVATE\n")
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.setenv("SLUICE_SIGNING_KEY", f"file:{folder / 'signing.pem'}")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    return folder


def look(home: Path, port: int, command: Any) -> dict[str, Any]:
    places = [str(home / name) for name in (".aws", ".netrc", "signing.pem")]
    words = command([sys.executable, "-c", LOOKS, str(port), *places])
    # A child of a process whose environment holds a secret, as a bundle's is of the worker.
    waits = "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:], env={}))"
    done = subprocess.run(
        [sys.executable, "-c", waits, *words], capture_output=True, text=True, check=True
    )
    return dict(json.loads(done.stdout))


@needs_namespaces
def test_an_isolated_process_finds_nothing(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def answer() -> None:
            line, _ = server.accept()
            line.close()

        caller = threading.Thread(target=answer, daemon=True)
        caller.start()
        free = look(home, port, lambda words: words)
        assert free["environments"], "the test itself must be able to find something"
        assert (free["keys"] is not None, free["network"]) == (True, "reached")
        inside = look(home, port, isolation.isolated)
    caller.join()
    assert inside == {"environments": [], "keys": None, "network": None}


LIFTS = """
import ctypes, json, os, sys
libc = ctypes.CDLL(None, use_errno=True)
def lift():
    for place in ("/proc", sys.argv[2]):
        while libc.umount2(place.encode(), 2) == 0:
            pass
lift()
found = [os.path.exists(sys.argv[1])]
NEW_USER, NEW_MOUNTS = 0x10000000, 0x20000
if os.fork() == 0:
    libc.unshare(NEW_USER | NEW_MOUNTS)
    lift()
    os._exit(os.path.exists(sys.argv[1]) + 2 * os.path.exists(f"/proc/{sys.argv[3]}/environ"))
found.append(bool(os.waitstatus_to_exitcode(os.wait()[1])))
try:
    found.append(libc.setns(os.open("/proc/1/ns/mnt", os.O_RDONLY), 0) == 0)
except OSError:
    found.append(False)
print(json.dumps(found))
"""
"""Takes away what covers keys and processes, as whoever made the covers could."""


@needs_namespaces
def test_an_isolated_process_lifts_none_of_the_covers(home: Path) -> None:
    key, cover = home / ".aws" / "credentials", home / ".aws"
    words = [sys.executable, "-c", LIFTS, str(key), str(cover), str(os.getpid())]
    done = subprocess.run(isolation.isolated(words), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [False, False, False]
    covered = ["sh", "-c", 'mount -t tmpfs tmpfs "$0"; "$@"', str(cover)]
    with_rights = ["unshare", *isolation.UNSHARED, "--", *covered, *words]
    lifted = subprocess.run(with_rights, capture_output=True, text=True, check=True)
    assert json.loads(lifted.stdout)[0], "the test itself must be able to lift one"


ASKS = """
import os, socket, sys
with socket.socket(socket.AF_UNIX) as line:
    try:
        line.connect(sys.argv[1])
        print("reached")
    except OSError as error:
        print(type(error).__name__)
try:
    os.open("/dev/tty", os.O_RDWR)
    print("a terminal")
except OSError:
    print("no terminal")
"""


@needs_namespaces
def test_an_isolated_process_asks_no_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    agent = tmp_path / "agent"
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(agent))
        door.listen()
        words = [sys.executable, "-c", ASKS, str(agent)]

        def asked() -> list[str]:
            apart = isolation.isolated(words)
            return subprocess.run(apart, capture_output=True, text=True).stdout.splitlines()

        assert asked()[0] == "reached", "the test itself must be able to reach it"
        monkeypatch.setenv("SSH_AUTH_SOCK", str(agent))
        assert asked() == ["ConnectionRefusedError", "no terminal"]


WRITES = """
import json, os, sys
from pathlib import Path
written = []
for place in sys.argv[1:]:
    try:
        (Path(place) / "new").write_text("planted")
        written.append(place)
    except OSError:
        pass
print(json.dumps(written))
"""


@needs_namespaces
def test_an_isolated_process_writes_into_nothing_but_what_it_is_given(
    home: Path, tmp_path: Path
) -> None:
    given = tmp_path / "given"
    (given / "below").mkdir(parents=True)
    others = [home, tmp_path, Path.cwd(), Path(sys.prefix), Path("/tmp")]
    words = [sys.executable, "-c", WRITES, *map(str, (*others, given, given / "below"))]
    apart = isolation.isolated(words, writable=(given,))
    done = subprocess.run(apart, capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [str(given), str(given / "below")]
    assert (given / "new").read_text() == "planted", "and it is there when the process has ended"
    assert not (home / "new").exists()


@needs_namespaces
@pytest.mark.parametrize(
    ("program", "status"),
    [
        ("sys.exit(7)", 7),
        ("os.abort()", -6),
        ("os.kill(os.getpid(), 9)", -9),
        ("0", 0),
    ],
)
def test_how_an_isolated_process_ended_is_told(program: str, status: int) -> None:
    words = isolation.isolated([sys.executable, "-c", f"import os, sys; {program}"])
    assert isolation.status_of(subprocess.run(words, capture_output=True).returncode) == status


@needs_namespaces
def test_an_isolated_process_hears_of_a_broken_pipe() -> None:
    words = isolation.isolated(["sh", "-c", "kill -PIPE $$"])
    assert isolation.status_of(subprocess.run(words, capture_output=True).returncode) == -13


@needs_namespaces
def test_a_command_that_does_not_exist_is_named() -> None:
    done = subprocess.run(isolation.isolated(["no-such-tool"]), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (127, "no-such-tool: No such file or directory\n")


@needs_namespaces
@pytest.mark.parametrize("loopback", [False, True])
def test_a_loopback_answers_where_it_is_asked_for(loopback: bool) -> None:
    asks = (
        "import socket; door = socket.create_server(('127.0.0.1', 0)); "
        "socket.create_connection(door.getsockname(), 5)"
    )
    words = isolation.isolated([sys.executable, "-c", asks], loopback=loopback)
    assert (subprocess.run(words, capture_output=True).returncode == 0) == loopback


def test_a_folder_of_its_owners_alone_is_hidden_as_a_whole(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isolation.hidden()[-1] == home / "signing.pem"
    monkeypatch.setenv("SLUICE_SIGNING_KEY", f"file:{home / 'credentials' / 'signing.pem'}")
    assert isolation.hidden()[-1] == home / "credentials"
    monkeypatch.setenv("SLUICE_SIGNING_KEY", "awskms:alias/sluice")
    assert isolation.hidden()[-1] == home / ".gnupg"


@needs_namespaces
@pytest.mark.parametrize(
    ("code", "status"),
    [("pass", 0), ("raise SystemExit(3)", 3), ("import os; os.kill(os.getpid(), 9)", -9)],
)
def test_how_it_ended_is_told(code: str, status: int) -> None:
    done = subprocess.run(isolation.isolated([sys.executable, "-c", code]))
    assert isolation.status_of(done.returncode) == status


@needs_namespaces
def test_it_dies_with_who_started_it() -> None:
    words = isolation.isolated(
        [sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)"]
    )
    process = subprocess.Popen(words, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    process.kill()
    process.wait()
    assert process.stdout.read() == b"", "nobody holds the pipe any more"
    process.stdout.close()


def test_without_namespaces_the_command_stays_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    isolation.available.cache_clear()
    try:
        assert isolation.isolated(["true"]) == ["true"]
    finally:
        isolation.available.cache_clear()


def test_what_is_hidden_is_there_for_nobody_else(home: Path) -> None:
    subprocess.run(isolation.isolated(["true"]), check=True)
    assert (home / ".aws" / "credentials").read_text() == "[default]\n"
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == "canary"
