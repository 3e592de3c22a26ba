"""sagemaker-core, the resources below the SageMaker SDK v3, as its users write them."""

import pytest

from embedded_aws.fixture import _no_faults_left, aws, aws_environment
from tests.clients.aws import programs

__all__ = ["_no_faults_left", "aws", "aws_environment"]
pytestmark = [pytest.mark.timeout(300), pytest.mark.seconds(30)]

BUCKET = "resources"


@pytest.fixture
def lake(aws_environment):
    s3 = aws_environment.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="numbers/a.csv", Body=b"1\n2\n")
    s3.put_object(Bucket=BUCKET, Key="code/sourcedir.tar.gz", Body=programs.code())
    return aws_environment


def test_resources_train_deploy_answer_and_go(lake):
    from sagemaker.core import resources, shapes

    asked = programs.training_job("core", BUCKET, 5)
    job = resources.TrainingJob.create(
        training_job_name=asked["TrainingJobName"],
        role_arn=asked["RoleArn"],
        algorithm_specification=shapes.AlgorithmSpecification(
            training_image="any", training_input_mode="File"
        ),
        hyper_parameters=asked["HyperParameters"],
        input_data_config=[
            shapes.Channel(
                channel_name="numbers",
                data_source=shapes.DataSource(
                    s3_data_source=shapes.S3DataSource(
                        s3_data_type="S3Prefix", s3_uri=f"s3://{BUCKET}/numbers/"
                    )
                ),
            )
        ],
        output_data_config=shapes.OutputDataConfig(s3_output_path=f"s3://{BUCKET}/jobs"),
        resource_config=shapes.ResourceConfig(
            instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=1
        ),
        stopping_condition=shapes.StoppingCondition(max_runtime_in_seconds=3600),
    )
    job.wait(poll=1, logs=False)
    assert job.training_job_status == "Completed"
    model = resources.Model.create(
        model_name="core",
        execution_role_arn=programs.ROLE,
        primary_container=shapes.ContainerDefinition(
            image="any", model_data_url=job.model_artifacts.s3_model_artifacts
        ),
    )
    config = resources.EndpointConfig.create(
        endpoint_config_name="core",
        production_variants=[
            shapes.ProductionVariant(
                variant_name="only", model_name="core", instance_type="ml.m5.large",
                initial_instance_count=1,
            )
        ],
    )  # fmt: skip
    endpoint = resources.Endpoint.create(endpoint_name="core", endpoint_config_name="core")
    endpoint.wait_for_status("InService", poll=1)
    told = endpoint.invoke(body=b"7", content_type="text/plain")
    assert told.body.read() == b"35.0"
    assert [one.endpoint_name for one in resources.Endpoint.get_all()] == ["core"]
    for thing in (endpoint, config, model):
        thing.delete()
    endpoint.wait_for_delete(poll=1)
    assert list(resources.Model.get_all()) == []
