"""One region is served; whoever asks for another one is told, instead of being told of this one."""

import boto3
import pytest
from botocore.exceptions import ClientError
from customer.processing import Workshop

from embedded_aws import EmbeddedAws

ASKED = {
    "sagemaker": lambda client: client.list_training_jobs(),
    "cloudwatch": lambda client: client.describe_alarms(),
    "application-autoscaling": lambda client: client.describe_scalable_targets(
        ServiceNamespace="sagemaker"
    ),
}


def client_in(aws, service, region):
    told = aws.environment()
    return boto3.client(
        service,
        endpoint_url=aws.endpoint_url,
        region_name=region,
        aws_access_key_id=told["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=told["AWS_SECRET_ACCESS_KEY"],
    )


@pytest.mark.parametrize("service", ASKED)
def test_another_region_is_refused_by_its_name(aws, service):
    ASKED[service](client_in(aws, service, "us-east-1"))
    with pytest.raises(ClientError) as refused:
        ASKED[service](client_in(aws, service, "eu-west-1"))
    message = refused.value.response["Error"]["Message"]
    assert "in us-east-1 alone, and the request was signed for eu-west-1" in message
    assert "--region eu-west-1" in message


def test_a_box_of_another_region_has_its_addresses_and_hands_it_on():
    with EmbeddedAws(time_scale=60, region="eu-west-1") as aws:
        assert aws.environment()["AWS_REGION"] == "eu-west-1"
        shop = Workshop(aws, "in-europe")
        script = "(output / 'told.json').write_text(json.dumps(dict(os.environ)))"
        told = shop.run("in-europe", script)
        assert told["ProcessingJobArn"].startswith("arn:aws:sagemaker:eu-west-1:")
        assert shop.told("in-europe")["AWS_REGION"] == "eu-west-1"
        with pytest.raises(ClientError, match="signed for us-east-1"):
            ASKED["sagemaker"](client_in(aws, "sagemaker", "us-east-1"))


def test_services_that_have_regions_of_their_own_keep_them(aws):
    for region in ("us-east-1", "eu-west-1"):
        queue = client_in(aws, "sqs", region).create_queue(QueueName="of-a-region")["QueueUrl"]
        got = client_in(aws, "sqs", region).get_queue_attributes(
            QueueUrl=queue, AttributeNames=["QueueArn"]
        )
        assert got["Attributes"]["QueueArn"] == f"arn:aws:sqs:{region}:123456789012:of-a-region"
