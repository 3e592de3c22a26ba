from pathlib import Path

import botocore.session
import pytest
from botocore.validate import ParamValidator
from hypothesis import given
from hypothesis import strategies as st

from tasks.errors import BudgetExceeded
from tasks.jobs.kinds import attempt_name
from tasks.model_spec import ModelSpec
from tasks.settings import Settings
from tasks.training.plan import (
    TrainingPlan,
    evaluation_request,
    hyperparameters,
    require_budget,
    training_request,
)

SPEC = ModelSpec.model_validate(
    {
        "name": "price-estimator",
        "family": "tabular",
        "owner": "pricing",
        "description": "Prices.",
        "data": {"dataset": "property_sales", "label": "price"},
        "training": {"hyperparameters": {"epochs": 100, "batch_size": 32}},
        "gates": [{"metric": "mae", "at_most": 1.0}],
    }
)


def plan(**changes: str) -> TrainingPlan:
    facts = {
        "model": "price-estimator",
        "snapshot_fingerprint": "s",
        "contract_version": "1.0.0",
        "code_hash": "c",
        "split": "x",
    }
    return TrainingPlan(**(facts | changes), hyperparameters={"epochs": "3"})


@given(st.sampled_from(["snapshot_fingerprint", "contract_version", "code_hash", "split"]))
def test_whatever_changes_what_is_learned_changes_the_name(field):
    assert plan(**{field: "other"}).job_name != plan().job_name
    assert plan().job_name == plan().job_name


@pytest.mark.parametrize("attempt", [1, 9])
def test_a_job_name_is_one_that_sagemaker_takes(attempt):
    name = attempt_name(plan(model="a" * 40).job_name, attempt)
    assert len(name) <= 63


def test_a_run_overrides_hyperparameters_and_everything_becomes_text():
    assert hyperparameters(SPEC, {"epochs": 5, "batch_size": None}) == {
        "epochs": "5",
        "batch_size": "32",
    }


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(kms_key_id="k", subnets="subnet-1,subnet-2", security_groups="sg-1"),
    ],
)
@pytest.mark.parametrize("spot", [False, True])
def test_the_request_is_valid_by_the_services_own_model(settings, spot):
    training = SPEC.training.model_copy(update={"spot": spot})
    spec = SPEC.model_copy(update={"training": training})
    request = training_request(
        "price-estimator-1",
        plan(),
        spec,
        settings,
        {"training": "s3://b/t"},
        "s3://b/c",
        {"a": "b"},
    )
    model = botocore.session.get_session().get_service_model("sagemaker")
    shape = model.operation_model("CreateTrainingJob").input_shape
    assert ParamValidator().validate(request, shape).generate_report() == ""
    assert ("MaxWaitTimeInSeconds" in request["StoppingCondition"]) == spot


OWN = {"task": "regression", "input": "tabular", "backend": "custom"}


def isolation(key, family):
    """The requests of a job and of a measuring, where model.yaml says so of the network."""
    document = {**SPEC.model_dump(), "family": family, "training": {"network_isolation": key}}
    spec = ModelSpec.model_validate(document)
    rest = (
        spec,
        Settings(cache_dir=Path("c")),
        {"training": "s3://b/t"},
        "s3://b/code/s.tar.gz",
        {},
    )
    return training_request("n", plan(), *rest), evaluation_request("n", *rest)


@pytest.mark.parametrize(
    ("key", "family", "isolated"),
    [
        (None, {**OWN, "backend": "keras"}, True),
        (None, OWN, False),
        (True, OWN, True),
        (False, {**OWN, "backend": "keras"}, False),
    ],
)
def test_jobs_have_a_network_where_something_may_need_it(key, family, isolated):
    for request in isolation(key, family):
        assert request.get("EnableNetworkIsolation", False) == isolated
        source = request["HyperParameters"]["sagemaker_submit_directory"]
        brought = {
            channel["ChannelName"]: channel["DataSource"]["S3DataSource"]["S3Uri"]
            for channel in request["InputDataConfig"]
        }
        if isolated:  # nothing in the container could fetch it
            assert source == "/opt/ml/input/data/code/s.tar.gz"
            assert brought == {"training": "s3://b/t", "code": "s3://b/code/s.tar.gz"}
        else:
            assert source == "s3://b/code/s.tar.gz"
            assert brought == {"training": "s3://b/t"}
        model = botocore.session.get_session().get_service_model("sagemaker")
        shape = model.operation_model("CreateTrainingJob").input_shape
        assert ParamValidator().validate(request, shape).generate_report() == ""


def test_a_job_over_its_budget_is_refused_before_it_is_submitted():
    training = SPEC.training.model_copy(
        update={"hourly_usd": 30.0, "max_runtime_seconds": 7200, "budget_usd": 50.0}
    )
    spec = SPEC.model_copy(update={"training": training})
    with pytest.raises(BudgetExceeded, match=r"\$60.00"):
        require_budget(spec)
    assert require_budget(SPEC) == pytest.approx(0.23 * 24)


def test_no_secret_reaches_a_request(monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do-not-tell")
    request = training_request("n", plan(), SPEC, Settings(cache_dir=Path("c")), {}, "s3://b/c", {})
    assert "do-not-tell" not in str(request)
