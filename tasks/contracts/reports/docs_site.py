"""Great Expectations' Data Docs, built in a local folder from the batches' results taken together.

They are a courtesy: whatever goes wrong here becomes a notice and never touches the verdict.
They are made to stand alone (`self_contained`): as Great Expectations writes them they fetch their
style from other hosts, and draw their index by strangers' scripts.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from tasks.contracts.model import Contract
from tasks.contracts.reports import self_contained
from tasks.values import Snapshot

SITE = "sluice"
DOCS = "docs"
RESULT = "suite-result.json"
SHOWN = 5
ADDED = ("element_count", "unexpected_count", "missing_count")


class Merged:
    """Results of many batches as one, bounded: counts are added, examples are few."""

    def __init__(self) -> None:
        self._entries: dict[str, dict[str, Any]] = {}

    def add(self, result: Any) -> None:
        """Take in what one batch gave."""
        for item in result.results:
            check = str(item.expectation_config.meta["check"])
            entry = self._entries.setdefault(
                check, {"config": item.expectation_config, "success": True, "result": {}}
            )
            entry["success"] = entry["success"] and bool(item.success)
            for name in ADDED:
                if name in item.result:
                    entry["result"][name] = entry["result"].get(name, 0) + int(item.result[name])
            kept = entry["result"].setdefault("partial_unexpected_list", [])
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
                success=entry["success"],
                expectation_config=entry["config"],
                result=_with_percent(entry["result"]),
            )
            for entry in self._entries.values()
        ]
        return ExpectationSuiteValidationResult(
            results=results,
            suite_name=name,
            meta={"active_batch_definition": {"data_asset_name": name}},
            **_counted([bool(item.success) for item in results]),
        )


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float | bool) else str(value)


def _with_percent(result: dict[str, Any]) -> dict[str, Any]:
    total = max(1, result.get("element_count", 0))
    percent = 100.0 * result.get("unexpected_count", 0) / total
    return {**result, "unexpected_percent": percent}


def built(merged: Merged, contract: Contract, snapshot: Snapshot, out_dir: Path) -> tuple[str, ...]:
    """Write the result and render its pages below ``out_dir``; notices when that failed."""

    def render() -> None:
        result = merged.suite_result(name_of(contract))
        (out_dir / RESULT).write_text(json.dumps(result.to_json_dict()), encoding="utf-8")
        _render(result, snapshot, out_dir / DOCS)

    return _as_courtesy(render)


def enlarged(
    more: Sequence[Mapping[str, Any]], snapshot: Snapshot, out_dir: Path
) -> tuple[str, ...]:
    """Put results of other expectations into the contract's own result and pages.

    Args:
        more: Results as Great Expectations write them (``to_json_dict``); their expectation types
            must be known to this process.
        snapshot: What was judged.
        out_dir: Where :func:`built` wrote.

    Returns:
        Notices when that failed.
    """

    def render() -> None:
        from great_expectations.core.expectation_validation_result import (
            ExpectationSuiteValidationResultSchema,
        )

        document = json.loads((out_dir / RESULT).read_text(encoding="utf-8"))
        kept = [item for item in document["results"] if not _again(item, more)]
        results = [*kept, *more]
        document |= {"results": results} | _counted([bool(item["success"]) for item in results])
        (out_dir / RESULT).write_text(json.dumps(document), encoding="utf-8")
        _render(ExpectationSuiteValidationResultSchema().load(document), snapshot, out_dir / DOCS)

    return _as_courtesy(render)


def _again(item: Mapping[str, Any], more: Sequence[Mapping[str, Any]]) -> bool:
    config = item["expectation_config"]
    return any(
        (config["type"], config["kwargs"])
        == (new["expectation_config"]["type"], new["expectation_config"]["kwargs"])
        for new in more
    )


def name_of(contract: Contract) -> str:
    """The suite's name in Great Expectations."""
    return f"{contract.dataset}-{contract.version.replace('.', '-')}"


def _counted(successes: Sequence[bool]) -> dict[str, Any]:
    passed = sum(successes)
    return {
        "success": passed == len(successes),
        "statistics": {
            "evaluated_expectations": len(successes),
            "successful_expectations": passed,
            "unsuccessful_expectations": len(successes) - passed,
            "success_percent": 100.0 * passed / max(1, len(successes)),
        },
    }


def _as_courtesy(render: Callable[[], None]) -> tuple[str, ...]:
    from tasks.contracts.validation.suite import LOCK

    try:
        with LOCK:
            render()
    except Exception as error:  # noqa: BLE001 - docs never change the verdict
        reason = " ".join(str(error).split())[:200]
        return (f"Data Docs were not built: {type(error).__name__}: {reason}",)
    return ()


def _render(result: Any, snapshot: Snapshot, folder: Path) -> None:
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    from tasks.contracts.validation.suite import context

    data_context = context()
    shutil.rmtree(folder, ignore_errors=True)
    key = ValidationResultIdentifier(
        ExpectationSuiteIdentifier(result.suite_name),
        # The same snapshot makes the same page, so that only what changed is sent.
        RunIdentifier(
            run_name=snapshot.fingerprint[:16],
            run_time=datetime.combine(snapshot.end, time(), tzinfo=UTC),
        ),
        snapshot.fingerprint[:16],
    )
    data_context.add_data_docs_site(
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
        data_context.validation_results_store.set(key, result)
        data_context.build_data_docs(site_names=[SITE], resource_identifiers=[key])
        _enclose(folder, result, snapshot)
    finally:
        data_context.delete_data_docs_site(SITE)
        data_context.validation_results_store.remove_key(key)


def _enclose(folder: Path, result: Any, snapshot: Snapshot) -> None:
    """Leave pages that need no other host: their own index, and none of the fonts and logos."""
    shutil.rmtree(folder / "static", ignore_errors=True)
    lines = []
    for page in sorted((folder / "validations").rglob("*.html")):
        page.write_text(self_contained.enclosed(page.read_text("utf-8")), encoding="utf-8")
        words = f"{result.suite_name}, {snapshot.start} to {snapshot.end}"
        lines.append((bool(result.success), words, page.relative_to(folder).as_posix()))
    text = self_contained.index(f"Data Docs of {result.suite_name}", lines)
    (folder / "index.html").write_text(text, encoding="utf-8")
