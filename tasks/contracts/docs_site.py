"""Great Expectations' Data Docs, built in a local folder from the batches' results taken together.

They are a courtesy: whatever goes wrong here becomes a notice and never touches the verdict.
(The pages load their style from a CDN; what must be read offline is our own report.)
"""

from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from tasks.contracts.model import Contract
from tasks.values import Snapshot

SITE = "sluice"
SHOWN = 5
ADDED = ("element_count", "unexpected_count", "missing_count")


class Merged:
    """Results of many batches as one, bounded: counts are added, examples are few."""

    def __init__(self) -> None:
        self._found: dict[str, dict[str, Any]] = {}

    def add(self, result: Any) -> None:
        """Take in what one batch gave."""
        for item in result.results:
            check = str(item.expectation_config.meta["check"])
            held = self._found.setdefault(
                check, {"config": item.expectation_config, "success": True, "result": {}}
            )
            held["success"] = held["success"] and bool(item.success)
            for name in ADDED:
                if name in item.result:
                    held["result"][name] = held["result"].get(name, 0) + int(item.result[name])
            kept = held["result"].setdefault("partial_unexpected_list", [])
            more = item.result.get("partial_unexpected_list") or []
            kept += [_plain(value) for value in more[: SHOWN - len(kept)]]

    def suite_result(self, name: str) -> Any:
        """One result for the whole snapshot, as Great Expectations would write it."""
        from great_expectations.core import (
            ExpectationSuiteValidationResult,
            ExpectationValidationResult,
        )

        results = [
            ExpectationValidationResult(
                success=held["success"],
                expectation_config=held["config"],
                result=_with_percent(held["result"]),
            )
            for held in self._found.values()
        ]
        passed = sum(bool(item.success) for item in results)
        return ExpectationSuiteValidationResult(
            success=passed == len(results),
            results=results,
            suite_name=name,
            statistics={
                "evaluated_expectations": len(results),
                "successful_expectations": passed,
                "unsuccessful_expectations": len(results) - passed,
                "success_percent": 100.0 * passed / max(1, len(results)),
            },
            meta={"active_batch_definition": {"data_asset_name": name}},
        )


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else str(value)


def _with_percent(result: dict[str, Any]) -> dict[str, Any]:
    total = max(1, result.get("element_count", 0))
    percent = 100.0 * result.get("unexpected_count", 0) / total
    return {**result, "unexpected_percent": percent}


def built(merged: Merged, contract: Contract, snapshot: Snapshot, folder: Path) -> tuple[str, ...]:
    """Render the pages into ``folder``; notices when that failed."""
    try:
        _build(merged, contract, snapshot, folder)
    except Exception as error:  # noqa: BLE001 - docs never change the verdict
        said = " ".join(str(error).split())[:200]
        return (f"Data Docs were not built: {type(error).__name__}: {said}",)
    return ()


def _build(merged: Merged, contract: Contract, snapshot: Snapshot, folder: Path) -> None:
    from tasks.contracts.suite import LOCK, context

    with LOCK:
        made = context()
        from great_expectations.core.run_identifier import RunIdentifier
        from great_expectations.data_context.types.resource_identifiers import (
            ExpectationSuiteIdentifier,
            ValidationResultIdentifier,
        )

        name = f"{contract.dataset}-{contract.version.replace('.', '-')}"
        key = ValidationResultIdentifier(
            ExpectationSuiteIdentifier(name),
            # The same snapshot makes the same page, so that only what changed is sent.
            RunIdentifier(
                run_name=snapshot.fingerprint[:16],
                run_time=datetime.combine(snapshot.end, time(), tzinfo=UTC),
            ),
            snapshot.fingerprint[:16],
        )
        made.add_data_docs_site(
            SITE,
            {
                "class_name": "SiteBuilder",
                "store_backend": {
                    "class_name": "TupleFilesystemStoreBackend",
                    "base_directory": str(folder),
                },
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
            },
        )
        try:
            made.validation_results_store.set(key, merged.suite_result(name))
            made.build_data_docs(site_names=[SITE], resource_identifiers=[key])
        finally:
            made.delete_data_docs_site(SITE)
            made.validation_results_store.remove_key(key)
