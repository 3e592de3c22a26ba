"""Drift as Great Expectations see it: one expectation per column, evaluated on profiles.

The rows of the batch that they look at are the columns of a drift report, so that the cost does not
depend on the data. The suite and the result are ordinary ones: they stand in the same Data Docs as
the contract's checks. Great Expectations is imported when the first function is called (6 s).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tasks.drift.reports.report import DriftReport

if TYPE_CHECKING:
    import pandas as pd


def evidence_table(report: DriftReport) -> pd.DataFrame:
    """A report's columns as the rows of a small table."""
    import pandas as pd

    return pd.DataFrame(
        {
            "column": [column.name for column in report.columns],
            "drifted": [column.drifted for column in report.columns],
            "p": [column.adjusted for column in report.columns],
            "psi": [column.effects.psi for column in report.columns],
            "test": [column.test for column in report.columns],
            "sentence": [column.sentence for column in report.columns],
            "shares": [[list(pair) for pair in column.shares] for column in report.columns],
        }
    )


def drift_suite(report: DriftReport, name: str) -> Any:
    """The suite: every column is expected to match its baseline."""
    from great_expectations import ExpectationSuite

    from tasks.drift.reports.expectation_types import ExpectColumnToMatchBaseline

    return ExpectationSuite(
        name=name,
        expectations=[
            ExpectColumnToMatchBaseline(
                column=column.name,
                alpha=report.alpha,
                meta={"check": f"drift of {column.name}", "promise": report.promise},
            )
            for column in report.columns
        ],
    )


def validate_drift(report: DriftReport, name: str, context: Any = None) -> Any:
    """Validate a report.

    Args:
        report: What the check found.
        name: Of the suite, e.g. ``sales-drift``.
        context: An existing context to stand in; an ephemeral one by default.

    Returns:
        Great Expectations' suite result, which is successful when no column drifted.
    """
    import great_expectations as gx

    context = context or gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    sources = context.data_sources
    source = sources.all().get("drift") if "drift" in sources.all() else sources.add_pandas("drift")
    assets = {asset.name: asset for asset in source.assets}
    asset = assets.get(name) or source.add_dataframe_asset(name)
    definitions = {item.name: item for item in asset.batch_definitions}
    definition = definitions.get(name) or asset.add_batch_definition_whole_dataframe(name)
    batch = definition.get_batch(batch_parameters={"dataframe": evidence_table(report)})
    return batch.validate(drift_suite(report, name), result_format="BASIC")
