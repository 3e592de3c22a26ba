"""Which of moto's services are served: those that somebody has looked at.

moto knows some two hundred. Most of them only keep what they are told: a state machine that never
runs, a query without rows. A client cannot tell that from success, so what is not listed here is
refused by its name.
"""

from __future__ import annotations

SERVED = frozenset(
    {
        "cloudformation",
        "cloudfront",
        "dynamodb",
        "dynamodbstreams",
        "ec2",  # what the workers of container services ask: VPCs and subnets
        "ecr",
        "ecs",
        "events",
        "firehose",
        "iam",
        "kinesis",
        "kms",
        "logs",
        "resourcegroupstaggingapi",
        "s3",
        "secretsmanager",
        "sns",
        "sqs",
        "ssm",
        "sts",
    }
)
"""Names of moto's backends."""
