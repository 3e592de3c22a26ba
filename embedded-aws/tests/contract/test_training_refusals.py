"""Requests about training jobs that are refused, in SageMaker's words."""

import pytest
from botocore.exceptions import ClientError
from customer.training import FOREVER, QUICK

TIME_SCALE = 120  # two minutes of AWS in a second


def refusal(call, *args, **kwargs):
    with pytest.raises(ClientError) as caught:
        call(*args, **kwargs)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_name_is_used_once(lab):
    request = lab.request("unique", QUICK)
    lab.sagemaker.create_training_job(**request)
    code, message = refusal(lab.sagemaker.create_training_job, **request)
    assert code == "ResourceInUse"
    assert "Training job names must be unique" in message
    lab.wait("unique")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"TrainingJobName": "under_score"},
            "1 validation error detected: Value 'under_score' at 'trainingJobName' failed to "
            "satisfy constraint: Member must satisfy regular expression pattern: ",
        ),
        (
            {"RoleArn": "nobody-in-particular"},
            "Value 'nobody-in-particular' at 'roleArn' failed to satisfy constraint: Member must ",
        ),
        (
            {"ResourceConfig": {"InstanceType": "ml.huge"}},
            "Value 'ml.huge' at 'resourceConfig.instanceType' failed to satisfy constraint: "
            "Member must satisfy enum value set: [",
        ),
        (
            {"HyperParameters": {"x": "y" * 2501}},
            "Member must have length less than or equal to 2500",
        ),
        (
            {"StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 60}},
            "MaxWaitTimeInSeconds",
        ),
        (
            {"EnableManagedSpotTraining": True, "StoppingCondition": {"MaxRuntimeInSeconds": 60}},
            "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to "
            "MaxRuntimeInSeconds",
        ),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(lab, changes, sentence):
    code, message = refusal(
        lab.sagemaker.create_training_job, **lab.request("refused", QUICK, **changes)
    )
    assert code == "ValidationException"
    assert sentence in message


@pytest.mark.parametrize("uri", ["s3://sluice-contract/nothing/here", "s3://no-such-bucket/x"])
def test_input_must_exist_before_anything_starts(lab, uri, make_channel):
    request = lab.request("no-input", QUICK, InputDataConfig=[make_channel("train", uri)])
    code, message = refusal(lab.sagemaker.create_training_job, **request)
    assert code == "ValidationException"
    assert message.startswith(f'No S3 objects found under S3 URL "{uri}" given in input data')
    assert refusal(lab.describe, "no-input")[0] == "ValidationException"


def test_what_is_not_there_cannot_be_described_or_stopped(lab):
    for call in (lab.sagemaker.describe_training_job, lab.sagemaker.stop_training_job):
        assert refusal(call, TrainingJobName="nobody") == (
            "ValidationException",
            "Requested resource not found.",
        )


def test_a_finished_job_cannot_be_stopped_but_deleted(lab):
    lab.run("over", QUICK)
    assert refusal(lab.sagemaker.stop_training_job, TrainingJobName="over") == (
        "ValidationException",
        "The request was rejected because the training job is in status Completed.",
    )
    lab.sagemaker.delete_training_job(TrainingJobName="over")
    assert refusal(lab.describe, "over")[0] == "ValidationException"


def test_a_running_job_cannot_be_deleted(lab):
    lab.submit("busy", FOREVER)
    code, message = refusal(lab.sagemaker.delete_training_job, TrainingJobName="busy")
    assert code == "ValidationException"
    assert "InProgress" in message
    lab.sagemaker.stop_training_job(TrainingJobName="busy")
    lab.wait("busy")
