"""Images by name: AWS's own accounts by region, processor and scope; addresses stay as they are."""

import sys

import pytest

from tasks.errors import InvalidSetting
from tasks.images import address_of, fault_of


def test_an_address_is_taken_as_it_is():
    address = "123456789012.dkr.ecr.us-east-1.amazonaws.com/sluice-training:1"
    assert address_of(address, "ml.m5.xlarge", "training") == address


@pytest.mark.parametrize(
    ("image", "instance", "scope", "where", "address"),
    [
        (
            "sagemaker:tensorflow:2.18:py310", "ml.m5.xlarge", "training", "eu-west-1",
            "763104351884.dkr.ecr.eu-west-1.amazonaws.com/tensorflow-training:2.18-cpu-py310",
        ),
        (
            "sagemaker:tensorflow:2.18:py310", "ml.g5.xlarge", "training", "us-east-1",
            "763104351884.dkr.ecr.us-east-1.amazonaws.com/tensorflow-training:2.18-gpu-py310",
        ),
        (
            "sagemaker:sklearn:1.2-1", "ml.m5.large", "inference", "us-east-1",
            "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3",
        ),
    ],
)  # fmt: skip
def test_a_framework_image_is_found_where_aws_keeps_it(image, instance, scope, where, address):
    assert address_of(image, instance, scope, where) == address


@pytest.mark.parametrize(
    "image",
    ["sagemaker:", "sagemaker:tensorflow", "sagemaker:tensorflow:0.1", "sagemaker:caffe:1:py3"],
)
def test_an_image_that_does_not_exist_is_named_with_the_next_step(image):
    with pytest.raises(InvalidSetting, match=r"image .*sagemaker:.*Next: "):
        address_of(image, "ml.m5.xlarge", "training", "us-east-1")


def test_without_the_sdk_an_image_by_name_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "sagemaker.core", None)  # as where it is not installed
    with pytest.raises(InvalidSetting, match="extra `sagemaker`"):
        address_of("sagemaker:tensorflow:2.18:py310", "ml.m5.xlarge", "training", "eu-north-1")


HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
DIGEST = "sha256:" + 64 * "0"


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (f"{HOST}/serving:1.2-cpu", ""),
        (f"{HOST}/team/serving@{DIGEST}", ""),
        (f"{HOST}/serving:1.2@{DIGEST}", ""),
        ("127.0.0.1:5000/serving:1", ""),
        ("sagemaker:sklearn:1.2-1", ""),
        (f"{HOST}/serving:latest", "pushed last"),
        (f"{HOST}/serving", "pushed last"),
        ("127.0.0.1:5000/serving", "pushed last"),
        (f"{HOST}/serving:", "pushed last"),
        (f"{HOST}/serving@sha256:12", "no SHA-256"),
        (f"{HOST}/serving@md5:{64 * '0'}", "no SHA-256"),
        (f"{HOST}/serving:latest@{DIGEST}\n", "no address"),
        ("serving:1", "no registry"),
        ("", "no address"),
        (f"{HOST}/{256 * 's'}:1", "no address"),
    ],
)
def test_an_image_is_one_version_or_is_refused(image, said):
    fault = fault_of(image, by_digest=False)
    assert said in fault if said else not fault


@pytest.mark.parametrize(
    ("image", "taken"),
    [
        (f"{HOST}/serving@{DIGEST}", True),
        (f"{HOST}/serving:1@{DIGEST}", True),
        (f"{HOST}/serving:1", False),
        (f"{HOST}/serving:latest", False),
        ("sagemaker:sklearn:1.2-1", False),
        ("", False),
        (f"{HOST}/serving@{DIGEST}\n", False),
        (f"serving@{DIGEST}", False),
    ],
)
def test_in_production_only_a_digest_is_one_version(image, taken):
    assert (fault_of(image, by_digest=True) == "") is taken
