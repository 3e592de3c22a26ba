"""Training jobs from their start to their end, as the SageMaker API documents them; plain boto3."""

import pytest
from customer.training import FOREVER, QUICK

TIME_SCALE = 120  # two minutes of AWS in a second


def test_a_job_goes_through_the_documented_statuses(lab):
    arn = lab.submit("statuses", QUICK)
    assert lab.describe("statuses")["TrainingJobStatus"] == "InProgress"
    job = lab.wait("statuses")

    assert arn == "arn:aws:sagemaker:us-east-1:123456789012:training-job/statuses"
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Completed", "Completed")
    passed = list(dict.fromkeys(t["Status"] for t in job["SecondaryStatusTransitions"]))
    assert passed == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    ends = [t["EndTime"] for t in job["SecondaryStatusTransitions"]]
    starts = [t["StartTime"] for t in job["SecondaryStatusTransitions"]]
    assert starts[1:] == ends[:-1]
    assert job["CreationTime"] <= job["TrainingStartTime"] <= job["TrainingEndTime"]
    assert job["BillableTimeInSeconds"] == job["TrainingTimeInSeconds"] > 0


def test_model_and_output_are_stored_below_the_output_path(lab):
    script = """
        import os, pathlib
        pathlib.Path(os.environ["SM_MODEL_DIR"], "1").mkdir()
        pathlib.Path(os.environ["SM_MODEL_DIR"], "1/weights").write_text("w")
        pathlib.Path(os.environ["SM_OUTPUT_DATA_DIR"], "predictions.csv").write_text("p")
    """
    job = lab.run("artefacts", script)
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == (
        f"s3://{lab.bucket}/jobs/artefacts/output/model.tar.gz"
    )
    assert lab.output("artefacts") == {"1/weights": b"w"}
    assert lab.output("artefacts", "output.tar.gz") == {"predictions.csv": b"p"}


def test_without_compression_the_model_is_stored_as_files(lab):
    script = """
        import os, pathlib
        pathlib.Path(os.environ["SM_MODEL_DIR"], "weights").write_text("w")
    """
    job = lab.run("plain", script, OutputDataConfig={"CompressionType": "NONE"})
    assert job["ModelArtifacts"]["S3ModelArtifacts"].endswith("/jobs/plain/output/model/")
    assert lab.keys("jobs/plain/") == ["jobs/plain/output/model/weights"]


def test_artefacts_lie_under_the_key_that_the_job_names(lab):
    key = lab.aws.client("kms").create_key()["KeyMetadata"]["KeyId"]
    script = """
        import os, pathlib
        pathlib.Path(os.environ["SM_MODEL_DIR"], "m").write_text("m")
    """
    told = lab.run("keyed", script, OutputDataConfig={"KmsKeyId": key})
    assert told["TrainingJobStatus"] == "Completed", told
    head = lab.s3.head_object(Bucket=lab.bucket, Key="jobs/keyed/output/model.tar.gz")
    assert (head["ServerSideEncryption"], head["SSEKMSKeyId"].rpartition("/")[2]) == (
        "aws:kms",
        key,
    )


def test_lines_reach_the_logs_while_the_job_runs(lab):
    lab.submit("talkative", FOREVER)
    lab.wait_for_line("talkative", "running")
    assert lab.describe("talkative")["TrainingJobStatus"] == "InProgress"
    lab.sagemaker.stop_training_job(TrainingJobName="talkative")
    lab.wait("talkative")


def test_metrics_are_found_in_the_output(lab):
    script = """
        for epoch in range(3):
            print(f"epoch={epoch} val_loss={1 / (epoch + 1):.2f}; val_mae: 1e-2")
    """
    definitions = [
        {"Name": "validation:loss", "Regex": "val_loss=([0-9.]+)"},
        {"Name": "validation:mae", "Regex": "val_mae: ([0-9.e-]+)"},
        {"Name": "never", "Regex": "nothing=(.*)"},
    ]
    job = lab.run("measured", script, AlgorithmSpecification={"MetricDefinitions": definitions})
    final = {m["MetricName"]: m["Value"] for m in job["FinalMetricDataList"]}
    assert final == pytest.approx({"validation:loss": 0.33, "validation:mae": 0.01})
    times = {m["Timestamp"] for m in job["FinalMetricDataList"]}
    assert all(job["TrainingStartTime"] <= t <= job["TrainingEndTime"] for t in times)


def test_a_failing_program_tells_why(lab):
    script = """
        import os, pathlib, sys
        pathlib.Path(os.environ["SM_OUTPUT_DIR"], "failure").write_text("no rows left")
        sys.exit(3)
    """
    job = lab.run("failing", script)
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Failed", "Failed")
    assert job["FailureReason"] == "AlgorithmError: no rows left, exit code: 3"
    assert job["SecondaryStatusTransitions"][-1]["StatusMessage"] == job["FailureReason"]
    assert lab.keys("jobs/failing/") == []


def test_a_program_that_only_dies_is_quoted(lab):
    job = lab.run("dying", "raise ValueError('too short')")
    assert job["FailureReason"].startswith("AlgorithmError: ExecuteUserScriptError: ExitCode 1")
    assert "ValueError: too short" in job["FailureReason"]
    assert job["FailureReason"].endswith(", exit code: 1")


def test_one_failing_host_fails_the_job(lab):
    script = """
        import os, sys, time
        if os.environ["SM_CURRENT_HOST"] == "algo-2":
            sys.exit("algo-2 is out")
        time.sleep(60)
    """
    job = lab.run("half", script, ResourceConfig={"InstanceCount": 2})
    assert job["TrainingJobStatus"] == "Failed"
    assert "algo-2 is out" in job["FailureReason"]


def test_an_entrypoint_replaces_script_mode(lab):
    code = "import sys, os; open(sys.argv[1] + '/x', 'w').write(os.environ['SM_HP_A'])"
    job = lab.run(
        "entry",
        QUICK,
        HyperParameters={"a": "7"},
        AlgorithmSpecification={
            "ContainerEntrypoint": ["python", "-c", code],
            "ContainerArguments": ["/opt/ml/model"],
        },
    )
    assert job["TrainingJobStatus"] == "Completed"
    assert lab.output("entry") == {"x": b"7"}


def test_stop_lets_the_program_finish_and_keeps_the_artefacts(lab):
    script = """
        import os, pathlib, signal, sys, time
        def stop(*_):
            pathlib.Path(os.environ["SM_MODEL_DIR"], "half-done").write_text("kept")
            sys.exit(0)
        signal.signal(signal.SIGTERM, stop)
        print("ready", flush=True)
        while True:
            time.sleep(0.05)
    """
    lab.submit("stopped", script)
    lab.wait_for_line("stopped", "ready")
    lab.sagemaker.stop_training_job(TrainingJobName="stopped")
    assert lab.describe("stopped")["TrainingJobStatus"] in {"Stopping", "Stopped"}
    job = lab.wait("stopped")
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
    passed = [t["Status"] for t in job["SecondaryStatusTransitions"]]
    assert passed[-3:] == ["Stopping", "Uploading", "Stopped"]
    assert lab.output("stopped") == {"half-done": b"kept"}


def test_a_deaf_program_is_killed(lab):
    script = """
        import signal, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("ready", flush=True)
        while True:
            time.sleep(0.05)
    """
    lab.submit("deaf", script)
    lab.wait_for_line("deaf", "ready")
    lab.sagemaker.stop_training_job(TrainingJobName="deaf")
    job = lab.wait("deaf")
    assert job["SecondaryStatus"] == "Stopped"
    stopping = next(t for t in job["SecondaryStatusTransitions"] if t["Status"] == "Stopping")
    assert (stopping["EndTime"] - stopping["StartTime"]).total_seconds() >= 120


def test_the_maximum_runtime_stops_the_job(lab):
    job = lab.run("endless", FOREVER, StoppingCondition={"MaxRuntimeInSeconds": 90})
    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert job["TrainingTimeInSeconds"] >= 90
    assert job["ModelArtifacts"]["S3ModelArtifacts"]


def test_checkpoints_go_both_ways(lab):
    script = """
        import os, pathlib, signal, sys, time
        folder = pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "checkpoints")
        state = folder / "state"
        print("found", state.read_text() if state.exists() else "nothing", flush=True)
        state.write_text(sys.argv[2])
    """
    config = {"S3Uri": f"s3://{lab.bucket}/checkpoints/c1"}
    lab.run("first", script, CheckpointConfig=config, HyperParameters={"step": "one"})
    assert lab.keys("checkpoints/c1") == ["checkpoints/c1/state"]
    lab.run("second", script, CheckpointConfig=config, HyperParameters={"step": "two"})
    assert lab.lines("first")[0] == "found nothing"
    assert lab.lines("second")[0] == "found one"
    state = lab.s3.get_object(Bucket=lab.bucket, Key="checkpoints/c1/state")["Body"].read()
    assert state == b"two"


def test_checkpoints_are_stored_while_the_job_runs(lab):
    script = """
        import os, pathlib, time
        pathlib.Path(os.environ["SAGEMAKER_BASE_DIR"], "checkpoints", "early").write_text("1")
        print("written", flush=True)
        while True:
            time.sleep(0.05)
    """
    config = {"S3Uri": f"s3://{lab.bucket}/checkpoints/c2/"}
    lab.submit("saving", script, CheckpointConfig=config)
    lab.wait_for_line("saving", "written")
    waiter = lab.s3.get_waiter("object_exists")
    waiter.wait(
        Bucket=lab.bucket,
        Key="checkpoints/c2/early",
        WaiterConfig={"Delay": 1, "MaxAttempts": 10},
    )
    lab.sagemaker.stop_training_job(TrainingJobName="saving")
    lab.wait("saving")


def test_a_missing_output_bucket_fails_the_job_at_its_end(lab):
    job = lab.run("no-output", QUICK, OutputDataConfig={"S3OutputPath": "s3://no-such-bucket/x"})
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"].startswith("ClientError: Artifact upload failed:")
    assert "ModelArtifacts" not in job


def test_tags_of_a_job(lab):
    tags = [{"Key": "model", "Value": "price-estimator"}, {"Key": "cost", "Value": "1"}]
    arn = lab.submit("tagged", QUICK, Tags=tags)
    assert lab.sagemaker.list_tags(ResourceArn=arn)["Tags"] == tags
    lab.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "cost", "Value": "2"}])
    lab.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["model"])
    assert lab.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "cost", "Value": "2"}]
    lab.wait("tagged")


def test_jobs_are_listed_by_name_status_time_and_page(lab):
    for number in range(3):
        lab.run(f"listed-{number}", QUICK if number else "raise SystemExit(1)")
    found = lab.sagemaker.list_training_jobs(
        NameContains="listed-", SortBy="CreationTime", SortOrder="Descending"
    )["TrainingJobSummaries"]
    assert [s["TrainingJobName"] for s in found] == ["listed-2", "listed-1", "listed-0"]
    assert {s["TrainingJobStatus"] for s in found} == {"Completed", "Failed"}

    failed = lab.sagemaker.list_training_jobs(NameContains="listed-", StatusEquals="Failed")
    assert [s["TrainingJobName"] for s in failed["TrainingJobSummaries"]] == ["listed-0"]

    later = lab.sagemaker.list_training_jobs(
        NameContains="listed-", CreationTimeAfter=found[1]["CreationTime"]
    )["TrainingJobSummaries"]
    assert [s["TrainingJobName"] for s in later] == ["listed-2"]

    pages = lab.sagemaker.get_paginator("list_training_jobs").paginate(
        NameContains="listed-", SortBy="Name", PaginationConfig={"PageSize": 2}
    )
    names = [[s["TrainingJobName"] for s in page["TrainingJobSummaries"]] for page in pages]
    assert names == [["listed-0", "listed-1"], ["listed-2"]]


def test_the_waiter_of_boto3_sees_the_end(lab):
    lab.submit("awaited", QUICK)
    lab.sagemaker.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName="awaited", WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )
    assert lab.describe("awaited")["TrainingJobStatus"] == "Completed"
