"""The contract stage's door: Prefect tasks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.contracts.evidence import References
from tasks.contracts.model import Contract
from tasks.contracts.report import ContractReport
from tasks.contracts.store import publish
from tasks.contracts.validation import validate_snapshot
from tasks.contracts.versions import put_in_force, with_change
from tasks.reports.artifacts import key_for, logger, show
from tasks.retrying import if_it_helps
from tasks.settings import settings
from tasks.values import Snapshot


@task(
    name="contract",
    retries=2,
    retry_delay_seconds=5,
    retry_condition_fn=if_it_helps,
    cache_policy=NO_CACHE,
)
def check_contract(
    contract: Contract,
    pinned: Snapshot,
    local_paths: Mapping[str, Path],
    out_dir: Path,
    read: Any,
    references: References | None = None,
    docs: bool = True,
) -> ContractReport:
    """Judge every row, set the bad ones aside in S3, show the report.

    Args:
        contract: What the data must be.
        pinned: Which objects.
        local_paths: Local copy by object key.
        out_dir: Working folder; ``good/`` below it is what training may see.
        read: A ``tasks.lake.formats.LocalReader``.
        references: Other data sets' good rows, for foreign keys.
        docs: Build Great Expectations' Data Docs too.

    Returns:
        The report with the addresses of what was published. It is returned whatever the outcome;
        ``report.require_pass()`` stops a run.

    Raises:
        InvalidContract: the contract changed in a way that its version does not admit.
    """
    changed = put_in_force(contract, settings().work_bucket)
    found = validate_snapshot(
        contract, pinned, local_paths, out_dir, read=read, references=references, docs=docs
    )
    addresses = publish(found, out_dir)
    report = with_change(found, changed).model_copy(update={"addresses": dict(addresses)})
    logger().info(f"Contract {contract.dataset} {contract.version}: {report.reason}")
    show(key_for("contract", contract.dataset), report.to_markdown(), "What every row was checked")
    return report
