"""What every place of a contract is: a value that JSON knows, and that others are compared with."""

import math

import pytest

from tasks.contracts.odcs import contract_of
from tasks.contracts.odcs.documents import Fault, plain
from tasks.errors import InvalidContract
from tests.tasks.contracts.conftest import document

BEYOND = 10**400


def column(**more):
    return {"name": "n", "logicalType": "number", **more}


def rule(**more):
    return column(quality=[{"metric": "nullValues", **more}])


PLACES = {
    "enum.0.value": lambda number: document([column(enum=[{"value": number}])]),
    "logicalTypeOptions.minimum": lambda number: document(
        [column(logicalTypeOptions={"minimum": number})]
    ),
    "logicalTypeOptions.maximum": lambda number: document(
        [column(logicalTypeOptions={"maximum": number})]
    ),
    "logicalTypeOptions.multipleOf": lambda number: document(
        [column(logicalTypeOptions={"multipleOf": number})]
    ),
    "quality.0.mustBeLessThan": lambda number: document([rule(mustBeLessThan=number)]),
    "quality.0.mustBe": lambda number: document([rule(mustBe=number)]),
    "quality.0.arguments.validValues.1": lambda number: document(
        [column(quality=[{"metric": "invalidValues", "mustBe": 0,
                          "arguments": {"validValues": [1, number]}}])]
    ),
    "slaProperties.0.value": lambda number: document(
        [column()], slaProperties=[{"property": "retention", "value": number, "unit": "d"}]
    ),
    "kwargs.min_value": lambda number: document(
        [column(quality=[{"type": "custom", "engine": "greatExpectations", "implementation": {
            "type": "expect_column_values_to_be_between", "kwargs": {"min_value": number}}}])]
    ),
    "items.logicalTypeOptions.maximum": lambda number: document(
        [{"name": "n", "logicalType": "array", "items": {
            "logicalType": "integer", "logicalTypeOptions": {"maximum": number}}}]
    ),
    "customProperties.0.value": lambda number: document([column()], limit=number),
    "examples.0": lambda number: document([column(examples=[number])]),
}  # fmt: skip
"""By place: a contract that says the number there."""


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("number", [BEYOND, -BEYOND, math.inf, -math.inf, math.nan])
def test_a_number_that_nothing_is_compared_with_is_refused_at_its_place(place, number):
    with pytest.raises(InvalidContract, match=place.replace(".", r"\.") + ": ") as refused:
        contract_of(PLACES[place](number), "things", "test")
    said = "beyond what a number can be" if abs(number) == BEYOND else "no number that a value"
    assert said in str(refused.value)


@pytest.mark.parametrize("written", ["1" + "0" * 400, "1e400", ".nan", "-.inf"])
def test_so_it_is_in_a_rule_that_is_written_as_text(written):
    body = f"type: expect_column_values_to_be_between\nkwargs: {{min_value: {written}}}\n"
    custom = {"type": "custom", "engine": "greatExpectations", "implementation": body}
    with pytest.raises(InvalidContract, match="quality custom: "):
        contract_of(document([column(quality=[custom])]), "things", "test")


def test_two_keys_that_are_one_text_are_refused():
    with pytest.raises(Fault, match="a: two of its keys are one text"):
        plain({"a": {1: "x", "1": "y"}})
    assert plain({"a": {1: "x", "2": "y"}}) == {"a": {"1": "x", "2": "y"}}


def test_a_document_that_contains_itself_is_one_error():
    made = document([column()])
    made["tags"] = made
    with pytest.raises(InvalidContract, match="RecursionError"):
        contract_of(made, "things", "test")
