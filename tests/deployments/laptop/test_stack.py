"""`make up` repairs: what lives is kept, nothing is deleted, and each is said."""

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from deployments.laptop import credentials
from deployments.laptop.environment import Laptop
from deployments.laptop.parts import PARTS, health
from deployments.laptop.processes import (
    StackError,
    Started,
    alone,
    birth,
    end,
    forget,
    put_aside,
    recall,
    remember,
    second,
    since,
    start,
)
from deployments.laptop.stack import held, status, up

ONE = Started("worker", 12, "5")


@pytest.fixture
def laptop(tmp_path):
    return Laptop(state=tmp_path, aws_port=1, prefect_port=2, time_scale=1.0, time_epoch=0.0)


@pytest.mark.parametrize("torn", ["", "{", "[]", "null", '{"processes": [{"pid": 1}]}', "\x00\x00"])
def test_a_torn_record_is_read_from_its_copy(laptop, torn) -> None:
    remember(laptop.record, [ONE], {"complete": True})
    laptop.record.write_text(torn)
    assert recall(laptop.record) == ([ONE], {"complete": True})
    second(laptop.record).write_text(torn)
    assert recall(laptop.record) == ([], {})


def test_a_part_that_runs_under_its_former_name_is_known(laptop) -> None:
    remember(laptop.record, [replace(ONE, name="dead-mans-switch")], {})
    ((process,), _) = recall(laptop.record)
    assert process == replace(ONE, name="failsafe-alarm")
    assert process.name in PARTS


def test_nothing_is_left_of_a_record_that_is_forgotten(laptop) -> None:
    remember(laptop.record, [ONE], {})
    forget(laptop.record)
    assert list(laptop.state.glob("*.json")) == []


def test_a_process_id_that_somebody_else_has_now_is_not_ours() -> None:
    ours = Started("worker", os.getpid(), birth(os.getpid()))
    assert ours.alive
    assert not Started("worker", os.getpid(), "1").alive
    assert not Started("worker", os.getpid(), "").alive


def test_status_names_each_part(laptop, tmp_path) -> None:
    sleeper = (sys.executable, "-c", "import time; time.sleep(60)")
    alive = [
        start(name, sleeper, {}, laptop.log(name), tmp_path) for name in ("worker", "embedded-aws")
    ]
    try:
        found = {part.name: part.state for part in health(laptop, alive)}
        facts = {
            "complete": True, "aws_port": 9, "prefect_port": 8, "time_scale": 60, "time_epoch": 5,
        }  # fmt: skip
        remember(laptop.record, alive, facts)
        parts, running = status(laptop)
    finally:
        for process in alive:
            end(process)
    assert found == {
        **dict.fromkeys(PARTS, "missing"),
        "worker": "alive",
        "embedded-aws": "not answering",
    }
    assert [part.name for part in parts if not part.well] == [p for p in PARTS if p != "worker"]
    assert (running.aws_port, running.time_scale) == (9, 60.0)


def test_one_at_a_time_changes_the_stack(laptop) -> None:
    order = []

    def second_one() -> None:
        with alone(laptop.hold, lambda: order.append("waits")):
            order.append("second")

    with alone(laptop.hold, lambda: order.append("never")):
        other = threading.Thread(target=second_one)
        other.start()
        while "waits" not in order:
            time.sleep(0.01)
        order.append("first")
    other.join(20)
    assert order == ["waits", "first", "second"]


def test_a_log_is_never_deleted(laptop) -> None:
    log = laptop.log("worker")
    log.parent.mkdir(parents=True)
    log.write_text("why it died\n")
    begun = put_aside(log, largest=100)
    with log.open("a") as file:
        file.write("anew\n")
    assert since(log, begun) == "anew\n"
    assert "why it died" in log.read_text()
    assert put_aside(log, largest=3) == 0
    [aside] = log.parent.glob("worker-*.log")
    assert "why it died" in aside.read_text()
    assert since(log, 0) == ""


def test_what_is_kept_is_told_with_its_size(laptop) -> None:
    (laptop.state / "aws").mkdir()
    (laptop.state / "aws" / "x").write_bytes(bytes(1234))
    laptop.record.write_text(json.dumps({}))
    assert held(laptop.state) == [(laptop.state / "aws", 1234)]


@pytest.mark.parametrize(("fact", "kept"), [({}, False), ({"asks_who_calls": True}, True)])
def test_what_asks_nobody_who_calls_is_not_kept(laptop, tmp_path, monkeypatch, fact, kept) -> None:
    """As an earlier version started it; up is stopped right behind, by a wish that cannot be."""
    credentials.make(laptop.credentials, running=False, say=print)
    worker = start("worker", ("sleep", "300"), dict(os.environ), laptop.log("w"), tmp_path)
    facts = {"complete": True, "aws_port": 1, "prefect_port": 2, "time_scale": 1, "time_epoch": 0}
    remember(laptop.record, [worker], {**facts, **fact})
    monkeypatch.setenv("SLUICE_PREFECT_AUTH", "none")
    said: list[str] = []
    try:
        with pytest.raises(StackError, match="SLUICE_PREFECT_AUTH"):
            up(laptop, said.append)
        assert worker.alive == kept
        assert any("who calls" in line for line in said) != kept
    finally:
        end(worker)


def test_down_ends_everything_also_when_nobody_listens_any_more(tmp_path) -> None:
    sleeper = ("sleep", "300")
    parts = [start(n, sleeper, dict(os.environ), tmp_path / n, tmp_path) for n in PARTS]
    laptop = Laptop(state=tmp_path, aws_port=1, prefect_port=2, time_scale=1.0, time_epoch=0.0)
    facts = {"complete": True, "aws_port": 1, "prefect_port": 2, "time_scale": 1, "time_epoch": 0}
    remember(laptop.record, parts, facts)
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "deployments.laptop", "down"],
        env={**os.environ, "SLUICE_STATE": str(tmp_path)},
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")
    assert not any(part.alive for part in parts)
