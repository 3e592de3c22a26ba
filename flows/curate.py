"""Build processed/ and training-data/ from raw/: only what is new, and as often as you like."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from prefect import flow
from prefect.states import Completed
from pydantic import Field

from flows.recipe import work_folder
from tasks.contracts import Contract, known_contracts, load_contract
from tasks.contracts.tasks import (
    check_contract,
    curated_rows,
    curation_plan,
    fold_in,
    label_records,
)
from tasks.errors import DataError
from tasks.lake.formats import LocalReader
from tasks.lake.layout import narrowed
from tasks.lake.tasks import everything, pull_snapshot
from tasks.reports.artifacts import logger
from tasks.settings import settings

ALL = "all"


def _curated() -> dict[str, Contract]:
    """Contracts of the data sets whose records change: those that say a recordKey."""
    folder = settings().contracts_dir
    known = (load_contract(name, folder) for name in known_contracts(folder))
    return {contract.dataset: contract for contract in known if contract.key}


Dataset = Annotated[str, Field(json_schema_extra={"enum": [ALL, *_curated()]})]


@flow(name="curate", flow_run_name="{dataset} · curate")
def curate(dataset: Dataset = ALL) -> Any:
    """Fold new raw objects into processed/, and put records beside their outcomes.

    Late and corrected records take their place by key and event time. Safe to repeat and to kill at
    any line: with nothing new it does nothing, and what a dead run began is done again, to the same
    bytes.

    Args:
        dataset: Which data set; "all" takes every one whose records change.
    """
    known = _curated()
    chosen = (
        known if dataset == ALL else {dataset: load_contract(dataset, settings().contracts_dir)}
    )
    told = [bring_up_to_date(contract) for contract in chosen.values()]
    for contract in known.values():
        if contract.labelled_by and {contract.dataset, contract.labelled_by} & set(chosen):
            outcomes = load_contract(contract.labelled_by, settings().contracts_dir)
            found, changed = label_records(settings().lake_bucket, contract, outcomes)
            if changed:
                told.append(f"{found.labelled:,} of its records have an outcome")
    return Completed(message="; ".join(told) or "No data set has records that change.")


def bring_up_to_date(contract: Contract) -> str:
    """Curate one data set; what was done, in a few words.

    Raises:
        ContractViolated: more of the new rows broke the contract than it allows; nothing was
            folded in.
    """
    pinned = everything(contract.dataset, contract.location_prefix, contract.owns)
    if pinned is None:
        return f"{contract.dataset}: the lake holds none"
    chosen = curation_plan(contract, pinned)
    if not chosen.sources:
        return f"{contract.dataset}: {chosen.reason}"
    part = narrowed(pinned, chosen.sources)
    work = work_folder("curate", contract.dataset, part.fingerprint[:16])
    report = check_contract(
        contract, part, pull_snapshot(part), work, LocalReader(), docs=False, increment=True
    )
    report.require_pass()
    folded = fold_in(contract, chosen, pinned, report, work)
    return (
        f"{contract.dataset}: {report.rows_in:,} rows in, {folded.rows_new:,} new, "
        f"{folded.rows_superseding:,} updated, {report.rows_quarantined:,} quarantined"
    )


def referenced(contract: Contract) -> dict[str, tuple[Path, ...]]:
    """Rows of the data sets that a contract's foreign keys name, brought up to date first.

    What cannot be had is left out, and the contract's report says so; it stops a run only where
    the contract does not call it a warning.
    """
    found: dict[str, tuple[Path, ...]] = {}
    for name in sorted({reference.dataset for reference in contract.references}):
        other = load_contract(name, settings().contracts_dir)
        try:
            bring_up_to_date(other)
        except DataError as error:
            logger().warning(f"{name} could not be brought up to date: {error}")
            continue
        rows = curated_rows(settings().lake_bucket, other, work_folder("references", name))
        if rows is not None:
            found[name] = rows
    return found
