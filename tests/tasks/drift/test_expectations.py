"""Drift inside Great Expectations: ordinary suites, results and pages."""

import json

import numpy as np
import pytest

from benchmarks.drift.world import Week, counts
from tasks.drift import compare


@pytest.fixture(scope="module")
def report():
    random = np.random.default_rng(0)
    return compare(
        counts(random, 10_000, Week(), "a"), counts(random, 10_000, Week().shifted(0.3), "b")
    )


@pytest.fixture(scope="module")
def result(report):
    from tasks.drift.expectations import validate_drift

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
    assert page.count("vegaEmbed(") >= 20
    assert "must match the baseline" in page


def test_a_column_that_was_not_profiled_fails(report):
    import great_expectations as gx

    from tasks.drift.expectation_types import ExpectColumnToMatchBaseline
    from tasks.drift.expectations import evidence_table

    source = gx.get_context(mode="ephemeral").data_sources.add_pandas("p")
    asset = source.add_dataframe_asset("a").add_batch_definition_whole_dataframe("b")
    batch = asset.get_batch(batch_parameters={"dataframe": evidence_table(report)})
    outcome = batch.validate(ExpectColumnToMatchBaseline(column="unknown", alpha=0.01))
    assert not outcome.success
    assert outcome.result["observed_value"] == "the column was not profiled"
