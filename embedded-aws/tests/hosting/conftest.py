"""A shop on the module's embedded AWS, and a customer who does not ask twice."""

from __future__ import annotations

import pytest
from botocore.config import Config
from customer.shop import Shop

from embedded_aws import EmbeddedAws


@pytest.fixture(scope="module")
def shop(aws: EmbeddedAws) -> Shop:
    return Shop(aws.client)


@pytest.fixture(scope="module")
def impatient(aws):
    """A runtime client that does not try again."""
    import boto3

    return boto3.session.Session().client(
        "sagemaker-runtime",
        region_name="us-east-1",
        endpoint_url=aws.endpoint_url,
        aws_access_key_id="embedded",
        aws_secret_access_key="embedded",
        config=Config(retries={"max_attempts": 0}, max_pool_connections=16),
    )
