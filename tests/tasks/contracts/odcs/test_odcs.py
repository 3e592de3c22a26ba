import json
from importlib import resources
from pathlib import Path

import jsonschema
import pytest
import yaml

from tasks.contracts.odcs import contract_of, known_contracts, load_contract
from tasks.contracts.validation.checks import compile_checks
from tasks.errors import ContractMissing, InvalidContract

CONTRACTS = Path(__file__).parents[4] / "data_contracts"
NAMES = known_contracts(CONTRACTS)
PROMISED = {
    "property_sales",
    "property_listings",
    "property_images",
    "room_images",
    "condition_images",
    "feature_images",
    "object_images",
    "restaurant_interactions",
    "restaurant_ratings",
    "reviews",
    "power100_interactions",
    "power100_outcomes",
    "power100_feedback",
    "inference_records",
    "release_metrics",
}


def test_every_promised_data_set_has_a_contract():
    assert set(NAMES) >= PROMISED


@pytest.mark.parametrize("name", NAMES)
def test_a_contract_is_valid_odcs(name):
    package = resources.files("open_data_contract_standard")
    schema = json.loads((package / "schema.json").read_text(encoding="utf-8"))
    written = yaml.safe_load((CONTRACTS / f"{name}.odcs.yaml").read_text(encoding="utf-8"))
    jsonschema.validators.validator_for(schema)(schema).validate(written)


@pytest.mark.parametrize("name", NAMES)
def test_a_contract_is_understood_and_each_of_its_checks_has_one_name(name):
    contract = load_contract(name, CONTRACTS)
    checks = compile_checks(contract)
    assert len({check.id for check in checks}) == len(checks)
    assert all(check.rule for check in checks)
    assert contract.owner
    assert contract.retention_days
    assert contract.drift_policy
    assert contract.kinds


@pytest.mark.parametrize("name", NAMES)
def test_every_rule_is_one_that_great_expectations_knows(name):
    from tasks.contracts.validation.suite import Suite

    contract = load_contract(name, CONTRACTS)
    suite = Suite(contract, compile_checks(contract))
    assert len(suite._built().expectations) == len(suite.checks)


def test_each_curated_folder_has_one_owner():
    known = [load_contract(name, CONTRACTS) for name in NAMES]
    prefixes = [contract.processed_prefix for contract in known if contract.key]
    assert {f"processed/{name}/" for name in ("conversations", "outcomes", "feedback")} < {
        *prefixes
    }
    assert all(
        one is other or not one.startswith(other) for one in prefixes for other in prefixes
    ), prefixes


def test_data_sets_that_share_folders_own_their_files_only():
    conversations = load_contract("power100_interactions", CONTRACTS)
    outcomes = load_contract("power100_outcomes", CONTRACTS)
    day = "raw/year=2026/month=01/day=02/"
    assert conversations.owns(f"{day}interactions-7.jsonl.gz")
    assert not conversations.owns(f"{day}outcomes-7.jsonl.gz")
    assert outcomes.owns(f"{day}outcomes-7.jsonl.gz")
    assert not outcomes.owns("raw/reviews/year=2026/month=01/day=02/outcomes.jsonl")


def test_a_data_set_without_a_contract_is_named(tmp_path):
    with pytest.raises(ContractMissing, match=r"'nothing'.*nothing\.odcs\.yaml"):
        load_contract("nothing", tmp_path)


def test_a_path_is_not_a_data_set():
    with pytest.raises(ContractMissing):
        load_contract("../data_contracts/reviews", CONTRACTS)


def test_what_is_not_yaml_is_named(tmp_path):
    (tmp_path / "bad.odcs.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(InvalidContract, match="not YAML"):
        load_contract("bad", tmp_path)


NUMBER = {"name": "n", "logicalType": "number"}


def rule(**more):
    return [{**NUMBER, "quality": [{"type": "library", "metric": "nullValues"} | more]}]


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        ([{"name": "n"}], "properties.0"),
        ([{"name": "n", "physicalType": "INT"}], r"n has no logicalType.*'INT' is only told"),
        ([{"name": "n", "logicalType": "array", "items": {}}], "items: it has no logicalType"),
        (rule(), "nullValues has no operator"),
        (rule(mustBe=0, mustBeLessThan=9), "2 operators, mustBe, mustBeLessThan: write mustBeB"),
        ([{**NUMBER, "logicalType": "float"}], "float"),
        ([NUMBER, NUMBER], "more than once"),
        ([], "no column"),
        ([{"name": "../n", "logicalType": "number"}], "not a plain name"),
        ([{**NUMBER, "logicalTypeOptions": {"least": 3}}], "least"),
        (
            [{"name": "s", "logicalType": "string", "logicalTypeOptions": {"pattern": "("}}],
            "does not compile",
        ),
        (rule(mustBe=0, unit="litres"), "litres"),
        (rule(mustBe="none"), "not a number"),
        (rule(mustBe=0, severity="grave"), "grave"),
        (
            [{**NUMBER, "quality": [{"type": "sql", "query": "select 1", "mustBe": 1}]}],
            "cannot be checked",
        ),
        (
            [{**NUMBER, "quality": [{"type": "custom", "engine": "soda", "implementation": "x"}]}],
            "soda",
        ),
    ],
)
def test_a_rule_that_nobody_would_check_is_refused(odcs, properties, said):
    with pytest.raises(InvalidContract, match=said):
        contract_of(odcs(properties), "things", "things.odcs.yaml")


def test_a_contract_names_every_fault_of_the_published_schema(odcs):
    broken = odcs([NUMBER]) | {"kind": "Wish", "surprise": 1}
    with pytest.raises(InvalidContract) as caught:
        contract_of(broken, "things", "things.odcs.yaml")
    assert "kind" in str(caught.value)
    assert "surprise" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"team": {"members": []}}, "owner"),
        ({"servers": []}, "type s3"),
        ({"schema": []}, "0 objects"),
        ({"slaProperties": [{"property": "freshness", "value": 1, "element": "x.y"}]}, "y"),
        ({"slaProperties": [{"property": "retention", "value": "long"}]}, "long"),
    ],
)
def test_what_the_pipeline_needs_must_be_said(odcs, change, said):
    with pytest.raises(InvalidContract, match=said):
        contract_of(odcs([NUMBER]) | change, "things", "things.odcs.yaml")


def test_the_limit_is_a_share(odcs):
    with pytest.raises(InvalidContract, match="quarantineLimit"):
        contract_of(odcs([NUMBER], limit=3), "things", "things.odcs.yaml")
