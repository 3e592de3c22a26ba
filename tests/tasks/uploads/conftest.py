"""An installation whose registry tells a queue of uploads, on the embedded AWS."""

import pytest

from deployments.laptop import resources
from embedded_aws.fixture import _no_faults_left, aws
from tasks import aws as our_aws
from tasks.settings import settings
from tasks.uploads import queue

__all__ = ["_no_faults_left", "aws"]


@pytest.fixture(scope="module")
def uploads(aws):
    """The queue's address."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in aws.environment().items():
            patch.setenv(name, value)
        our_aws.client.cache_clear()
        settings.cache_clear()
        variables = {
            "AWS_ENDPOINT_URL": aws.endpoint_url,
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "x",
            "AWS_SECRET_ACCESS_KEY": "x",
        }
        made = resources.create(variables, ("sluice-models", "sluice-work"), "sluice-models")
        url = made["uploads_queue_url"]
        for messages in queue.batches(url):
            for message in messages:  # S3 tries a new notification out with one of its own
                assert "s3:TestEvent" in message.body
                queue.delete(url, message)
        yield url
    our_aws.client.cache_clear()
    settings.cache_clear()
