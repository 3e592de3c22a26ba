"""What happens to training jobs when faults are set."""

import pytest
from customer.training import QUICK

TIME_SCALE = 240
SPOT = {
    "EnableManagedSpotTraining": True,
    "StoppingCondition": {"MaxRuntimeInSeconds": 3600, "MaxWaitTimeInSeconds": 7200},
}


def passed(job):
    return [t["Status"] for t in job["SecondaryStatusTransitions"]]


def test_without_capacity_a_job_fails_and_the_next_one_runs(lab):
    fault = lab.aws.faults.add("capacity", target="crowded*")
    job = lab.run("crowded", QUICK)
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith(
        "CapacityError: Unable to provision requested ML compute"
    )
    assert "BillableTimeInSeconds" not in job
    assert fault.hits == 1
    assert lab.run("crowded-2", QUICK)["TrainingJobStatus"] == "Completed"


def test_a_spot_job_without_capacity_waits_as_long_as_it_may(lab):
    lab.aws.faults.add("capacity", target="hopeful")
    condition = {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120}
    job = lab.run("hopeful", QUICK, EnableManagedSpotTraining=True, StoppingCondition=condition)
    assert job["TrainingJobStatus"] == "Stopped"
    assert job["SecondaryStatus"] == "MaxWaitTimeExceeded"
    assert "ModelArtifacts" not in job


def test_a_slow_start_lasts_as_long_as_asked_and_costs_nothing(lab):
    lab.aws.faults.add("slow_start", target="slow", seconds=120)
    job = lab.run("slow", QUICK)
    assert (job["TrainingStartTime"] - job["CreationTime"]).total_seconds() >= 120
    assert job["TrainingJobStatus"] == "Completed"


def test_a_job_can_be_stopped_while_it_starts(lab):
    lab.aws.faults.add("slow_start", target="stuck", seconds=1e6)
    lab.submit("stuck", QUICK)
    lab.sagemaker.stop_training_job(TrainingJobName="stuck")
    job = lab.wait("stuck")
    assert job["SecondaryStatus"] == "Stopped"
    assert passed(job) == ["Starting", "Stopping", "Stopped"]
    assert "ModelArtifacts" not in job


def test_an_interrupted_spot_job_goes_on_from_its_checkpoint(lab):
    script = """
        import os, pathlib, signal, sys, time
        state = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "checkpoints", "epoch")
        if state.exists():
            print("resumed at", state.read_text(), flush=True)
            sys.exit(0)
        def stop(*_):
            state.write_text("7")
            sys.exit(1)
        signal.signal(signal.SIGTERM, stop)
        print("training", flush=True)
        while True:
            time.sleep(0.05)
    """
    config = {"S3Uri": f"s3://{lab.bucket}/checkpoints/spot"}
    lab.submit("spot", script, CheckpointConfig=config, **SPOT)
    lab.wait_for_line("spot", "training")
    lab.aws.faults.add("interrupt", target="spot")
    job = lab.wait("spot")
    assert job["TrainingJobStatus"] == "Completed"
    steps = list(dict.fromkeys(passed(job)))
    assert steps[:4] == ["Starting", "Downloading", "Training", "Interrupted"]
    assert passed(job).count("Downloading") == 2
    assert lab.lines("spot") == ["training", "resumed at 7"]


def test_only_spot_jobs_are_interrupted(lab):
    fault = lab.aws.faults.add("interrupt", target="steady", times=None)
    assert lab.run("steady", QUICK)["TrainingJobStatus"] == "Completed"
    assert fault.hits == 0


def test_the_listing_can_be_limited_as_the_real_one_is(lab):
    half_a_second = 1 / (0.5 * TIME_SCALE)
    fault = lab.aws.faults.add("rate_limit", action="ListTrainingJobs", per_second=half_a_second)
    lab.sagemaker.list_training_jobs()
    answer = lab.sagemaker.list_training_jobs()  # boto3 waits and tries again
    assert answer["ResponseMetadata"]["RetryAttempts"] == fault.hits > 0


def test_a_lost_answer_ends_in_resource_in_use_and_one_job(lab):
    """boto3 repeats the request by itself, and finds the name taken: by its own first try."""
    lab.aws.faults.add("lost_answer", action="CreateTrainingJob")
    with pytest.raises(lab.sagemaker.exceptions.ResourceInUse):
        lab.submit("twice", QUICK)
    assert lab.wait("twice")["TrainingJobStatus"] == "Completed"


def test_a_job_whose_checkpoints_cannot_be_stored_fails(lab):
    script = """
        import os, pathlib
        pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "checkpoints", "x").write_text("1")
    """
    config = {"S3Uri": f"s3://{lab.bucket}/checkpoints/denied"}
    lab.aws.faults.add(
        "error", service="s3", action="PutObject", params={"Key": "checkpoints/*"},
        code="AccessDenied", status=403, times=None,
    )  # fmt: skip
    job = lab.run("denied", script, CheckpointConfig=config)
    assert job["TrainingJobStatus"] == "Failed"
    assert "AccessDenied" in job["FailureReason"]
