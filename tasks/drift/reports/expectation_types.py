"""The custom expectation and its metric. Imports Great Expectations: import it late."""

from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine.pandas_execution_engine import PandasExecutionEngine
from great_expectations.expectations.expectation import (
    BatchExpectation,
    render_suite_parameter_string,
)
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.table_metric_provider import TableMetricProvider
from great_expectations.render.components import (
    LegacyDiagnosticRendererType,
    LegacyRendererType,
    RenderedStringTemplateContent,
)
from great_expectations.render.renderer.renderer import renderer
from great_expectations.validator.metric_configuration import MetricConfiguration

from tasks.drift.reports.pictures import outline

METRIC = "sluice.drift_evidence"


class DriftEvidence(TableMetricProvider):
    """What a report says of one column."""

    metric_name = METRIC
    value_keys = ("column",)

    @metric_value(engine=PandasExecutionEngine)
    def _pandas(
        cls,  # noqa: N805 - Great Expectations passes the class
        execution_engine: PandasExecutionEngine,
        metric_domain_kwargs: dict[str, Any],
        metric_value_kwargs: dict[str, Any],
        metrics: dict[str, Any],  # noqa: ARG002
        runtime_configuration: dict[str, Any],  # noqa: ARG002
    ) -> dict[str, Any]:
        table, _, _ = execution_engine.get_compute_domain(
            domain_kwargs=metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE
        )
        rows = table[table["column"] == metric_value_kwargs["column"]]
        if rows.empty:
            return {}
        row = rows.iloc[0]
        # Plain Python values: Great Expectations cannot write NumPy's.
        return {
            "drifted": bool(row["drifted"]),
            "p": float(row["p"]),
            "psi": float(row["psi"]),
            "test": str(row["test"]),
            "sentence": str(row["sentence"]),
            "shares": row["shares"],
        }


class ExpectColumnToMatchBaseline(BatchExpectation):
    """Expect a column's distribution to be the baseline's, within one check's error budget.

    Evaluated on the evidence of profiles: a batch whose rows are the columns of a drift report.
    """

    column: str
    alpha: float

    domain_keys: ClassVar[tuple[str, ...]] = ("batch_id",)
    metric_dependencies: ClassVar[tuple[str, ...]] = (METRIC,)
    success_keys: ClassVar[tuple[str, ...]] = ("column", "alpha")
    args_keys: ClassVar[tuple[str, ...]] = ("column", "alpha")

    def get_validation_dependencies(
        self, execution_engine: Any = None, runtime_configuration: Any = None
    ) -> Any:
        """The one metric, of this expectation's column."""
        dependencies = super().get_validation_dependencies(execution_engine, runtime_configuration)
        domain = dependencies.metric_configurations[METRIC].metric_domain_kwargs
        dependencies.set_metric_configuration(
            metric_name=METRIC,
            metric_configuration=MetricConfiguration(
                metric_name=METRIC,
                metric_domain_kwargs=domain,
                metric_value_kwargs={"column": self.column},
            ),
        )
        return dependencies

    def _validate(
        self,
        metrics: dict[str, Any],
        runtime_configuration: Any = None,  # noqa: ARG002
        execution_engine: Any = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        evidence = metrics[METRIC]
        if not evidence:
            return {"success": False, "result": {"observed_value": "the column was not profiled"}}
        return {
            "success": not evidence["drifted"],
            "result": {
                "observed_value": f"p = {evidence['p']:.3g}, PSI {evidence['psi']:.3f}",
                "details": evidence,
            },
        }

    @classmethod
    @renderer(renderer_type=LegacyRendererType.PRESCRIPTIVE)
    @render_suite_parameter_string
    def _prescriptive_renderer(
        cls, configuration: Any = None, result: Any = None, runtime_configuration: Any = None
    ) -> list[Any]:
        del runtime_configuration
        kwargs = (configuration or result.expectation_config).kwargs
        return [
            RenderedStringTemplateContent(
                content_block_type="string_template",
                string_template={
                    "template": "distribution must match the baseline's (p ≥ $alpha)",
                    "params": {"alpha": f"{kwargs['alpha']:.2g}"},
                },
            )
        ]

    @classmethod
    @renderer(renderer_type=LegacyDiagnosticRendererType.OBSERVED_VALUE)
    def _observed_renderer(
        cls, configuration: Any = None, result: Any = None, runtime_configuration: Any = None
    ) -> Any:
        del configuration, runtime_configuration
        details = result.result.get("details") or {}
        shares = details.get("shares") or []
        if not shares:
            return str(result.result.get("observed_value", "--"))
        said = f"{result.result['observed_value']}. {details['sentence']}".rstrip(" .")
        return RenderedStringTemplateContent(
            content_block_type="string_template",
            string_template={
                "template": f"$picture {said.replace('$', '$$')} (grey: the champion's data).",
                "params": {"picture": ""},
                "styling": {
                    "params": {
                        "picture": {"tag": "img", "attributes": {"src": outline(shares), "alt": ""}}
                    }
                },
            },
        )
