"""Each member of each request is used, kept for a reason, or refused by its name."""

from __future__ import annotations

import re
from pathlib import Path

import botocore.session
import pytest
from customer.members import hold_to_its_list, leaves

import embedded_aws.autoscaling
from embedded_aws.autoscaling.members import MEMBERS
from embedded_aws.protocol.members import refuse_what_has_no_effect

MODEL = botocore.session.get_session().get_service_model("application-autoscaling")
SOURCE = Path(embedded_aws.autoscaling.__file__).parent
NOT_BUILT = {
    "GetPredictiveScalingForecast",
    "ListTagsForResource",
    "TagResource",
    "UntagResource",
}
BUILT = sorted(set(MODEL.operation_names) - NOT_BUILT)
# Passed on to the alarms as they came, as a whole; CloudWatch reads each of them.
PASSED_ON = {"Name", "Value", "Unit", "Label", "ReturnData", "Stat"}


def named_in_the_source() -> set[str]:
    code = "".join(
        path.read_text("utf-8") for path in SOURCE.glob("*.py") if path.name != "members.py"
    )
    return set(re.findall(r"[\"']([A-Z][A-Za-z0-9]+)[\"']", code))


@pytest.mark.parametrize("action", MEMBERS)
def test_every_member_is_listed_or_refused_by_its_name(action: str) -> None:
    members = MEMBERS[action]
    listed = {*members.used, *members.kept}
    hold_to_its_list(
        MODEL, action, listed, lambda asked: refuse_what_has_no_effect(action, asked, MEMBERS)
    )


@pytest.mark.parametrize("action", BUILT)
def test_what_is_not_refused_is_read_somewhere(action: str) -> None:
    read = named_in_the_source() | PASSED_ON
    for path in leaves(MODEL, action):
        known = MEMBERS.get(action)
        if known is None or path in known.used:
            name = path.rpartition(".")[2].removesuffix("[]")
            assert name in read, path


@pytest.mark.parametrize("action", MEMBERS)
def test_no_list_names_what_the_api_does_not_have(action: str) -> None:
    known = leaves(MODEL, action)
    members = MEMBERS[action]
    assert members.used <= known.keys()
    assert members.kept.keys() <= known.keys()
    assert not members.used & members.kept.keys()


def test_an_action_is_built_or_known_as_not_built() -> None:
    """One that a later version of the API brings is looked at first."""
    code = (SOURCE / "service.py").read_text("utf-8")
    assert {name for name in MODEL.operation_names if f'"{name}":' in code} == set(BUILT)


def test_what_is_only_kept_stands_in_the_reference() -> None:
    text = (SOURCE.parents[2] / "docs" / "reference.md").read_text("utf-8")
    for members in MEMBERS.values():
        for path, why in members.kept.items():
            assert why
            assert f"`{path}`" in text
