"""A job of two instances, run from exactly the request that SageMaker is sent."""

from datetime import date

import numpy as np
import pytest

from deployments.demo.generate import property_sales
from models.packaging import hash_of, packed, source_files
from models.runtime.answers import FILE, load
from tasks.aws import client
from tasks.jobs.kinds import attempt_name
from tasks.jobs.source import put_source
from tasks.model_spec import load_model_spec
from tasks.settings import Settings
from tasks.training.channels import put_channels
from tasks.training.collect import fetch_output
from tasks.training.plan import TrainingPlan, hyperparameters, training_request
from tests.models.trained import ROOT, write_channel

pytestmark = [pytest.mark.tensorflow, pytest.mark.seconds(40)]
SETTINGS = Settings(work_bucket="sluice-work", role_arn="arn:aws:iam::123456789012:role/training")


@pytest.fixture
def jobs(aws_environment, tmp_path):
    """Runs a job of the shipped price-estimator on so many instances; its output's folder."""
    s3, sagemaker = client("s3"), client("sagemaker")
    s3.create_bucket(Bucket="sluice-work")
    sales = property_sales(600, date(2026, 1, 1), 60, seed=5)
    late = sales["date"] >= np.datetime64("2026-02-20")
    for name, rows in (("training", ~late), ("holdout", late)):
        write_channel(tmp_path / "channels" / name, sales, rows)
    put_channels("sluice-work", "channels", tmp_path / "channels", {})
    shipped = load_model_spec("price-estimator", ROOT / "models")
    files = source_files(ROOT / "models" / shipped.name, shipped.composition)
    source = put_source("sluice-work", hash_of(files), packed(files))

    def run(count):
        training = shipped.training.model_copy(update={"instance_count": count})
        spec = shipped.model_copy(update={"training": training})
        chosen = hyperparameters(spec, {"epochs": 3, "compiled": 0})
        plan = TrainingPlan(
            model=spec.name,
            snapshot_fingerprint="s",
            contract_version="1.0.0",
            code_hash=hash_of(files),
            split=f"of {count}",  # nothing of the other job is gone on from
            hyperparameters=chosen,
        )
        name = attempt_name(plan.job_name, 1)
        channels = {side: f"s3://sluice-work/channels/{side}" for side in ("training", "holdout")}
        request = training_request(name, plan, spec, SETTINGS, channels, source, {})
        assert request["ResourceConfig"]["InstanceCount"] == count
        sagemaker.create_training_job(**request)
        sagemaker.get_waiter("training_job_completed_or_stopped").wait(
            TrainingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 300}
        )
        job = sagemaker.describe_training_job(TrainingJobName=name)
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        address = f"s3://sluice-work/jobs/{name}/output/output.tar.gz"
        return name, fetch_output(name, address, tmp_path / name)

    return run


def test_two_instances_learn_what_one_learns(jobs):
    _, alone = jobs(1)
    name, together = jobs(2)
    one, both = load(alone / FILE), load(together / FILE)
    assert list(one.rows) == list(both.rows)
    np.testing.assert_allclose(one.predicted, both.predicted, rtol=1e-3)
    logs = client("logs")
    streams = logs.describe_log_streams(
        logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=f"{name}/"
    )["logStreams"]
    assert {stream["logStreamName"].split("/")[1].rsplit("-", 1)[0] for stream in streams} == {
        "algo-1",
        "algo-2",
    }
    assert all("part=fit" in _lines(logs, stream) for stream in streams)
    # One curve on the run's page, not one an instance.
    assert sum("epoch=1 " in _lines(logs, stream) for stream in streams) == 1


def _lines(logs, stream):
    events = logs.get_log_events(
        logGroupName="/aws/sagemaker/TrainingJobs",
        logStreamName=stream["logStreamName"],
        startFromHead=True,
    )["events"]
    return "\n".join(event["message"] for event in events)
