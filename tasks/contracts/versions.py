"""The contract that is in force: what data were last judged by, kept in S3.

A contract in a file may be edited by anybody; here stands what readers rely on. A version that
breaks them without saying so is stopped before a row is read.
"""

from __future__ import annotations

from tasks import objects
from tasks.contracts.model import Contract
from tasks.contracts.odcs.evolution import Evolution, evolution
from tasks.contracts.reports.report import ContractReport
from tasks.errors import InvalidContract
from tasks.stored import parsed


def put_in_force(contract: Contract, bucket: str) -> Evolution | None:
    """Compare with the version in force, and take its place when readers survive that.

    Args:
        contract: As its file stands now.
        bucket: Work bucket; the version in force lies at ``contracts/<dataset>.json``.

    Returns:
        What changed; None when nothing was in force. An older version than the one in force is
        compared, and takes nobody's place.

    Raises:
        InvalidContract: the change is breaking and no new major version says so, or the contract
            changed under the same version; with the diff.
    """
    key = f"contracts/{contract.dataset}.json"
    body = contract.model_dump_json().encode()
    record = objects.read(bucket, key)
    if record is None:
        if objects.create(bucket, key, body) is None:
            return put_in_force(contract, bucket)
        return None
    standing = parsed(Contract, record.body, f"s3://{bucket}/{key}")
    changed = evolution(standing, contract)
    if _numbers(contract.version) < _numbers(standing.version):
        return changed  # an older checkout judges by its own; what is in force stays
    verdict = changed.verdict()
    if verdict.outcome != "pass":
        raise InvalidContract(
            f"Contract {contract.dataset} {contract.version}: {verdict.reason}\n",
            "Raise the contract's version (the major one for a breaking change), or undo it.",
        )
    if changed.changes and objects.swap(bucket, key, body, etag=record.etag) is None:
        return put_in_force(contract, bucket)
    return changed


def with_change(report: ContractReport, changed: Evolution | None) -> ContractReport:
    """The report with a notice of what changed in its contract."""
    if changed is None or not changed.changes:
        return report
    notice = f"Contract {changed.old} → {changed.new}: {changed.diff()}"
    return report.model_copy(update={"notices": (*report.notices, notice)})


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.lstrip("v").split(".") if part.isdigit())
