"""The SageMaker SDK v3, as its users write it, against the AWS in the box."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from embedded_aws.fixture import _no_faults_left, aws

__all__ = ["_no_faults_left", "aws"]
ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "sagemaker-sdk"
pytestmark = [pytest.mark.timeout(600), pytest.mark.seconds(60)]


def typed(script: Path, aws) -> subprocess.CompletedProcess[str]:
    """A script, run by a person who has the AWS in the box."""
    environment = {**os.environ, **aws.environment(), "SAGEMAKER_TELEMETRY_OPT_OUT": "true"}
    return subprocess.run(
        [sys.executable, str(script)], env=environment, capture_output=True, text=True, timeout=500
    )


def test_a_notebook_trains_deploys_asks_and_deletes(aws):
    ran = typed(EXAMPLE / "notebook.py", aws)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "trained: s3://sdk-notebook/jobs/sdk-notebook-" in ran.stdout
    assert "answered: [200000.0, 200000.0]" in ran.stdout
    sagemaker = aws.client("sagemaker")
    assert not sagemaker.list_endpoints()["Endpoints"]
    assert not sagemaker.list_models()["Models"]
    [job] = sagemaker.list_training_jobs()["TrainingJobSummaries"]
    assert job["TrainingJobStatus"] == "Completed"


def changed(folder: Path, was: str, now: str) -> Path:
    """The example without its endpoint, and with one word of its notebook another."""
    shutil.copytree(EXAMPLE, folder)
    script = folder / "notebook.py"
    text = script.read_text("utf-8").partition("# %% The endpoint")[0]
    assert was in text
    script.write_text(text.replace(was, now), "utf-8")
    return script


def test_a_program_that_fails_says_why_through_the_sdk(aws, tmp_path):
    ran = typed(changed(tmp_path / "e", '"column": "price"', '"column": "rent"'), aws)
    assert ran.returncode != 0
    assert "'train.py', '--column', 'rent']' returned non-zero exit status 1" in ran.stderr


def test_a_role_that_lacks_a_right_is_refused_before_a_job_is_paid_for(aws, tmp_path):
    jobs = aws.client("sagemaker").list_training_jobs
    before = len(jobs()["TrainingJobSummaries"])
    ran = typed(changed(tmp_path / "e", ', "ec2:Describe*"', ""), aws)
    assert ran.returncode != 0
    assert "ec2:DescribeSubnets" in ran.stderr
    assert "ec2:CreateNetworkInterface" not in ran.stderr
    assert len(jobs()["TrainingJobSummaries"]) == before
