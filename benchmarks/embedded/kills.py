"""Kill -9 of the embedded AWS, of a job, of a server, in turn: what is left of them."""

from __future__ import annotations

import random
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError

from benchmarks.embedded.box import BUCKET, ROLE, Box, archive, box, serve, strike, until

FAMILY = """
    import os, signal, subprocess, sys, time
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(900)"
    subprocess.Popen([sys.executable, "-c", deaf])
    subprocess.Popen([sys.executable, "-c", deaf], start_new_session=True)
    time.sleep(900)
"""
"""A program with a child that hears nothing, and one that has left its session."""
SECONDS = 30.0
VICTIMS = ("the embedded AWS", "a job", "a server")


@dataclass
class Left:
    """What was left of the victims of one kind.

    ``processes`` and ``folders`` outlived their victim for ``SECONDS``; ``silent`` endpoints did
    not answer again in that time; ``undecided`` jobs did not end.
    """

    kills: int = 0
    processes: int = 0
    folders: int = 0
    silent: int = 0
    undecided: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def well(self) -> bool:
        """Whether nothing was left, and everything came back."""
        return not (self.processes or self.folders or self.silent or self.undecided)


def killed(times: int, seed: int) -> dict[str, Left]:
    """Kill so many victims of kinds that are drawn; what was left of them, by kind."""
    drawn = random.Random(seed)
    left = {victim: Left() for victim in VICTIMS}
    with (
        tempfile.TemporaryDirectory(prefix="kills-") as scratch,
        box(Path(scratch) / "aws") as there,
    ):
        there.client("s3").create_bucket(Bucket=BUCKET)
        serve(there, "steady")
        servers = there.processes()
        for number in range(times):
            victim = VICTIMS[number] if number < len(VICTIMS) else drawn.choice(VICTIMS)
            servers = _one(there, victim, f"family-{number}", left[victim], servers)
        there.client("sagemaker").delete_endpoint(EndpointName="steady")
        until(lambda: not there.processes(), SECONDS)
        there.end()
        every = Counter(processes=len(there.processes()))
        every["folders"] = len(there.folders("training")) + len(there.folders("hosting"))
        left["in the end"] = Left(processes=every["processes"], folders=every["folders"])
        there.start()
    return left


def _one(there: Box, victim: str, name: str, left: Left, servers: set[int]) -> set[int]:
    """One kill; the servers' processes after it."""
    _submit(there, name)
    family = there.processes() - servers
    if victim == "the embedded AWS":
        gone = family | servers
        there.kill()
    elif victim == "a job":
        gone = family
        strike(min(family))
    else:
        gone = servers
        for pid in servers:
            strike(pid)
    left.kills += 1
    if not until(lambda: not gone & there.processes(), SECONDS):
        alive = gone & there.processes()
        left.processes += len(alive)
        left.notes.append(f"{name}: {victim}: processes {sorted(alive)} live on")
    if victim == "the embedded AWS":
        there.start()
    sagemaker = there.client("sagemaker")
    if victim == "a server":
        sagemaker.stop_training_job(TrainingJobName=name)
    if not until(lambda: _status(there, name) in {"Failed", "Stopped"}, SECONDS):
        left.undecided += 1
        left.notes.append(f"{name}: {victim}: the job is {_status(there, name)}")
    if not until(lambda: not there.folders("training"), SECONDS):
        left.folders += len(there.folders("training"))
        left.notes.append(f"{name}: {victim}: {there.folders('training')} of jobs are left")
    if not until(lambda: _answers(there), SECONDS):
        left.silent += 1
        left.notes.append(f"{name}: {victim}: the endpoint does not answer")
    if not until(lambda: len(there.folders("hosting")) <= 1, SECONDS):
        left.folders += len(there.folders("hosting")) - 1
        left.notes.append(f"{name}: {victim}: {there.folders('hosting')} of servers are left")
    return there.processes()


def _submit(there: Box, name: str) -> None:
    """A job whose family is complete: a program, a deaf child, and one that left its session."""
    code = f"s3://{BUCKET}/{name}/sourcedir.tar.gz"
    there.client("s3").put_object(
        Bucket=BUCKET, Key=f"{name}/sourcedir.tar.gz", Body=archive(train=FAMILY)
    )
    before = there.processes()
    there.client("sagemaker").create_training_job(
        TrainingJobName=name,
        RoleArn=ROLE,
        AlgorithmSpecification={"TrainingImage": "image", "TrainingInputMode": "File"},
        HyperParameters={"sagemaker_program": "train.py", "sagemaker_submit_directory": code},
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
        StoppingCondition={"MaxRuntimeInSeconds": 86_400},
    )
    if not until(lambda: len(there.processes() - before) >= 3, SECONDS):
        raise RuntimeError(f"{name} did not start: {_status(there, name)}")


def _status(there: Box, name: str) -> str:
    described = there.client("sagemaker").describe_training_job(TrainingJobName=name)
    return str(described["TrainingJobStatus"])


def _answers(there: Box) -> bool:
    runtime = there.client("sagemaker-runtime", read_timeout=5)
    with suppress(BotoCoreError, ClientError):
        return bool(runtime.invoke_endpoint(EndpointName="steady", Body=b"{}")["Body"].read())
    return False
