"""Drift inside Great Expectations: ordinary suites, results and pages."""

import json
from pathlib import Path

import numpy as np
import pytest

from benchmarks.drift.world import Week, counts
from tasks.drift import compare

CONTRACTS = Path(__file__).parents[4] / "data_contracts"


@pytest.fixture(scope="module")
def report():
    random = np.random.default_rng(0)
    return compare(
        counts(random, 10_000, Week(), "a"), counts(random, 10_000, Week().shifted(0.3), "b")
    )


@pytest.fixture(scope="module")
def result(report):
    from tasks.drift.reports.expectations import validate_drift

    return validate_drift(report, "sales-drift")


def test_the_column_that_drifted_fails_and_the_others_pass(report, result):
    failed = {
        item.expectation_config.kwargs["column"] for item in result.results if not item.success
    }
    assert failed == set(report.drifted) == {"x00"}
    assert result.statistics["evaluated_expectations"] == 20
    assert not result.success


def test_the_result_can_be_written(result):
    written = json.loads(json.dumps(result.to_json_dict()))
    first = next(item for item in written["results"] if not item["success"])
    assert first["result"]["details"]["sentence"].startswith("The values moved up")
    assert first["exception_info"]["raised_exception"] is False


def test_it_renders_with_both_distributions(result):
    from great_expectations.render.renderer import ValidationResultsPageRenderer
    from great_expectations.render.view import DefaultJinjaPageView

    page = DefaultJinjaPageView().render(ValidationResultsPageRenderer().render(result))
    assert page.count("data:image/svg+xml;base64,") >= 20
    assert "must match the baseline" in page


def test_a_column_that_was_not_profiled_fails(report):
    import great_expectations as gx

    from tasks.drift.reports.expectation_types import ExpectColumnToMatchBaseline
    from tasks.drift.reports.expectations import evidence_table

    source = gx.get_context(mode="ephemeral").data_sources.add_pandas("p")
    asset = source.add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
    batch = asset.get_batch(batch_parameters={"dataframe": evidence_table(report)})
    outcome = batch.validate(ExpectColumnToMatchBaseline(column="unknown", alpha=0.01))
    assert not outcome.success
    assert outcome.result["observed_value"] == "the column was not profiled"


def test_they_stand_in_the_suite_and_the_pages_of_the_contract(tmp_path, report):
    """What the flows do: the doors meet through plain values."""
    from datetime import date

    import pandas as pd

    from tasks.contracts.odcs import load_contract
    from tasks.contracts.reports.docs_site import Merged, built, enlarged
    from tasks.contracts.validation.checks import compile_checks
    from tasks.contracts.validation.suite import Suite
    from tasks.drift.tasks import drift_expectations
    from tasks.values import Snapshot

    contract = load_contract("reviews", CONTRACTS)
    checks = [check for check in compile_checks(contract) if check.id == "text.required"]
    merged = Merged()
    merged.add(Suite(contract, checks).run(pd.DataFrame({"text": ["a", "b"]}))[1])
    day = date(2026, 1, 1)
    pinned = Snapshot(
        dataset="reviews", bucket="b", start=day, end=day, objects=(), fingerprint="f" * 64
    )
    assert built(merged, contract, pinned, tmp_path) == ()
    more = drift_expectations.fn("reviews", report)
    for _ in range(2):  # a repeated task changes nothing
        assert enlarged(more, pinned, tmp_path) == ()
    result = json.loads((tmp_path / "suite-result.json").read_text())
    types = [item["expectation_config"]["type"] for item in result["results"]]
    assert types.count("expect_column_values_to_not_be_null") == 1
    assert types.count("expect_column_to_match_baseline") == 20
    assert result["statistics"]["unsuccessful_expectations"] == 1
    assert result["success"] is False
    (page,) = (tmp_path / "docs" / "validations").rglob("*.html")
    shown = page.read_text()
    assert shown.count('<img src="data:image/svg+xml;base64,') >= 20
    assert "https://" not in shown.replace("https://greatexpectations.io", "")
    assert "must never be null" in shown
    assert "must match the baseline" in shown
