"""The contract stage's door: Prefect tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from tasks import objects
from tasks.contracts.curation.assembly import Assembled, assemble
from tasks.contracts.curation.curate import CurationPlan, Folded, plan
from tasks.contracts.curation.labelling import Labelled, build_training_data, join_key
from tasks.contracts.curation.merging import gathered
from tasks.contracts.curation.partitions import Curation, overtaken
from tasks.contracts.model import Contract
from tasks.contracts.reports.docs_site import enlarged
from tasks.contracts.reports.pages import curated_page, labelled_page, markdown
from tasks.contracts.reports.report import ContractReport
from tasks.contracts.store import publish, publish_docs
from tasks.contracts.validation import validate_snapshot
from tasks.contracts.validation.evidence import References
from tasks.contracts.versions import put_in_force, with_change
from tasks.reports.artifacts import key_for, logger, show
from tasks.retrying import retried
from tasks.settings import settings
from tasks.values import Snapshot, ValidatedData


@retried("contract")
def check_contract(
    contract: Contract,
    pinned: Snapshot,
    local_paths: Mapping[str, Path],
    out_dir: Path,
    read: Any,
    references: References | None = None,
    docs: bool = True,
    increment: bool = False,
    as_of: date | None = None,
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
        increment: These objects are what came lately, and no whole snapshot.
        as_of: The day from which age is counted (freshness, retention); today when None.

    Returns:
        The report with the addresses of what was published. It is returned whatever the outcome;
        ``report.require_pass()`` stops a run.

    Raises:
        InvalidContract: the contract changed in a way that its version does not admit.
    """
    changed = put_in_force(contract, settings().work_bucket)
    report = validate_snapshot(
        contract.increment if increment else contract.whole,
        pinned,
        local_paths,
        out_dir,
        read=read,
        references=references,
        docs=docs,
        as_of=as_of or datetime.now(UTC).date(),
    )
    addresses = publish(report, out_dir)
    report = with_change(report, changed).model_copy(update={"addresses": dict(addresses)})
    logger().info(f"Contract {contract.dataset} {contract.version}: {report.reason}")
    show(key_for("contract", contract.dataset), markdown(report), "What every row was checked")
    return report


@retried("add expectations")
def add_expectations(
    data: ValidatedData, report: ContractReport, more: Sequence[Mapping[str, Any]]
) -> str:
    """Let other expectations' results stand in the contract's suite result and Data Docs.

    Returns:
        Address of the pages, "" when they could not be made; the verdict is never touched.
    """
    notices = enlarged(more, data.snapshot, data.work)
    addresses = {} if notices else publish_docs(report, data.work)
    for notice in notices:
        logger().warning(notice)
    where = addresses.get("docs", "")
    if where:
        logger().info(f"{len(more)} more expectations stand in {where}")
    return where


@retried("what is to be curated")
def curation_plan(contract: Contract, pinned: Snapshot) -> CurationPlan:
    """Which raw objects are not folded in yet."""
    chosen = plan(Curation(pinned.bucket, contract).state(), pinned, contract)
    logger().info(f"{contract.dataset}: {chosen.reason}")
    return chosen


@retried("fold in")
def fold_in(
    contract: Contract,
    chosen: CurationPlan,
    pinned: Snapshot,
    report: ContractReport,
    out_dir: Path,
) -> Folded:
    """Bring ``processed/`` up to date with the good rows that :func:`check_contract` left.

    Raises:
        DataError: another run curates the same data set.
    """
    side = Curation(pinned.bucket, contract)
    state = side.state()
    now = plan(state, pinned, contract)
    if (now.sources, now.rebuild) != (chosen.sources, chosen.rebuild):
        raise overtaken(pinned.bucket, contract.processed_prefix)
    folded = side.apply(chosen, state, pinned, [out_dir / name for name in report.good_files])
    show(
        key_for("curated", contract.dataset),
        curated_page(contract.dataset, chosen, report, folded),
        "What became of the raw rows",
    )
    return folded


@retried("records")
def assemble_records(bucket: str, contract: Contract, host: Contract | None) -> Assembled:
    """Put the kept versions of a data set together, with those inside another one's records.

    Raises:
        InvalidContract: the two contracts do not fit each other.
        DataError: another run curates the same data set.
    """
    counts = assemble(Curation(bucket, contract), Curation(bucket, host) if host else None)
    logger().info(
        f"{contract.dataset}: {counts.complete:,} records, {counts.waiting:,} wait for what a "
        f"record must have; {counts.written:,} partitions were written"
    )
    _tell_reused(contract, counts.reused)
    return counts


@retried("records of the snapshot")
def gather_records(contract: Contract, data: ValidatedData) -> ValidatedData:
    """One row a record to learn from, where the good rows are versions of records."""
    if not contract.merges:
        return data
    records = data.work / "records"
    versions, complete, reused = gathered(data.good, records, contract)
    logger().info(f"{contract.dataset}: {versions:,} versions of {complete:,} complete records")
    _tell_reused(contract, reused)
    return replace(data, records=records)


def _tell_reused(contract: Contract, reused: int) -> None:
    if reused:
        logger().warning(
            f"{contract.dataset}: {reused:,} keys bear several records, whose versions differ in "
            f"{', '.join(contract.record_same)}; none of them is put together, all are kept"
        )


@retried("training data")
def label_records(bucket: str, records: Contract, outcomes: Contract) -> tuple[Labelled, bool]:
    """Bring ``training-data/labeled`` and ``unlabeled`` up to date; whether that was needed."""
    counts, changed = build_training_data(
        bucket,
        records.training_prefix,
        Curation(bucket, records),
        Curation(bucket, outcomes),
        join_key(records, outcomes),
    )
    if changed:
        place = f"s3://{bucket}/{records.training_prefix}"
        page = labelled_page(records.dataset, place, counts)
        show(key_for("training-data", records.dataset), page, "Records beside their outcomes")
    return counts, changed


@retried("referenced rows")
def curated_rows(bucket: str, contract: Contract, folder: Path) -> tuple[Path, ...] | None:
    """Local copies of a curated data set, for foreign keys; None when it was never curated."""
    side = Curation(bucket, contract)
    state = side.state()
    if state is None:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, item in sorted(state.records.items()):
        path = folder / f"{item.sha256[:32]}.parquet"
        if not path.exists():
            file = objects.read(bucket, side.key(name))
            if file is None:
                raise overtaken(bucket, side.key(name))
            path.write_bytes(file.body)
        paths.append(path)
    return tuple(paths)
