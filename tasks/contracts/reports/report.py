"""What a validation found, as a bounded value that people can read."""

from __future__ import annotations

from collections.abc import Mapping

from tasks.contracts.model import Kind, Severity
from tasks.errors import ContractViolated, DataError
from tasks.values import Check, Frozen, Outcome, Verdict

EXAMPLES = 5


class Example(Frozen):
    """One value that failed, and where it stands."""

    value: str
    source: str
    row: int


class ContractCheck(Frozen):
    """One check over the whole snapshot. ``failed`` rows of ``rows`` that were judged."""

    id: str
    rule: str
    outcome: Outcome
    severity: Severity = "error"
    quarantines: bool = False
    failed: int = 0
    rows: int = 0
    observed: str = ""
    bound: str = ""
    detail: str = ""
    examples: tuple[Example, ...] = ()


class UnreadableObject(Frozen):
    """An object that could not be decoded; it is set aside as a whole."""

    source: str
    version_id: str
    why: str


class ContractReport(Frozen):
    """The verdict on one snapshot, with its evidence.

    ``rows_in == rows_good + rows_quarantined`` and
    ``objects_in == objects_read + unreadable_count`` hold, or no report is made; markers and side
    files of the snapshot are no data, and counted apart (``objects_beside``).
    ``columns`` names what drift should profile, and how. Files are relative to the output folder.
    """

    dataset: str
    contract: str
    contract_version: str
    snapshot: str
    outcome: Outcome
    reason: str
    rows_in: int
    rows_good: int
    rows_quarantined: int
    objects_in: int
    objects_read: int
    objects_beside: int = 0
    quarantine_limit: float
    checks: tuple[ContractCheck, ...]
    unreadable: tuple[UnreadableObject, ...] = ()
    unreadable_count: int = 0
    notices: tuple[str, ...] = ()
    columns: Mapping[str, Kind] = {}
    good_files: tuple[str, ...] = ()
    quarantine_files: tuple[str, ...] = ()
    addresses: Mapping[str, str] = {}

    @property
    def quarantined_share(self) -> float:
        """Share of rows that were set aside; 0 when there were none."""
        return self.rows_quarantined / self.rows_in if self.rows_in else 0.0

    def verdict(self) -> Verdict:
        """The same as the value that stages meet through; row checks within the limit pass."""
        checks = (
            Check(
                name="quarantine",
                outcome=self.outcome,
                observed=f"{self.rows_quarantined:,} of {self.rows_in:,} rows",
                bound=f"≤ {self.quarantine_limit:.2%}",
            ),
            *(
                Check(
                    name=check.id,
                    outcome="pass"
                    if check.quarantines and check.outcome == "fail"
                    else check.outcome,
                    observed=check.observed,
                    bound=check.bound,
                    detail=check.rule,
                )
                for check in self.checks
                if check.severity == "error"
            ),
        )
        return Verdict(
            subject=f"contract {self.contract} {self.contract_version}",
            outcome=self.outcome,
            reason=self.reason,
            checks=checks,
        )

    def require_pass(self) -> None:
        """Go on only with data that passed.

        Raises:
            ContractViolated: the outcome is fail.
            DataError: the outcome is error or inconclusive.
        """
        if self.outcome == "pass":
            return
        what = f"Data set {self.dataset} against contract {self.contract_version}: {self.reason}"
        where = self.addresses.get("quarantine", "the quarantine folder")
        if self.outcome == "fail":
            raise ContractViolated(
                what, f"Look at the rows in {where}; correct them at the source."
            )
        raise DataError(what, "Nothing was decided: repair what is named above, then run again.")
