"""The Great Expectations side: a suite made from checks, run on one typed batch at a time.

The only module that imports Great Expectations (6 s), and only when something is to be judged.
Row numbers of what failed come from its own results, complete; nothing of them is kept.
"""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd

from tasks.contracts.model import Contract
from tasks.contracts.moments.bounds import comparable
from tasks.contracts.odcs.columns import MOMENTS
from tasks.contracts.validation.checks import RowCheck

RESULT_FORMAT: Mapping[str, Any] = {
    "result_format": "COMPLETE",
    "return_unexpected_index_query": False,
    "include_unexpected_rows": False,
}
PAIRS = "expect_column_pair_values_"
LOCK = threading.Lock()
"""Great Expectations keeps state per process; suites run one after the other."""


@dataclass(frozen=True)
class Judged:
    """What one check said of one batch: positions of the rows that failed, or an error.

    ``values`` counts the rows that it looked at: those where something was.
    """

    failed: np.ndarray
    error: str = ""
    values: int = 0


def great_expectations() -> Any:
    """The package, imported on first use, telling nobody about it."""
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    import great_expectations as gx

    return gx


@lru_cache(maxsize=1)
def context() -> Any:
    """One ephemeral context for the process: no files, no progress bars."""
    data_context = great_expectations().get_context(mode="ephemeral")
    data_context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    return data_context


@lru_cache(maxsize=1)
def _batches() -> Any:
    source = context().data_sources.add_pandas("sluice")
    return source.add_dataframe_asset("batch").add_batch_definition_whole_dataframe("batch")


class Suite:
    """Checks as one Great Expectations suite, built once and run on many batches.

    Args:
        contract: Names the suite; types its bounds.
        checks: Those with an expectation; order does not matter.
    """

    def __init__(self, contract: Contract, checks: Sequence[RowCheck], name: str = "rows") -> None:
        self.checks = tuple(check for check in checks if check.expectation)
        self.name = f"{contract.dataset}-{contract.version}-{name}"
        self._columns = {column.name: column for column in contract.columns}
        self._suite: Any = None

    def run(self, frame: pd.DataFrame) -> tuple[Mapping[str, Judged], Any]:
        """Judge one batch whose index is 0, 1, 2 ….

        Returns:
            By check id, which rows failed; and the result as Great Expectations made it, or None
            when the suite could not run at all (then each check carries the error).
        """
        if not self.checks:
            return {}, None
        try:
            with LOCK, warnings.catch_warnings():
                # Groups in a contract's pattern are for people; pandas warns of each.
                warnings.filterwarnings("ignore", ".*has match groups", UserWarning)
                # Great Expectations compares moments in a way that a later pandas will not know.
                warnings.filterwarnings("ignore", "Series.values returning an ndarray")
                if self._suite is None:
                    self._suite = self._built()
                batch = _batches().get_batch({"dataframe": frame})
                result = batch.validate(self._suite, result_format=dict(RESULT_FORMAT))
        except Exception as error:  # noqa: BLE001 - whatever it raises is "could not measure"
            reason = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
            return {check.id: Judged(np.arange(0), reason) for check in self.checks}, None
        by_check = {
            str(item.expectation_config.meta["check"]): _judged(item) for item in result.results
        }
        silent = Judged(np.arange(0), "Great Expectations gave no result")
        return {check.id: by_check.get(check.id, silent) for check in self.checks}, result

    def _built(self) -> Any:
        gx = great_expectations()
        return gx.ExpectationSuite(
            name=self.name, expectations=[self._expectation(check) for check in self.checks]
        )

    def _expectation(self, check: RowCheck) -> Any:
        import great_expectations.expectations as gxe

        kwargs = {key: value for key, value in check.kwargs.items() if value is not None}
        column = self._columns.get(str(kwargs.get("column")))
        if column is not None and column.type in MOMENTS:
            for bound in ("min_value", "max_value"):
                if bound in kwargs:
                    kwargs[bound] = comparable(column, kwargs[bound])
            if "value_set" in kwargs:
                kwargs["value_set"] = [comparable(column, text) for text in kwargs["value_set"]]
        if check.expectation.startswith(PAIRS):
            kwargs.setdefault("ignore_row_if", "either_value_is_missing")
        name = "".join(part.capitalize() for part in check.expectation.split("_"))
        expectation_class = getattr(gxe, name)
        return expectation_class(**kwargs, meta={"check": check.id, "rule": check.rule})


def _judged(item: Any) -> Judged:
    """What one expectation said: the rows that failed, and nothing less than its own verdict."""
    raised = _raised(item.exception_info)
    if raised:
        return Judged(np.arange(0), raised)
    result = item.result or {}
    positions = result.get("unexpected_index_list") or []
    counted = result.get("unexpected_count")
    if counted is not None and int(counted) != len(positions):
        reason = f"it counted {counted} failing rows and named {len(positions)}"
        return Judged(np.arange(0), reason)
    if not positions and not bool(item.success):
        reason = (
            f"it failed without naming a row (observed: {result.get('observed_value', 'nothing')})"
        )
        return Judged(np.arange(0), reason[:300])
    there = int(result.get("element_count") or 0) - int(result.get("missing_count") or 0)
    return Judged(np.asarray(positions, dtype=np.int64), values=there)


def _raised(info: Any) -> str:
    """The exception of one expectation; its shape differs by where it was raised."""
    if not info:
        return ""
    if "raised_exception" in info:
        entries = [info]
    else:
        entries = [entry for entry in info.values() if isinstance(entry, dict)]
    for entry in entries:
        if entry.get("raised_exception"):
            return " ".join(str(entry.get("exception_message")).split())[:300] or "unknown error"
    return ""
