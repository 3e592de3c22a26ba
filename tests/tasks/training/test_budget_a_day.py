"""What a model's jobs may cost in a day, whoever or whatever starts them."""

import pytest

from tasks.aws import client
from tasks.clock import system_clock
from tasks.errors import BudgetExceeded
from tasks.model_spec import ModelSpec
from tasks.prices import HOURLY_USD
from tasks.training.begun import since
from tasks.training.plan import DAY, cost_usd, is_of, require_daily_budget

HEX = "0123456789ab"


def spec(**training):
    return ModelSpec.model_validate(
        {
            "name": "rooms",
            "family": "image",
            "owner": "o",
            "description": "d",
            "data": {"dataset": "d", "label": "l"},
            "gates": [{"metric": "accuracy", "at_least": 0.8}],
            "training": {"budget_usd": 5.0, "hourly_usd": 1.0, **training},
        }
    )


def job(status="Completed", billed=3600, longest=7200, kind="ml.m5.xlarge", instances=1):
    told = {
        "TrainingJobStatus": status,
        "ResourceConfig": {"InstanceType": kind, "InstanceCount": instances},
        "StoppingCondition": {"MaxRuntimeInSeconds": longest},
    }
    return told if billed is None else told | {"BillableTimeInSeconds": billed}


@pytest.mark.parametrize(
    ("described", "usd"),
    [
        (job(), 1.0),
        (job("Failed", billed=1800), 0.5),
        (job("Stopped", billed=0), 0.0),
        (job("InProgress", billed=None), 2.0),
        (job("InProgress", billed=60), 2.0),
        (job("Stopping", billed=60), 2.0),
        (job(instances=3), 3.0),
        (job("Failed", billed=None), 0.0),
    ],
)
def test_an_ended_job_costs_what_was_billed_another_its_worst_case(described, usd):
    assert cost_usd(described, 1.0) == usd


def test_without_a_price_of_its_own_a_job_costs_the_list_price_or_the_dearest():
    assert cost_usd(job(), None) == pytest.approx(HOURLY_USD["ml.m5.xlarge"])
    assert cost_usd(job(kind="ml.unheard.of"), None) == pytest.approx(max(HOURLY_USD.values()))


@pytest.mark.parametrize(
    ("training", "before", "worst", "fits"),
    [
        ({}, 0, 5.0, True),
        ({}, 10, 5.0, True),  # exactly three times budget_usd
        ({}, 10, 5.01, False),
        ({}, 15, 0.01, False),
        ({"budget_usd_a_day": 2.0}, 1, 1.0, True),
        ({"budget_usd_a_day": 2.0}, 1, 1.01, False),
        ({"budget_usd_a_day": 100.0}, 90, 5.0, True),
    ],
)
def test_the_day_holds_so_much_and_no_more(training, before, worst, fits):
    jobs = [job()] * before
    if fits:
        require_daily_budget(spec(**training), worst, jobs)
    else:
        with pytest.raises(BudgetExceeded, match=rf"{before} jobs of the last 24 hours.*a day"):
            require_daily_budget(spec(**training), worst, jobs)


@pytest.mark.parametrize(
    ("name", "own"),
    [
        (f"rooms-{HEX}", True), (f"rooms-{HEX}-2", True), (f"rooms-eval-{HEX}", True),
        (f"rooms-big-{HEX}", False), (f"rooms-{HEX}-big", False), (f"my-rooms-{HEX}", False),
        ("rooms-by-hand", False),
    ],
)  # fmt: skip
def test_a_job_of_another_model_is_not_counted(name, own):
    assert is_of("rooms", name) is own


def test_jobs_of_the_last_day_are_found_in_sagemaker(aws_environment):
    sagemaker = client("sagemaker")
    client("s3").create_bucket(Bucket="sluice-work")
    for name in (f"rooms-{HEX}", f"rooms-eval-{HEX}", f"rooms-{HEX}-2", f"rooms-big-{HEX}"):
        sagemaker.create_training_job(
            TrainingJobName=name,
            RoleArn="arn:aws:iam::123456789012:role/training",
            AlgorithmSpecification={
                "TrainingImage": "image",
                "TrainingInputMode": "File",
                "ContainerEntrypoint": ["python", "-c", "pass"],
            },
            OutputDataConfig={"S3OutputPath": "s3://sluice-work/jobs"},
            ResourceConfig={
                "InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 1,
            },
            StoppingCondition={"MaxRuntimeInSeconds": 7200},
        )  # fmt: skip
    now = system_clock().now()
    found = since(sagemaker, "rooms", now - DAY)
    assert {one["TrainingJobName"] for one in found} == {
        f"rooms-{HEX}", f"rooms-eval-{HEX}", f"rooms-{HEX}-2",
    }  # fmt: skip
    assert since(sagemaker, "rooms", now + DAY) == []
    with pytest.raises(BudgetExceeded):
        require_daily_budget(spec(budget_usd_a_day=0.01), 0.01, found)
