"""Jobs and endpoints over the end of the embedded AWS."""

import json
import time
from pathlib import Path

import pytest
from customer.smallest import PROGRAM, archive

pytestmark = pytest.mark.timeout(600)  # processes that start several times, beside others

ROLE = "arn:aws:iam::123456789012:role/sluice"
IMAGE = "image"


def until(what, seconds: float = 120.0):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(0.2)
    raise AssertionError(f"not so after {seconds} s")


def config(box, name: str, *models: str) -> None:
    sagemaker = box.client("sagemaker")
    for model in models:
        sagemaker.create_model(
            ModelName=f"{name}-{model}",
            ExecutionRoleArn=ROLE,
            PrimaryContainer={
                "Image": IMAGE,
                "ModelDataUrl": "s3://sluice-models/m.tar.gz",
                "Environment": {"ANSWER": model},
            },
        )
    sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[
            {
                "VariantName": model, "ModelName": f"{name}-{model}", "InitialVariantWeight": 1.0,
                "InstanceType": "ml.m5.large", "InitialInstanceCount": 1,
            }
            for model in models
        ],
    )  # fmt: skip


def status(box) -> dict:
    told = box.client("sagemaker").describe_endpoint(EndpointName="e")
    return {name: value for name, value in told.items() if name != "ResponseMetadata"}


def asked(box, variant: str | None = None) -> str:
    more = {"TargetVariant": variant} if variant else {}
    told = box.client("sagemaker-runtime").invoke_endpoint(EndpointName="e", Body=b"x", **more)
    return told["Body"].read().decode()


def serving(box) -> bool:
    return box.admin("recovering")["endpoints"] == []


def test_an_endpoint_serves_again_with_its_weights_and_an_update_is_finished(box) -> None:
    s3, sagemaker = box.client("s3"), box.client("sagemaker")
    s3.create_bucket(Bucket="sluice-models")
    s3.put_object(Bucket="sluice-models", Key="m.tar.gz", Body=archive(PROGRAM))
    config(box, "one", "old", "new")
    sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="one")
    until(lambda: status(box)["EndpointStatus"] == "InService")
    weights = [{"VariantName": "old", "DesiredWeight": 3.0}]
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="e", DesiredWeightsAndCapacities=weights
    )
    until(lambda: status(box)["EndpointStatus"] == "InService")
    sagemaker.add_tags(ResourceArn=status(box)["EndpointArn"], Tags=[{"Key": "a", "Value": "b"}])
    before = status(box)
    box.kill()
    box.start()
    assert status(box)["EndpointStatus"] == "InService"
    until(lambda: serving(box))
    assert status(box) == before
    assert (asked(box, "old"), asked(box, "new")) == ("old", "new")
    tags = box.client("sagemaker").list_tags(ResourceArn=before["EndpointArn"])["Tags"]
    assert tags == [{"Key": "a", "Value": "b"}]
    # Killed in the middle of an update: it was accepted, so it comes to its end.
    config(box, "two", "newest")
    box.client("sagemaker").update_endpoint(EndpointName="e", EndpointConfigName="two")
    box.kill()
    box.start()
    until(lambda: status(box)["EndpointStatus"] == "InService")
    assert status(box)["EndpointConfigName"] == "two"
    assert asked(box) == "newest"
    box.client("sagemaker").delete_endpoint(EndpointName="e")
    box.kill()
    box.start()
    until(lambda: box.client("sagemaker").list_endpoints()["Endpoints"] == [])


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def job(box, name: str, script: str) -> None:
    box.client("s3").put_object(
        Bucket="sluice-work", Key=f"{name}.tar.gz", Body=archive(script, "train.py")
    )
    box.client("sagemaker").create_training_job(
        TrainingJobName=name,
        RoleArn=ROLE,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        HyperParameters={
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": f"s3://sluice-work/{name}.tar.gz",
        },
        OutputDataConfig={"S3OutputPath": "s3://sluice-work/jobs"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 86_400},
    )


def test_an_ended_job_keeps_its_record_and_one_that_ran_has_failed_and_says_why(
    box, tmp_path
) -> None:
    told = tmp_path / "pids"
    box.client("s3").create_bucket(Bucket="sluice-work")
    job(box, "done", "print('done')\n")

    def described(name):
        found = box.client("sagemaker").describe_training_job(TrainingJobName=name)
        return {k: v for k, v in found.items() if k != "ResponseMetadata"}

    until(lambda: described("done")["TrainingJobStatus"] == "Completed")
    before = described("done")
    script = (
        "import json, os, pathlib, subprocess, time\n"
        "child = subprocess.Popen(['sleep', '300'])\n"
        f"path = pathlib.Path({json.dumps(str(told))})\n"
        "path.with_suffix('.part').write_text(f'{os.getpid()} {child.pid}')\n"
        "path.with_suffix('.part').rename(path)\n"
        "time.sleep(300)\n"
    )
    job(box, "running", script)
    until(told.exists)
    pids = [int(pid) for pid in told.read_text().split()]
    assert all(alive(pid) for pid in pids)
    box.kill()
    until(lambda: not any(alive(pid) for pid in pids))
    box.start()
    assert described("done") == before
    running = described("running")
    assert running["TrainingJobStatus"] == "Failed"
    assert "the embedded AWS ended while this job ran" in running["FailureReason"]
    assert running["SecondaryStatusTransitions"][-1]["Status"] == "Failed"
    assert list((box.folder / "training").glob("*")) == []
