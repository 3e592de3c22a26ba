"""Models and endpoint configs, as documented."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError
from customer.shop import IMAGE, MACHINE, ROLE, Shop

from embedded_aws import EmbeddedAws


@pytest.fixture(scope="module")
def shop(aws: EmbeddedAws) -> Shop:
    return Shop(aws.client)


def test_model_is_described_as_it_was_made(shop):
    container = {"Image": IMAGE, "ModelDataUrl": shop.url, "Environment": {"A": "1"}}
    made = shop.sm.create_model(
        ModelName="Described",
        PrimaryContainer=container,
        ExecutionRoleArn=ROLE,
        Tags=[{"Key": "team", "Value": "water"}],
    )
    assert made["ModelArn"].endswith(":model/described")
    told = shop.sm.describe_model(ModelName="Described")
    assert told["PrimaryContainer"] == container
    assert told["ExecutionRoleArn"] == ROLE
    assert told["ModelArn"] == made["ModelArn"]
    assert told["EnableNetworkIsolation"] is False
    assert "Tags" not in told
    tags = shop.sm.list_tags(ResourceArn=made["ModelArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "water"}]


def test_model_name_can_be_used_once(shop):
    name = shop.model()
    with pytest.raises(ClientError, match=f'Cannot create already existing model ".*/{name}"'):
        shop.sm.create_model(
            ModelName=name, PrimaryContainer={"Image": IMAGE}, ExecutionRoleArn=ROLE
        )
    shop.sm.delete_model(ModelName=name)
    with pytest.raises(ClientError, match=r"Could not find model") as failed:
        shop.sm.describe_model(ModelName=name)
    assert failed.value.response["Error"]["Code"] == "ValidationException"


def test_model_data_must_be_readable(shop):
    with pytest.raises(ClientError, match="Could not access model data at s3://") as failed:
        shop.model(url=f"{shop.url}.missing")
    assert failed.value.response["Error"]["Code"] == "ValidationException"


def test_model_needs_exactly_one_way_to_name_its_container(shop):
    with pytest.raises(ClientError, match="PrimaryContainer or Containers"):
        shop.sm.create_model(ModelName="none", ExecutionRoleArn=ROLE)
    one = {"Image": IMAGE, "ModelDataUrl": shop.url}
    with pytest.raises(ClientError, match="not both"):
        shop.sm.create_model(
            ModelName="both", PrimaryContainer=one, Containers=[one], ExecutionRoleArn=ROLE
        )


def test_models_are_listed_by_page(shop):
    names = [f"listed-{i}" for i in range(5)]
    for name in names:
        shop.sm.create_model(
            ModelName=name,
            PrimaryContainer={"Image": IMAGE, "ModelDataUrl": shop.url},
            ExecutionRoleArn=ROLE,
        )
    pages = list(
        shop.sm.get_paginator("list_models").paginate(
            NameContains="listed", SortBy="Name", SortOrder="Ascending", MaxResults=2
        )
    )
    assert [len(page["Models"]) for page in pages] == [2, 2, 1]
    assert [model["ModelName"] for page in pages for model in page["Models"]] == names
    newest = shop.sm.list_models(NameContains="listed", MaxResults=1)["Models"]
    assert newest[0]["ModelName"] == "listed-4"
    with pytest.raises(ClientError, match="pagination token"):
        shop.sm.list_models(NextToken="bm9uc2Vuc2U=")


def test_config_is_described_as_it_was_made(shop):
    model = shop.model()
    variant = {
        "VariantName": "main",
        "ModelName": model,
        "InstanceType": MACHINE,
        "InitialInstanceCount": 2,
        "ContainerStartupHealthCheckTimeoutInSeconds": 120,
    }
    shop.sm.create_endpoint_config(EndpointConfigName="told", ProductionVariants=[variant])
    told = shop.sm.describe_endpoint_config(EndpointConfigName="told")
    assert told["ProductionVariants"] == [{**variant, "InitialVariantWeight": 1.0}]
    assert told["EndpointConfigArn"].endswith(":endpoint-config/told")
    assert told["CreationTime"].tzinfo is not None
    rows = shop.sm.list_endpoint_configs(NameContains="TOLD")["EndpointConfigs"]
    assert [row["EndpointConfigName"] for row in rows] == ["told"]
    with pytest.raises(ClientError, match="Cannot create already existing endpoint configuration"):
        shop.sm.create_endpoint_config(EndpointConfigName="told", ProductionVariants=[variant])
    shop.sm.delete_endpoint_config(EndpointConfigName="told")
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        shop.sm.describe_endpoint_config(EndpointConfigName="told")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"ModelName": "nobody"}, "Could not find model"),
        ({"InstanceType": None}, "InstanceType and InitialInstanceCount"),
        ({"InitialVariantWeight": 0.0}, "weight above 0"),
        (
            {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}},
            "exclude each other",
        ),
    ],
)
def test_config_that_makes_no_sense_is_refused(shop, change, complaint):
    variant = {**shop.variant("main", shop.model()), **change}
    variant = {key: value for key, value in variant.items() if value is not None}
    with pytest.raises(ClientError, match=complaint) as failed:
        shop.config(variant)
    assert failed.value.response["Error"]["Code"] == "ValidationException"


def test_variant_names_are_unique(shop):
    model = shop.model()
    with pytest.raises(ClientError, match="unique"):
        shop.config(shop.variant("twin", model), shop.variant("twin", model))


def test_shadow_needs_exactly_one_production_variant(shop):
    model = shop.model()
    with pytest.raises(ClientError, match="only one variant"):
        shop.config(
            shop.variant("a", model),
            shop.variant("b", model),
            ShadowProductionVariants=[shop.variant("shade", model)],
        )
