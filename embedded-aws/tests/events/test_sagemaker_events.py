"""SageMaker's state changes reach a rule of EventBridge, told after they are kept, in order."""

import json
import time

import pytest
from customer.processing import Workshop
from customer.shop import Shop
from customer.transform import Scorer
from customer.tuning import Tuner

from embedded_aws.events import sagemaker as events_of

pytestmark = pytest.mark.timeout(120)

TIME_SCALE = 120


def changed(event):
    detail = event["detail"]
    return str(detail.get("LastModifiedTime", detail["CreationTime"]))


@pytest.fixture
def heard(aws):
    """Events of SageMaker by detail-type, as a queue behind a rule has them."""
    sqs, events = aws.client("sqs"), aws.client("events")
    url = sqs.create_queue(QueueName="heard")["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    events.put_rule(Name="all-of-it", EventPattern=json.dumps({"source": ["aws.sagemaker"]}))
    events.put_targets(
        Rule="all-of-it", Targets=[{"Id": "q", "Arn": queue["Attributes"]["QueueArn"]}]
    )
    got = []

    def until(kind, wanted):
        """Details of a kind, once one of them is wanted."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
            for message in answer.get("Messages", []):
                got.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            of_kind = [event for event in got if event["detail-type"] == kind]
            if any(wanted(event["detail"]) for event in of_kind):
                return sorted(of_kind, key=changed)
        pytest.fail(f"no such {kind} among {got}")

    yield until
    events.remove_targets(Rule="all-of-it", Ids=["q"])
    events.delete_rule(Name="all-of-it")
    sqs.delete_queue(QueueUrl=url)


def test_a_job_tells_each_status_with_its_tags_and_why_it_failed(aws, lab, heard):
    lab.run("told-of", "raise SystemExit('no rows')", Tags=[{"Key": "team", "Value": "ads"}])
    told = heard(
        "SageMaker Training Job State Change",
        lambda detail: detail["TrainingJobStatus"] == "Failed",
    )
    statuses = [(e["detail"]["TrainingJobStatus"], e["detail"]["SecondaryStatus"]) for e in told]
    assert statuses[0] == ("InProgress", "Starting")
    assert ("InProgress", "Training") in statuses
    assert ("InProgress", "Failed") not in statuses
    assert statuses[-1] == ("Failed", "Failed")
    last = told[-1]
    assert last["source"] == "aws.sagemaker"
    assert last["resources"] == [last["detail"]["TrainingJobArn"]]
    assert last["detail"]["Tags"] == {"team": "ads"}
    assert last["detail"]["FailureReason"]
    assert last["detail"]["HyperParameters"]["sagemaker_program"] == "train.py"
    created = aws.client("sagemaker").describe_training_job(TrainingJobName="told-of")
    assert last["detail"]["CreationTime"] == pytest.approx(
        1000 * created["CreationTime"].timestamp(), abs=1
    )


def test_a_processing_job_tells_each_status(aws, heard):
    workshop = Workshop(aws, "told-of")
    workshop.run("told-of", "sys.exit(3)", Tags=[{"Key": "team", "Value": "ads"}])
    told = heard(
        "SageMaker Processing Job State Change",
        lambda detail: detail["ProcessingJobStatus"] == "Failed",
    )
    statuses = [event["detail"]["ProcessingJobStatus"] for event in told]
    assert statuses == ["InProgress", "Failed"]
    assert told[-1]["resources"] == [told[-1]["detail"]["ProcessingJobArn"]]
    assert told[-1]["detail"]["Tags"] == {"team": "ads"}
    assert told[-1]["detail"]["FailureReason"].endswith("exit code: 3")


def test_a_transform_job_tells_each_status_as_it_is_described(aws, heard):
    scorer = Scorer(aws, "told-of-transforms")
    scorer.put("told-of", data="bad")
    scorer.run("told-of", Tags=[{"Key": "team", "Value": "ads"}])
    told = heard(
        "SageMaker Transform Job State Change",
        lambda detail: detail["TransformJobStatus"] == "Failed",
    )
    statuses = [event["detail"]["TransformJobStatus"] for event in told]
    assert statuses == ["InProgress", "Failed"]
    last = told[-1]
    assert last["resources"] == [last["detail"]["TransformJobArn"]]
    assert last["detail"]["Tags"] == {"team": "ads"}
    assert last["detail"]["FailureReason"].startswith("ClientError: ")
    assert last["detail"]["ModelName"] == "upper"
    ended = scorer.described("told-of")["TransformEndTime"]
    assert last["detail"]["TransformEndTime"] == pytest.approx(1000 * ended.timestamp(), abs=1)


def test_an_endpoint_tells_its_statuses_in_capitals_and_the_steps_of_an_update(aws, heard):
    shop = Shop(aws.client)
    model = shop.model()
    endpoint = shop.endpoint(shop.variant("all", model))
    shop.wait(endpoint)
    shop.update(endpoint, shop.config(shop.variant("all", model)))
    shop.wait(endpoint)
    aws.client("sagemaker").delete_endpoint(EndpointName=endpoint)
    heard("SageMaker Endpoint Deployment State Change", lambda detail: step_of(detail) == "Baking")
    told = heard(
        "SageMaker Endpoint State Change",
        lambda detail: detail["EndpointStatus"] == "DELETING",
    )
    assert [event["detail"]["EndpointStatus"] for event in told] == [
        *("CREATING", "IN_SERVICE", "UPDATING", "IN_SERVICE", "DELETING")
    ]
    assert told[1]["detail"]["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    assert told[1]["resources"] == [told[1]["detail"]["EndpointArn"]]


def step_of(detail):
    pending = detail.get("PendingDeploymentSummary", {}).get("ProductionVariants", [{}])
    return pending[0].get("VariantStatus", [{"Status": ""}])[0]["Status"]


def test_an_approval_is_told(aws, heard):
    sagemaker = aws.client("sagemaker")
    sagemaker.create_model_package_group(ModelPackageGroupName="judged")
    package = sagemaker.create_model_package(
        ModelPackageGroupName="judged",
        InferenceSpecification={
            "Containers": [{"Image": "i:1", "ModelDataUrl": "s3://b/model.tar.gz"}],
            "SupportedContentTypes": ["application/json"],
            "SupportedResponseMIMETypes": ["application/json"],
        },
    )["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    told = heard(
        "SageMaker Model Package State Change",
        lambda detail: detail["ModelApprovalStatus"] == "Approved",
    )
    assert told[-1]["detail"]["ModelPackageArn"] == package


def test_who_listens_may_change_what_it_hears_of(aws, lab, heard):
    """Events go out while no lock is held: nothing waits for itself."""
    sagemaker = aws.client("sagemaker")
    name = "listened-to"
    lab.submit(name, "import time; time.sleep(60)")
    heard(
        "SageMaker Training Job State Change",
        lambda detail: detail["SecondaryStatus"] == "Training",
    )
    sagemaker.stop_training_job(TrainingJobName=name)
    told = heard(
        "SageMaker Training Job State Change",
        lambda detail: detail["TrainingJobStatus"] == "Stopped",
    )
    assert "Stopping" in [event["detail"]["TrainingJobStatus"] for event in told]


def test_times_are_milliseconds_and_of_packages_text():
    told = events_of.training_job(
        {
            "TrainingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/j",
            "TrainingJobStatus": "Completed",
            "LastModifiedTime": 1583831889.05,
            "SecondaryStatusTransitions": [{"Status": "Starting", "StartTime": 1583831880.0}],
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
            "FinalMetricDataList": [{"MetricName": "loss", "Value": 1.0}],
        }
    )
    assert told.detail["LastModifiedTime"] == 1583831889050
    assert told.detail["SecondaryStatusTransitions"][0]["StartTime"] == 1583831880000
    assert told.detail["StoppingCondition"] == {"MaxRuntimeInSeconds": 60}
    assert "FinalMetricDataList" not in told.detail
    assert told.at == 1583831889.05
    rolled = events_of.endpoint(
        {
            "EndpointArn": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/e",
            "EndpointStatus": "RollingBack",
            "LastModifiedTime": 5.0,
        }
    )
    assert rolled.detail["EndpointStatus"] == "ROLLING_BACK"
    package = events_of.model_package({"ModelPackageArn": "arn:p", "CreationTime": 1614186014.0})
    assert package.detail["CreationTime"] == "2021-02-24T17:00:14Z"


def test_a_tuning_job_tells_each_status(aws, heard):
    tuner = Tuner(aws.client, "told-of-tuning")
    tuner.run("told-of", Tags=[{"Key": "team", "Value": "ads"}])
    told = heard(
        "SageMaker HyperParameter Tuning Job State Change",
        lambda detail: detail["HyperParameterTuningJobStatus"] == "Completed",
    )
    statuses = [event["detail"]["HyperParameterTuningJobStatus"] for event in told]
    assert statuses == ["InProgress", "Completed"]
    last = told[-1]
    assert last["resources"] == [last["detail"]["HyperParameterTuningJobArn"]]
    assert last["detail"]["Tags"] == {"team": "ads"}
    assert last["detail"]["TrainingJobStatusCounters"]["Completed"] == 3
    assert last["detail"]["ObjectiveStatusCounters"]["Succeeded"] == 3
    assert isinstance(last["detail"]["CreationTime"], int)
