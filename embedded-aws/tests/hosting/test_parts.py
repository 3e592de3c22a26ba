"""Small parts: settings, program, model data, captures, usage, ticker, ports."""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from customer.shop import archive

from embedded_aws.catalogue import page
from embedded_aws.hosting.fleet.capture import flush_interval
from embedded_aws.hosting.process import artefact, ports
from embedded_aws.hosting.process.program import command, environment
from embedded_aws.hosting.process.usage import cpu_percent, memory_percent, usage
from embedded_aws.hosting.settings import HostingSettings
from embedded_aws.hosting.ticker import Ticker


def test_settings_come_from_the_environment():
    env = {
        "EMBEDDED_AWS_HOSTING_PROCESSES_PER_VARIANT": "3",
        "EMBEDDED_AWS_HOSTING_MODEL_TIMEOUT": "2.5",
        "EMBEDDED_AWS_HOSTING_ENTRYPOINT": "python door.py",
        "OTHER": "x",
    }
    got = HostingSettings.from_env(env)
    assert (got.processes_per_variant, got.model_timeout) == (3, 2.5)
    assert got.entrypoint == "python door.py"
    assert HostingSettings.from_env({}) == HostingSettings()


@pytest.mark.parametrize("value", ["", "many", "0", "-1", "1.5"])
def test_settings_that_make_no_sense_are_named(value):
    with pytest.raises(ValueError, match="EMBEDDED_AWS_HOSTING_PROCESSES_PER_VARIANT"):
        HostingSettings.from_env({"EMBEDDED_AWS_HOSTING_PROCESSES_PER_VARIANT": value})


def test_program_is_the_containers():
    base = Path("/state/e")
    assert command(base, {}) == [sys.executable, "/state/e/model/code/inference.py"]
    assert command(base, {"SAGEMAKER_PROGRAM": "serve.py"})[1].endswith("/code/serve.py")
    behind = command(base, {}, "python -I '/a door.py'")
    assert behind == ["python", "-I", "/a door.py", *command(base, {})]
    env = environment(
        base,
        8081,
        {"A": "own", "SAGEMAKER_BIND_TO_PORT": "1", "AWS_REGION": "eu-west-1", "B": "/opt/ml/x"},
        {"PATH": "/bin", "PREFECT_API_KEY": "secret"},
        {"AWS_REGION": "us-east-1"},
    )
    assert env["SAGEMAKER_BIND_TO_PORT"] == "8081"
    assert (env["A"], env["AWS_REGION"], env["PATH"]) == ("own", "eu-west-1", "/bin")
    assert env["B"] == "/state/e/x"
    assert "PREFECT_API_KEY" not in env


class Bucket:
    """S3 of one bucket in memory, as far as model data needs it."""

    def __init__(self, **objects: bytes) -> None:
        self.objects = objects

    def get_object(self, Bucket, Key):  # noqa: N803  boto3's own names
        if Key not in self.objects:
            raise ClientError({"Error": {"Code": "NoSuchKey"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key])}


def test_model_data_is_unpacked_and_broken_or_missing_data_is_named(tmp_path):
    s3 = Bucket(good=archive(), bad=b"no archive")
    artefact.bring(s3, {"ModelDataUrl": "s3://b/good"}, tmp_path / "good")
    assert (tmp_path / "good/code/inference.py").is_file()
    for key, complaint in (("bad", "valid tar.gz"), ("none", "Failed to download model data")):
        with pytest.raises(artefact.ModelDataError, match=complaint):
            artefact.bring(s3, {"ModelDataUrl": f"s3://b/{key}"}, tmp_path / key)


def test_archive_cannot_write_outside_its_folder(tmp_path):
    s3 = Bucket(evil=archive(name="../escaped"))
    with pytest.raises(artefact.ModelDataError, match="outside"):
        artefact.bring(s3, {"ModelDataUrl": "s3://b/evil"}, tmp_path / "model")
    assert not (tmp_path / "escaped").exists()
    links = io.BytesIO()
    with tarfile.open(fileobj=links, mode="w:gz") as tar:
        entry = tarfile.TarInfo("passwd")
        entry.type, entry.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(entry)
    with pytest.raises(artefact.ModelDataError):
        artefact.bring(
            Bucket(link=links.getvalue()), {"ModelDataUrl": "s3://b/link"}, tmp_path / "links"
        )


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("s3://bucket/a/b.tar.gz", ("bucket", "a/b.tar.gz")),
        ("https://s3.us-east-1.amazonaws.com/bucket/a/b.tar.gz", ("bucket", "a/b.tar.gz")),
    ],
)
def test_addresses(url, place):
    assert artefact.split(url) == place


def test_capture_interval_is_a_virtual_minute_within_bounds():
    assert (flush_interval(1), flush_interval(60), flush_interval(10_000)) == (5.0, 1.0, 0.25)


def test_listing_sorts_filters_and_pages():
    rows = [
        {"EndpointName": n, "CreationTime": t, "LastModifiedTime": t, "EndpointStatus": s}
        for n, t, s in (("b", 1.0, "InService"), ("a", 2.0, "Failed"), ("c", 3.0, "InService"))
    ]

    def names(**params):
        return [row["EndpointName"] for row in page(rows, params, "Endpoint", "X")["X"]]

    assert names() == ["c", "a", "b"]
    assert names(SortBy="Name", SortOrder="Ascending") == ["a", "b", "c"]
    assert names(SortBy="Status", SortOrder="Ascending") == ["a", "b", "c"]
    assert names(StatusEquals="Failed") == ["a"]
    assert names(CreationTimeAfter=2.0) == ["c", "a"]
    assert names(LastModifiedTimeBefore=2.0) == ["a", "b"]
    assert names(NameContains="B") == ["b"]
    first = page(rows, {"MaxResults": 2}, "Endpoint", "X")
    rest = page(rows, {"MaxResults": 2, "NextToken": first["NextToken"]}, "Endpoint", "X")
    assert [len(first["X"]), len(rest["X"])] == [2, 1]
    assert "NextToken" not in rest


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
def test_usage_counts_descendants():
    busy = "import time\nend = time.time() + 60\nwhile time.time() < end: pass"
    # ``wait`` keeps the shell from becoming the program: it stays its parent.
    command = ["sh", "-c", f"{shlex.quote(sys.executable)} -c '{busy}' & wait"]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        deadline = time.monotonic() + 60  # a busy machine starts Python late
        before = after = usage(process.pid)
        assert before is not None
        while cpu_percent(before, after) <= 5:
            assert time.monotonic() < deadline
            before = after
            time.sleep(0.5)
            after = usage(process.pid)
            assert after is not None
        assert 0 < memory_percent(after) < 50
    finally:
        os.killpg(process.pid, 9)
        process.wait()
    assert usage(process.pid) is None


def test_ticker_goes_on_after_an_error_and_works_a_last_time():
    ticks = []
    third = threading.Event()

    def work():
        ticks.append(1)
        if len(ticks) >= 3:
            third.set()
        raise RuntimeError("no matter")

    ticker = Ticker("test", 0.01, work)
    assert third.wait(5)
    ticker.close()
    seen = len(ticks)
    time.sleep(0.05)
    assert len(ticks) == seen
    slow = []
    Ticker("slow", 1000.0, lambda: slow.append(1)).close()
    assert slow == [1]


def test_ports_are_claimed_once():
    claimed = [ports.claim() for _ in range(50)]
    try:
        assert len(set(claimed)) == 50
        assert all(ports.FIRST <= port < ports.LAST for port in claimed)
    finally:
        for port in claimed:
            ports.release(port)
