"""What is not served is refused by its name, in every protocol of AWS."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from embedded_aws import EmbeddedAws
from embedded_aws.served import SERVED

REFUSED = {
    "stepfunctions": lambda client: client.list_state_machines(),
    "athena": lambda client: client.list_work_groups(),
    "glue": lambda client: client.get_databases(),
    "rds": lambda client: client.describe_db_instances(),
    "lambda": lambda client: client.list_functions(),
    "batch": lambda client: client.describe_job_queues(),
    "route53": lambda client: client.list_hosted_zones(),
    "scheduler": lambda client: client.list_schedules(),
    "codepipeline": lambda client: client.list_pipelines(),
}
ANSWERED = {
    "s3": lambda client: client.list_buckets(),
    "sqs": lambda client: client.list_queues(),
    "sns": lambda client: client.list_topics(),
    "events": lambda client: client.list_rules(),
    "dynamodb": lambda client: client.list_tables(),
    "dynamodbstreams": lambda client: client.list_streams(),
    "secretsmanager": lambda client: client.list_secrets(),
    "ssm": lambda client: client.describe_parameters(),
    "sts": lambda client: client.get_caller_identity(),
    "kinesis": lambda client: client.list_streams(),
    "firehose": lambda client: client.list_delivery_streams(),
    "iam": lambda client: client.list_roles(),
    "kms": lambda client: client.list_keys(),
    "ecr": lambda client: client.describe_repositories(),
    "ecs": lambda client: client.list_clusters(),
    "ec2": lambda client: client.describe_vpcs(),
    "logs": lambda client: client.describe_log_groups(),
    "cloudformation": lambda client: client.list_stacks(),
    "cloudfront": lambda client: client.list_distributions(),
    "resourcegroupstaggingapi": lambda client: client.get_tag_keys(),
}


@pytest.mark.parametrize("service", REFUSED)
def test_a_service_that_only_keeps_what_it_is_told_is_refused(
    aws: EmbeddedAws, service: str
) -> None:
    with pytest.raises(ClientError, match="has no service") as refused:
        REFUSED[service](aws.client(service))
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


@pytest.mark.parametrize("service", ANSWERED)
def test_a_served_one_answers(aws: EmbeddedAws, service: str) -> None:
    assert ANSWERED[service](aws.client(service))["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_each_served_one_is_asked_above() -> None:
    assert {name.replace("-", "") for name in ANSWERED} == SERVED
