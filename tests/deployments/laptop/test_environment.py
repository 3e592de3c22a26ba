import json
import socket
import subprocess
import sys
import time

import pytest

from deployments.laptop.environment import ROOT, Laptop, direct, personal
from deployments.laptop.inherited import inherited
from deployments.laptop.processes import StackError, birth, end, require_free, start
from deployments.laptop.stack import laptop_from_environment


@pytest.fixture
def laptop(tmp_path):
    return Laptop(state=tmp_path, aws_port=4567, prefect_port=4201, time_scale=60.0, time_epoch=1e9)


def test_a_persons_own_aws_and_prefect_stay_outside(laptop, monkeypatch):
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL_S3", "PREFECT_API_KEY", "PREFECT_PROFILE"):
        monkeypatch.setenv(name, "mine")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "https://example.com")
    monkeypatch.setenv("LC_TIME", "de_DE")
    seen = laptop.environment()
    assert {name for name in personal(seen) if seen[name] == "mine"} == set()
    assert seen["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4567"
    assert seen["PREFECT_API_URL"] == "http://127.0.0.1:4201/api"
    assert seen["LC_TIME"] == "de_DE"


TOKENS = (
    "GITHUB_TOKEN",
    "OPENAI_API_KEY",
    "PGPASSWORD",
    "DATABASE_URL",
    "SSH_AUTH_SOCK",
    "NPM_TOKEN",
)


def test_a_persons_tokens_reach_no_process_of_the_stack(laptop, monkeypatch):
    """Asked of a process, not of a dictionary: what it sees is what it could give away."""
    for name in TOKENS:
        monkeypatch.setenv(name, "a secret of mine")
    monkeypatch.setenv("EXTRA_INDEX", "wanted")
    monkeypatch.setenv("SLUICE_PASSED_VARIABLES", "EXTRA_INDEX, NOT_THERE")
    told = subprocess.run(
        [sys.executable, "-c", "import os, json; print(json.dumps(dict(os.environ)))"],
        env=laptop.environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    seen = json.loads(told.stdout)
    assert "a secret of mine" not in seen.values()
    assert seen["EXTRA_INDEX"] == "wanted"


@pytest.mark.parametrize(
    ("name", "passes"),
    [
        ("PATH", True), ("HOME", True), ("https_proxy", True), ("HTTPS_PROXY", True),
        ("SSL_CERT_FILE", True), ("OMP_NUM_THREADS", True), ("SLUICE_POLL_SECONDS", True),
        ("LC_ALL", True), ("MY_SLUICE_KEY", False), ("HOMEBREW_TOKEN", False), ("PATHS", False),
        ("", False),
    ],
)  # fmt: skip
def test_what_a_machine_needs_comes_and_nothing_that_only_looks_like_it(name, passes):
    assert (name in inherited({name: "x", "SLUICE_PASSED_VARIABLES": " ,"})) is passes


def test_a_checkout_starts_the_embedded_aws_of_its_own(laptop, tmp_path):
    where = subprocess.run(
        [sys.executable, "-c", "import embedded_aws; print(embedded_aws.__file__)"],
        cwd=tmp_path,
        env=laptop.environment(),
        capture_output=True,
        text=True,
    )
    assert where.stdout.strip() == str(ROOT / "embedded-aws/src/embedded_aws/__init__.py")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "127.0.0.1,localhost"),
        ("example.com,.lan", "127.0.0.1,localhost,example.com,.lan"),
        ("127.0.0.1,localhost", "127.0.0.1,localhost"),
    ],
)
def test_no_proxy_stands_between_us_and_ourselves(monkeypatch, before, after):
    monkeypatch.setenv("NO_PROXY", before)
    assert direct("NO_PROXY") == after


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SLUICE_AWS_PORT", "eighty"),
        ("SLUICE_AWS_PORT", "0"),
        ("SLUICE_AWS_PORT", "99999"),
        ("SLUICE_PREFECT_PORT", "4200.5"),
        ("SLUICE_PREFECT_PORT", "4566"),  # the other one's
        ("SLUICE_COLLECTOR_PORT", "4566"),  # the embedded AWS's
        ("SLUICE_COLLECTOR_PORT", "none"),
        ("SLUICE_COLLECTOR_ORIGINS", "localhost:3000"),
        ("SLUICE_COLLECTOR_ORIGINS", "http://localhost:3000/shop"),
        ("SLUICE_COLLECTOR_ORIGINS", "*"),
        ("SLUICE_TIME_SCALE", "0"),
        ("SLUICE_TIME_SCALE", "nan"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_with_a_next_step(monkeypatch, variable, value):
    monkeypatch.setenv(variable, value)
    with pytest.raises(StackError, match=rf"(?s){variable}.*|Next: .*{variable}") as refused:
        laptop_from_environment()
    assert "Next: " in str(refused.value)
    assert value in str(refused.value)


def test_a_taken_port_says_which_and_how_to_choose_another():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        with pytest.raises(StackError, match=f"Port {number}.*is taken.*SLUICE_AWS_PORT"):
            require_free(number, "the embedded AWS", "SLUICE_AWS_PORT")
    require_free(number, "the embedded AWS", "SLUICE_AWS_PORT")


def test_ending_a_process_ends_its_children_too(tmp_path):
    program = (
        "import subprocess, sys, time;"
        "print(subprocess.Popen(['sleep', '300']).pid, flush=True); time.sleep(300)"
    )
    log = tmp_path / "log"
    process = start("parent", [sys.executable, "-c", program], {}, log, tmp_path)
    while not log.read_text().endswith("\n"):
        assert process.alive
    child = int(log.read_text())
    end(process)
    assert not process.alive
    deadline = time.monotonic() + 10  # it was told by a signal, and dies when it is its turn
    while birth(child):
        assert time.monotonic() < deadline, "the child outlived its parent"
        time.sleep(0.02)
