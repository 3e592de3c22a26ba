"""One page for each model says what is watched of it, from what is done."""

from pathlib import Path

import pytest

from tasks.contracts import load_contract
from tasks.model_page import page
from tasks.model_spec import ModelSpec, known_models, load_model_spec
from tasks.release.deliveries import delivery_of

ROOT = Path(__file__).resolve().parents[2]


def page_of(name, **changes):
    spec = load_model_spec(name, ROOT / "models")
    spec = ModelSpec.model_validate(spec.model_dump(exclude_unset=True) | changes)
    contract = load_contract(spec.data.dataset, ROOT / "data_contracts")
    return page(spec, contract, delivery_of(spec.release).where(spec))


@pytest.mark.parametrize("name", known_models(ROOT / "models"))
def test_every_gate_rule_and_format_of_a_model_stands_on_its_page(name):
    spec = load_model_spec(name, ROOT / "models")
    text = page_of(name)
    for told in (
        *(f"| `{gate.metric}` |" for gate in spec.gates),
        *(rule.title for rule in spec.behaviour),
        *(f"| {form} |" for form, limits in spec.conversion if limits is not None),
        f"`{spec.data.dataset}`",
    ):
        assert told in text
    assert (ROOT / "docs" / "models" / f"{name}.md").is_file(), "python -m docs.generate writes it"


def test_late_labels_are_estimated_and_said_to_be():
    assert "| error, before labels come |" in page_of("partner-match")
    assert "| error, before labels come |" not in page_of("sentiment")


def test_bounds_slices_and_edges_are_told():
    gate = {
        "metric": "mae", "at_most": 9, "no_worse_than_champion": 0.05, "confidence": 0.95,
        "slices": [{"column": "zipcode", "no_worse_than_champion": 0.1}],
    }  # fmt: skip
    text = page_of(
        "price-estimator", gates=[gate], release={"prediction_bins": [1, 2], "delivery": "edge"}
    )
    told = "≤ 9, no more than 5\u00a0% worse than the champion, at 95\u00a0% confidence"
    assert told in text.replace("<br>", " ")
    assert "in each `zipcode`" in text.replace("<br>", " ")
    assert "Counted between 1, 2," in text
    assert "| answered by | users' own devices |" in text


def test_the_bounds_of_alarms_that_stand_are_told():
    def told(name, **alarms):
        text = page_of(name, alarms=alarms).replace("\u00a0", " ").replace("<br>", " ")
        lines = [line for line in text.splitlines() if line.startswith("| alarms that stand |")]
        return lines[0] if lines else ""

    assert "`ModelAccuracy` is below 85 %, errors above 5 %, mean" in told("room-classifier")
    assert "`ModelError` is above 0.2" in told("price-estimator", error=0.2)
    assert "Model" not in told("price-estimator")
    assert "memory" not in told("price-estimator", memory_percent=0)
    assert told("price-estimator", enabled=False) == ""


def test_what_follows_a_champion_is_told_where_something_does():
    told = page_of("price-estimator", monitor={"errors": 0.02, "false_alarms_per_year": 1})
    assert "| errors and latency of the endpoint |" in told
    assert "2\u00a0% more errors" in told.replace("<br>", " ")
    assert "at most 1 false alarms a year" in told.replace("<br>", " ")
    for changes in ({"monitor": {"enabled": False}}, {"release": {"delivery": "edge"}}):
        assert "| errors and latency of the endpoint |" not in page_of("price-estimator", **changes)
