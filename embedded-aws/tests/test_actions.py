"""docs/actions.md is what the services say of themselves, and they say it when they are asked."""

from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from embedded_aws.actions import page
from embedded_aws.served import SERVED

PAGE = Path(__file__).parents[1] / "docs" / "actions.md"


def test_the_page_is_what_the_services_say():
    """If it is not: python -m embedded_aws.actions > docs/actions.md."""
    assert PAGE.read_text("utf-8") == page()


def test_every_service_is_on_it(aws):
    text = PAGE.read_text("utf-8")
    for service in (*SERVED, *aws.actions):
        assert f"\n## {service}\n" in text


@pytest.mark.parametrize(
    ("service", "method", "members"),
    [
        ("sagemaker", "list_pipelines", {}),
        ("sagemaker", "list_clusters", {}),
        ("cloudwatch", "list_metric_streams", {}),
        ("application-autoscaling", "list_tags_for_resource", {"ResourceARN": "arn:aws:a:b:c:d:e"}),
        ("stepfunctions", "list_state_machines", {}),
    ],
)
def test_what_it_calls_refused_is_refused_by_its_name(aws, service, method, members):
    with pytest.raises(ClientError) as refused:
        getattr(aws.client(service), method)(**members)
    assert refused.value.response["Error"]["Code"] in {
        "UnknownOperationException",
        "InvalidAction",
    }
