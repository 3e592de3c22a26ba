"""Build processed/ and training-data/ from raw/: only what is new, and as often as you like."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Any

from prefect import flow
from prefect.states import Completed, Failed

from flows.forms import ALL, menu
from flows.recipe import work_folder
from tasks.contracts import Contract, load_contract
from tasks.contracts.curation.curated import curated_contracts
from tasks.contracts.tasks import (
    assemble_records,
    check_contract,
    curated_rows,
    curation_plan,
    fold_in,
    label_records,
)
from tasks.errors import DataError, SluiceError
from tasks.lake.formats import LocalReader
from tasks.lake.layout import narrowed
from tasks.lake.tasks import everything, pull_snapshot
from tasks.reports.artifacts import logger
from tasks.settings import settings

Dataset = Annotated[str, menu("data sets or all")]


@flow(name="curate", flow_run_name="{dataset} · curate")
def curate(dataset: Dataset = ALL) -> Any:
    """Fold new raw objects into processed/, and put records beside their outcomes.

    Late and corrected records take their place by key and event time. Safe to repeat and to kill at
    any line: with nothing new it does nothing, and what a dead run began is done again, to the same
    bytes.

    Args:
        dataset: Which data set; "all" takes every one whose records change, and goes on past one
            that is in trouble; the run then fails and says which were left out.
    """
    folder = settings().contracts_dir
    known, broken = curated_contracts(folder)
    if dataset != ALL:
        known.setdefault(dataset, load_contract(dataset, folder))
    chosen = frozenset(known) if dataset == ALL else frozenset({dataset})
    told: list[str] = []
    wrong = [f"{name} was left out: {why}" for name, why in broken.items()]
    wrong = wrong if dataset == ALL else []
    for name, step in _steps(known, chosen):
        try:
            said = step()
        except SluiceError as error:  # one data set in trouble does not stop the others
            if dataset != ALL:
                raise
            wrong.append(f"{name} was left out: {error}")
            continue
        told += [said] if said else []
    message = "; ".join([*wrong, *told]) or "No data set has records that change."
    return Failed(message=message) if wrong else Completed(message=message)


def _steps(
    known: Mapping[str, Contract], chosen: frozenset[str]
) -> Iterator[tuple[str, Callable[[], str]]]:
    """What is to be done, in order: hosts before what is embedded in them, labels last."""
    ordered = sorted(known.values(), key=lambda contract: contract.embedded_in is not None)
    touched = set(chosen)
    for contract in ordered:
        if contract.dataset in chosen:
            yield contract.dataset, partial(bring_up_to_date, contract)
        elif contract.embedded_in and contract.embedded_in.dataset in chosen:
            touched.add(contract.dataset)
            yield contract.dataset, partial(_put_together, contract)
    for contract in ordered:
        if contract.labelled_by and {contract.dataset, contract.labelled_by} & touched:
            yield contract.dataset, partial(_label, contract)


def _label(contract: Contract) -> str:
    outcomes = load_contract(contract.labelled_by, settings().contracts_dir)
    found, changed = label_records(settings().lake_bucket, contract, outcomes)
    return f"{found.labelled:,} of its records have an outcome" if changed else ""


def _put_together(contract: Contract) -> str:
    """Records of a contract that merges versions; "" when none changed and none waits."""
    if not contract.merges:
        return ""
    inside = contract.embedded_in
    host = load_contract(inside.dataset, settings().contracts_dir) if inside else None
    found = assemble_records(settings().lake_bucket, contract, host)
    waits = f", {found.waiting:,} wait for what a record must have" if found.waiting else ""
    changed = found.written or waits
    return f"{contract.dataset}: {found.complete:,} records{waits}" if changed else ""


def bring_up_to_date(contract: Contract) -> str:
    """Curate one data set; what was done, in a few words.

    Raises:
        ContractViolated: more of the new rows broke the contract than it allows; nothing was
            folded in.
        InvalidContract: it is embedded in a data set whose contract does not fit.
    """
    return "; ".join(filter(None, [_fold_new(contract), _put_together(contract)]))


def _fold_new(contract: Contract) -> str:
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
