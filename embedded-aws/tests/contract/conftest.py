"""A client of CloudWatch, a namespace of the test's own, and a minute that is over."""

import datetime as dt
import uuid

import pytest


@pytest.fixture(scope="module")
def cloudwatch(aws):
    return aws.client("cloudwatch")


@pytest.fixture
def namespace():
    return f"Contract/{uuid.uuid4().hex[:12]}"


@pytest.fixture
def minute(aws):
    """Start of a minute that is over."""
    now = dt.datetime.fromtimestamp(aws.clock.now(), dt.UTC)
    return now.replace(second=0, microsecond=0) - dt.timedelta(minutes=5)
