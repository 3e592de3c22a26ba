"""What CreateHyperParameterTuningJob refuses, and with which words."""

import pytest
from botocore.exceptions import ClientError
from customer.tuning import METRIC, Tuner, X

from embedded_aws.iam.requests import Where, rights
from embedded_aws.protocol.service import Request

ALGORITHM = {"TrainingImage": "image", "TrainingInputMode": "File"}
HYPERBAND = {"Strategy": "Hyperband"}
WORDS = {"CategoricalParameterRanges": [{"Name": "k", "Values": ["a", "b", "c"]}]}


@pytest.fixture(scope="module")
def tuner(aws):
    made = Tuner(aws.client, "refusals")
    made.run("parent", limits={"MaxNumberOfTrainingJobs": 1})
    return made


def warm(**more):
    return {
        "WarmStartConfig": {
            "ParentHyperParameterTuningJobs": [{"HyperParameterTuningJobName": "parent"}],
            "WarmStartType": "TransferLearning",
        },
        **more,
    }


def resources(**more):
    return {"HyperbandStrategyConfig": more}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"definition": {"AlgorithmSpecification": ALGORITHM}},
         "A metric is required for this hyperparameter tuning job objective."),
        ({"config": {"HyperParameterTuningJobObjective": {"Type": "Minimize",
                                                          "MetricName": "other"}}},
         "Provide a metric in the metric definitions."),
        ({"ranges": {}}, "ParameterRanges must name a hyperparameter"),
        ({"ranges": {"ContinuousParameterRanges": [{**X, "MinValue": "2"}]}},
         "MinValue of x must not be greater than its MaxValue."),
        ({"ranges": {"ContinuousParameterRanges": [{**X, "MinValue": "many"}]}},
         "MinValue and MaxValue of x must each be a finite number."),
        ({"ranges": {"ContinuousParameterRanges": [{**X, "ScalingType": "Logarithmic"}]}},
         "Logarithmic scaling works only for ranges with values greater than 0"),
        ({"ranges": {"IntegerParameterRanges": [{**X, "ScalingType": "ReverseLogarithmic"}]}},
         "not supported for the integer range of x"),
        ({"static": {"x": "0.1"}}, "Hyperparameter x is both static and tunable."),
        ({"static": {"_tuning_objective_metric": "loss"}}, "is reserved"),
        ({"limits": {}}, "MaxNumberOfTrainingJobs, MaxRuntimeInSeconds or a completion criterion"),
        ({"config": {"Strategy": "Grid"}}, "Only categorical parameters are supported"),
        ({"config": {"Strategy": "Grid"}, "ranges": WORDS,
          "limits": {"MaxNumberOfTrainingJobs": 2}},
         "distinct categorical combinations, which is 3."),
        ({"config": {"StrategyConfig": resources(MaxResource=9)}},
         "StrategyConfig is for the strategy Hyperband alone."),
        ({"config": HYPERBAND}, "MaxResource of HyperbandStrategyConfig is missing"),
        ({"config": HYPERBAND, "static": {"epochs": "20001"}}, "must be 20000 at most"),
        ({"config": {**HYPERBAND, "StrategyConfig": resources(MinResource=5, MaxResource=4)}},
         "not less than MinResource"),
        ({"config": {**HYPERBAND, "TrainingJobEarlyStoppingType": "Auto"}},
         "TrainingJobEarlyStoppingType must be Off to use Hyperband."),
        ({"TrainingJobDefinitions": [{}]}, "TrainingJobDefinitions"),
        ({"Autotune": {"Mode": "Enabled"}}, "Autotune of CreateHyperParameterTuningJob would have"),
        ({"ranges": {"AutoParameters": [{"Name": "x", "ValueHint": "1"}]}},
         "ParameterRanges.AutoParameters"),
        ({"definition": {"RetryStrategy": {"MaximumRetryAttempts": 2}}},
         "TrainingJobDefinition.RetryStrategy"),
        ({"definition": {"HyperParameterTuningResourceConfig": {"InstanceCount": 1}}},
         "TrainingJobDefinition.HyperParameterTuningResourceConfig"),
        ({"definition": {"AlgorithmSpecification": {
            **ALGORITHM, "TrainingInputMode": "Pipe", "MetricDefinitions": [METRIC]},
            "InputDataConfig": [{"ChannelName": "a", "DataSource": {"S3DataSource": {
                "S3DataType": "S3Prefix", "S3Uri": "s3://refusals/none"}}}]}},
         "no Pipe input mode"),
        ({"definition": {"InputDataConfig": [{"ChannelName": "a", "DataSource": {"S3DataSource": {
            "S3DataType": "S3Prefix", "S3Uri": "s3://refusals/none"}}}]}},
         "No S3 objects found under S3 URL"),
        ({"definition": {"AlgorithmSpecification": {
            **ALGORITHM, "MetricDefinitions": [{"Name": "loss", "Regex": "("}]}}},
         "Invalid MetricDefinitions regex for loss"),
        (warm(config={"Strategy": "Grid"}, ranges=WORDS, limits={}),
         "A warm start is for the strategies Bayesian and Random."),
        (warm(config={"HyperParameterTuningJobObjective": {"Type": "Maximize",
                                                           "MetricName": "loss"}}),
         "The objective metric of parent tuning job parent must be the same."),
        (warm(static={"more": "1"}), "The static and tunable hyperparameters together"),
        (warm(ranges={"IntegerParameterRanges": [X]}), "The type of hyperparameter x must not"),
        ({"HyperParameterTuningJobName": "parent"}, "already exists"),
    ],
)  # fmt: skip
def test_a_contradiction_is_refused_when_it_is_asked_for(tuner, changes, message):
    request = tuner.request("refused", **changes)
    if "TrainingJobDefinitions" in changes:
        request["TrainingJobDefinitions"] = [request["TrainingJobDefinition"]]
    with pytest.raises(ClientError) as refused:
        tuner.sagemaker.create_hyper_parameter_tuning_job(**request)
    error = refused.value.response["Error"]
    in_use = "HyperParameterTuningJobName" in changes
    assert error["Code"] == ("ResourceInUse" if in_use else "ValidationException")
    assert message in error["Message"]
    with pytest.raises(tuner.sagemaker.exceptions.ResourceNotFound):
        tuner.describe("refused")


def test_a_parent_must_be_there_and_over(tuner):
    absent = warm()
    absent["WarmStartConfig"]["ParentHyperParameterTuningJobs"] = [
        {"HyperParameterTuningJobName": "nobody"}
    ]
    with pytest.raises(tuner.sagemaker.exceptions.ResourceNotFound):
        tuner.start("orphan", **absent)
    forever = "import time\nwhile True: time.sleep(0.05)"
    tuner.start("running", forever, limits={"MaxNumberOfTrainingJobs": 1})
    running = warm()
    running["WarmStartConfig"]["ParentHyperParameterTuningJobs"] = [
        {"HyperParameterTuningJobName": "running"}
    ]
    with pytest.raises(ClientError, match="it must be in a terminal state"):
        tuner.start("early", **running)
    with pytest.raises(ClientError, match="in status InProgress"):
        tuner.sagemaker.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName="running")
    tuner.sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName="running")
    assert tuner.wait("running")["HyperParameterTuningJobStatus"] == "Stopped"


def test_identical_data_are_the_same_data_and_image(tuner):
    start = warm()
    start["WarmStartConfig"]["WarmStartType"] = "IdenticalDataAndAlgorithm"
    image = {**ALGORITHM, "TrainingImage": "newer", "MetricDefinitions": [METRIC]}
    with pytest.raises(ClientError, match="needs the input data and the training image"):
        tuner.start("other-image", definition={"AlgorithmSpecification": image}, **start)


def test_resources_may_be_inferred_from_a_static_hyperparameter(tuner):
    told = tuner.run("inferred", config=HYPERBAND, static={"epochs": '"4"'},
                     limits={"MaxNumberOfTrainingJobs": 1})  # fmt: skip
    assert told["HyperParameterTuningJobStatus"] == "Completed"


@pytest.mark.parametrize(
    "action",
    [
        "CreateHyperParameterTuningJob",
        "DescribeHyperParameterTuningJob",
        "ListTrainingJobsForHyperParameterTuningJob",
        "StopHyperParameterTuningJob",
        "DeleteHyperParameterTuningJob",
    ],
)
def test_rights_are_asked_by_its_name_and_for_the_role(action):
    role = "arn:aws:iam::1:role/r"
    made = {"TrainingJobDefinition": {"RoleArn": role}} if action.startswith("Create") else {}
    members = {"HyperParameterTuningJobName": "Tune", **made}
    request = Request("sagemaker", action, "POST", "/", "", {}, b"", "us-east-1")
    asked = rights(request, members, Where("us-east-1", "1"))
    resources_of = {right.action: right.resource for right in asked}
    name = resources_of.pop(f"sagemaker:{action}")
    assert name == "arn:aws:sagemaker:us-east-1:1:hyper-parameter-tuning-job/tune"
    assert resources_of == ({"iam:PassRole": role} if made else {})
