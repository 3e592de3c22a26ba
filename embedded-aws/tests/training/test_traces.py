"""What a job leaves behind, and what it must not."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from customer import CODE

from embedded_aws import EmbeddedAws

TIME_SCALE = 120

# A program with a child that ignores every signal it can, and one that left its session, too.
FAMILY = """
    import os, signal, subprocess, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"
    child = subprocess.Popen([sys.executable, "-c", deaf])
    gone = subprocess.Popen([sys.executable, "-c", deaf], start_new_session=True)
    print("pids", os.getpid(), child.pid, gone.pid, flush=True)
    time.sleep(600)
"""


def pids_of(lab, name):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            for line in lab.lines(name):
                if line.startswith("pids "):
                    return [int(pid) for pid in line.split()[1:]]
        except lab.logs.exceptions.ResourceNotFoundException:
            pass
        time.sleep(0.05)
    raise AssertionError(f"{name} printed no pids")


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    # A zombie that nobody has reaped yet is dead enough.
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z"


def wait_until_gone(pids):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if all(gone(pid) for pid in pids):
            return
        time.sleep(0.05)
    raise AssertionError(f"still alive: {[pid for pid in pids if not gone(pid)]}")


def test_folders_are_removed_whatever_the_end(lab):
    lab.run("fine", "print(1)")
    lab.run("broken", "raise SystemExit(1)")
    deadline = time.monotonic() + 5
    folder = lab.aws.state_dir / "training"
    while list(folder.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert list(folder.iterdir()) == []


def test_a_failed_jobs_folder_stays_when_asked_for(lab, tmp_path, make_lab):
    with EmbeddedAws(time_scale=120, state_dir=tmp_path, keep_failed_jobs=True) as aws:
        other = make_lab(aws, lab.bucket)
        other.run("kept", "open('trace', 'w').write('x'); raise SystemExit(1)")
        other.run("not-kept", "print(1)")
        time.sleep(0.2)
        assert (tmp_path / "training/kept/algo-1/code/trace").read_text() == "x"
        assert not (tmp_path / "training/not-kept").exists()


def test_metrics_reach_cloudwatch_per_job(lab):
    definitions = [{"Name": "validation:mae", "Regex": "mae=([0-9.]+)"}]
    lab.run(
        "metered",
        "for i in range(4): print(f'mae={i}.5')",
        AlgorithmSpecification={"MetricDefinitions": definitions},
    )
    job = lab.describe("metered")
    statistics = lab.aws.client("cloudwatch").get_metric_statistics(
        Namespace="/aws/sagemaker/TrainingJobs",
        MetricName="validation:mae",
        Dimensions=[{"Name": "TrainingJobName", "Value": "metered"}],
        StartTime=job["CreationTime"].timestamp() - 3600,
        EndTime=job["TrainingEndTime"].timestamp() + 3600,
        Period=86_400,
        Statistics=["SampleCount", "Maximum", "Minimum"],
    )["Datapoints"]
    assert sum(point["SampleCount"] for point in statistics) == 4
    assert max(point["Maximum"] for point in statistics) == 3.5


def test_stopping_a_job_ends_the_children_of_its_program(lab):
    lab.submit("family", FAMILY)
    pids = pids_of(lab, "family")
    lab.sagemaker.stop_training_job(TrainingJobName="family")
    assert lab.wait("family")["TrainingJobStatus"] == "Stopped"
    wait_until_gone(pids)


def test_closing_ends_every_job_at_once(lab, make_lab):
    with EmbeddedAws(time_scale=1) as aws:
        other = make_lab(aws, lab.bucket)
        other.submit("closed", FAMILY)
        pids = pids_of(other, "closed")
        began = time.monotonic()
    assert time.monotonic() - began < 5
    wait_until_gone(pids)


@pytest.mark.skipif(sys.platform == "win32", reason="process groups are a POSIX thing")
def test_killing_the_embedded_aws_leaves_no_process_behind(make_lab):
    server = subprocess.Popen(
        [sys.executable, "-m", "embedded_aws", "--port", "0", "--log-level", "ERROR"],
        env={**os.environ, "PYTHONPATH": CODE},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        url = server.stdout.readline().strip().partition("=")[2]
        other = make_lab(_Remote(url), "elsewhere")
        other.s3.create_bucket(Bucket="elsewhere")
        other.submit("orphan", FAMILY)
        pids = pids_of(other, "orphan")
    finally:
        server.send_signal(signal.SIGKILL)
        server.wait()
        server.stdout.close()
    wait_until_gone(pids)


class _Remote:
    """An embedded AWS in another process, as far as a lab needs one."""

    def __init__(self, url):
        self.url = url

    def client(self, service):
        import boto3

        return boto3.client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="a",
            aws_secret_access_key="a",
        )


def test_the_program_sees_nothing_of_the_house(lab, monkeypatch):
    monkeypatch.setenv("HOUSE_SECRET", "1")
    script = """
        import json, os, pathlib
        told = pathlib.Path(os.environ["SM_MODEL_DIR"], "told.json")
        told.write_text(json.dumps(dict(os.environ)))
    """
    lab.run("curious", script)
    env = lab.told("curious")
    assert "HOUSE_SECRET" not in env
    assert "PYTHONPATH" not in env
    assert env["AWS_ENDPOINT_URL"] == lab.aws.endpoint_url
    lab.run("isolated", script, EnableNetworkIsolation=True)
    assert not [name for name in lab.told("isolated") if name.startswith("AWS_")]
    assert json.loads(env["SM_TRAINING_ENV"])["job_name"] == "curious"
