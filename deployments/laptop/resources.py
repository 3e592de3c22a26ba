"""What an AWS account must hold before Sluice runs: made on the embedded AWS with boto3.

On a real account people make the same things (docs/platform.md); roles are in ``deployments/aws``.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any


def client(service: str, variables: Mapping[str, str]) -> Any:
    """A boto3 client of the stack."""
    import boto3

    return boto3.session.Session().client(
        service,
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        region_name=variables["AWS_REGION"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    )


def create(variables: Mapping[str, str], buckets: tuple[str, ...], registry: str) -> dict[str, str]:
    """Make buckets, topic and distribution; return their ids. Safe to repeat."""
    with closing(client("s3", variables)) as s3:
        _buckets(s3, buckets, registry)
    with closing(client("dynamodb", variables)) as dynamodb:
        _table(dynamodb, "sluice-experiments")
    with closing(client("sns", variables)) as sns:
        topic = sns.create_topic(Name="sluice-alerts")["TopicArn"]
        alarms_url, arn = _queue(variables, "sluice-alarms", 30)
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return {
        "alerts_topic_arn": topic,
        "alarms_queue_url": alarms_url,
        "distribution_id": _distribution(variables, registry),
        "uploads_queue_url": _uploads(variables, registry),
    }


def _table(dynamodb: Any, name: str) -> None:
    """The table of what experiments record; its items forget themselves."""
    if name in dynamodb.list_tables()["TableNames"]:
        return
    keys = {"pk": "HASH", "sk": "RANGE"}
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, kind in keys.items()],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"} for key in keys],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.update_time_to_live(
        TableName=name, TimeToLiveSpecification={"Enabled": True, "AttributeName": "expires"}
    )


def _queue(variables: Mapping[str, str], name: str, seconds: int) -> tuple[str, str]:
    """A queue whose messages come again after so many seconds; its address and its ARN."""
    attributes = {"VisibilityTimeout": str(seconds)}
    with closing(client("sqs", variables)) as sqs:
        url = sqs.create_queue(QueueName=name, Attributes=attributes)["QueueUrl"]
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return str(url), str(answer["Attributes"]["QueueArn"])


def _uploads(variables: Mapping[str, str], registry: str) -> str:
    """The queue that S3 tells of uploaded artefacts; its address."""
    # Longer than a look at the queue lasts, so that two looks do not meet the same message.
    url, arn = _queue(variables, "sluice-uploads", 120)
    queue = {
        "QueueArn": arn,
        "Events": ["s3:ObjectCreated:*"],
        "Filter": {
            "Key": {
                "FilterRules": [
                    {"Name": "prefix", "Value": "models/"},
                    {"Name": "suffix", "Value": "/model.tar.gz"},
                ]
            }
        },
    }
    with closing(client("s3", variables)) as s3:
        s3.put_bucket_notification_configuration(
            Bucket=registry, NotificationConfiguration={"QueueConfigurations": [queue]}
        )
    return url


def _buckets(s3: Any, buckets: tuple[str, ...], registry: str) -> None:
    there = {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}
    for bucket in buckets:
        if bucket not in there:
            s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        s3.put_public_access_block(
            Bucket=bucket,
            PublicAccessBlockConfiguration={
                "BlockPublicAcls": True,
                "IgnorePublicAcls": True,
                "BlockPublicPolicy": True,
                "RestrictPublicBuckets": True,
            },
        )
    s3.put_bucket_lifecycle_configuration(
        Bucket=registry,
        LifecycleConfiguration={
            "Rules": [
                {
                    # Instant retrieval: a version in the archive can still be put back.
                    "ID": "archived versions",
                    "Status": "Enabled",
                    "Filter": {"Tag": {"Key": "sluice-archive", "Value": "true"}},
                    "Transitions": [{"Days": 30, "StorageClass": "GLACIER_IR"}],
                }
            ]
        },
    )
    s3.put_bucket_cors(
        Bucket=registry,
        CORSConfiguration={
            "CORSRules": [
                {"AllowedMethods": ["GET", "HEAD"], "AllowedOrigins": ["*"], "MaxAgeSeconds": 3000}
            ]
        },
    )


def _distribution(variables: Mapping[str, str], registry: str) -> str:
    with closing(client("cloudfront", variables)) as cloudfront:
        return _own_distribution(cloudfront, registry)


def _own_distribution(cloudfront: Any, registry: str) -> str:
    distributions = cloudfront.list_distributions()["DistributionList"].get("Items", [])
    for item in distributions:
        if item["Comment"] == "sluice":
            return str(item["Id"])
    answer = cloudfront.create_distribution(
        DistributionConfig={
            "CallerReference": "sluice",
            "Comment": "sluice",
            "Enabled": True,
            "Origins": {
                "Quantity": 1,
                "Items": [
                    {
                        "Id": "registry",
                        "DomainName": f"{registry}.s3.amazonaws.com",
                        "S3OriginConfig": {"OriginAccessIdentity": ""},
                    }
                ],
            },
            "DefaultCacheBehavior": {
                "TargetOriginId": "registry",
                "ViewerProtocolPolicy": "redirect-to-https",
                "MinTTL": 0,
                "ForwardedValues": {"QueryString": False, "Cookies": {"Forward": "none"}},
            },
        }
    )
    return str(answer["Distribution"]["Id"])
