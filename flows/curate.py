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
    contracts, faults = curated_contracts(folder)
    if dataset != ALL:
        contracts.setdefault(dataset, load_contract(dataset, folder))
    datasets = frozenset(contracts) if dataset == ALL else frozenset({dataset})
    sentences: list[str] = []
    wrong = [f"{name} was left out: {why}" for name, why in faults.items()]
    wrong = wrong if dataset == ALL else []
    for name, step in _steps(contracts, datasets):
        try:
            sentence = step()
        except SluiceError as error:  # one data set in trouble does not stop the others
            if dataset != ALL:
                raise
            wrong.append(f"{name} was left out: {error}")
            continue
        sentences += [sentence] if sentence else []
    message = "; ".join([*wrong, *sentences]) or "No data set has records that change."
    return Failed(message=message) if wrong else Completed(message=message)


def _steps(
    contracts: Mapping[str, Contract], datasets: frozenset[str]
) -> Iterator[tuple[str, Callable[[], str]]]:
    """What is to be done, in order: hosts before what is embedded in them, labels last."""
    order = sorted(contracts.values(), key=lambda contract: contract.embedded_in is not None)
    updates = set(datasets)
    for contract in order:
        if contract.dataset in datasets:
            yield contract.dataset, partial(bring_up_to_date, contract)
        elif contract.embedded_in and contract.embedded_in.dataset in datasets:
            updates.add(contract.dataset)
            yield contract.dataset, partial(_put_together, contract)
    for contract in order:
        if contract.labelled_by and {contract.dataset, contract.labelled_by} & updates:
            yield contract.dataset, partial(_label, contract)


def _label(contract: Contract) -> str:
    outcomes = load_contract(contract.labelled_by, settings().contracts_dir)
    labels, changed = label_records(settings().lake_bucket, contract, outcomes)
    return f"{labels.labelled:,} of its records have an outcome" if changed else ""


def _put_together(contract: Contract) -> str:
    """Records of a contract that merges versions; "" when none changed and none waits."""
    if not contract.merges:
        return ""
    inside = contract.embedded_in
    host = load_contract(inside.dataset, settings().contracts_dir) if inside else None
    assembly = assemble_records(settings().lake_bucket, contract, host)
    waits = f", {assembly.waiting:,} wait for what a record must have" if assembly.waiting else ""
    if assembly.reused:
        waits += f", {assembly.reused:,} keys bear several records and none is put together"
    changed = assembly.written or waits
    return f"{contract.dataset}: {assembly.complete:,} records{waits}" if changed else ""


def bring_up_to_date(contract: Contract) -> str:
    """Curate one data set; what was done, in a few words.

    Raises:
        ContractViolated: more of the new rows broke the contract than it allows; nothing was
            folded in.
        InvalidContract: it is embedded in a data set whose contract does not fit.
    """
    return "; ".join(filter(None, [_fold_new(contract), _put_together(contract)]))


def _fold_new(contract: Contract) -> str:
    snapshot = everything(contract.dataset, contract.location_prefix, contract.owns)
    if snapshot is None:
        return f"{contract.dataset}: the lake holds none"
    plan = curation_plan(contract, snapshot)
    if not plan.sources:
        return f"{contract.dataset}: {plan.reason}"
    part = narrowed(snapshot, plan.sources)
    work = work_folder("curate", contract.dataset, part.fingerprint[:16])
    report = check_contract(
        contract, part, pull_snapshot(part), work, LocalReader(), docs=False, increment=True
    )
    report.require_pass()
    fold = fold_in(contract, plan, snapshot, report, work)
    return (
        f"{contract.dataset}: {report.rows_in:,} rows in, {fold.rows_new:,} new, "
        f"{fold.rows_superseding:,} updated, {report.rows_quarantined:,} quarantined"
    )


def referenced(contract: Contract) -> dict[str, tuple[Path, ...]]:
    """Rows of the data sets that a contract's foreign keys name, brought up to date first.

    What cannot be had is left out, and the contract's report says so; it stops a run only where
    the contract does not call it a warning.
    """
    tables: dict[str, tuple[Path, ...]] = {}
    for name in sorted({reference.dataset for reference in contract.references}):
        other = load_contract(name, settings().contracts_dir)
        try:
            bring_up_to_date(other)
        except DataError as error:
            logger().warning(f"{name} could not be brought up to date: {error}")
            continue
        rows = curated_rows(settings().lake_bucket, other, work_folder("references", name))
        if rows is not None:
            tables[name] = rows
    return tables
