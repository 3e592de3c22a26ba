"""Counts over the whole snapshot: what each batch said, and what it adds up to. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from tasks.contracts.model import Contract
from tasks.contracts.reports.report import EXAMPLES, ContractCheck, Example, UnreadableObject
from tasks.contracts.validation.checks import COLUMNS_THERE, READABLE, RowCheck
from tasks.errors import UnreadableData
from tasks.values import LakeObject, LeftOut, Outcome

NAMED = 20
_DELIMITERS = (";", "\t", "|", ",")
_AROUND = " \t\xa0\u200b\ufeff\"'"


@dataclass
class ValidationCounts:
    """Everything counted so far."""

    checks: Sequence[RowCheck]
    failed: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    errors: dict[str, str] = field(default_factory=dict)
    examples: dict[str, list[Example]] = field(default_factory=dict)
    undecided: dict[str, str] = field(default_factory=dict)
    newest: dict[str, date] = field(default_factory=dict)
    rows_in: int = 0
    rows_good: int = 0
    rows_quarantined: int = 0
    objects_read: int = 0
    unreadable: list[UnreadableObject] = field(default_factory=list)
    unreadable_count: int = 0
    additions: Counter[str] = field(default_factory=Counter)
    lacking: Counter[str] = field(default_factory=Counter)
    beside: tuple[LeftOut, ...] = ()
    empty: list[str] = field(default_factory=list)

    def example(self, check: str, value: str, source: str, row: int) -> None:
        """Keep one failing value, if there is room."""
        kept = self.examples.setdefault(check, [])
        if len(kept) < EXAMPLES:
            kept.append(Example(value=value[:120], source=source, row=row))

    def set_aside(self, item: LakeObject, error: UnreadableData) -> None:
        """Count an object that cannot be read; the report keeps the first hundred by name."""
        self.unreadable_count += 1
        self.unreadable.append(
            UnreadableObject(source=item.key, version_id=item.version_id, why=error.what)
        )

    def add(self, names: Iterable[str]) -> None:
        """Columns of one object that the contract does not know; only so many are named."""
        for name in names:
            if name in self.additions or len(self.additions) < NAMED:
                self.additions[name] += 1


def concluded(
    tally: ValidationCounts, contract: Contract, as_of: date
) -> tuple[tuple[ContractCheck, ...], Outcome, str]:
    """Every check with its outcome, the verdict of the snapshot, and its reason.

    Args:
        tally: The counts.
        contract: Its limits.
        as_of: The day from which freshness is counted.
    """
    checks = tuple(_check(tally, check, contract, as_of) for check in tally.checks)
    outcome, reason = _verdict(tally, checks, contract)
    return checks, outcome, reason


def _check(
    tally: ValidationCounts, check: RowCheck, contract: Contract, end: date
) -> ContractCheck:
    failed, rows = tally.failed[check.id], tally.rows[check.id]
    observed = f"{failed:,} of {rows:,} rows"
    outcome: Outcome = "fail" if failed else "pass"
    bound, detail = ("0" if check.bound is None else str(check.bound)), ""
    if check.id == READABLE:
        failed = tally.failed[READABLE]
        observed = f"{failed:,} of {tally.rows_in:,} rows"
        rows = tally.rows_in
    elif check.phase == "snapshot" and check.bound is not None:
        observed = f"{tally.rows_in:,} rows"
        outcome = "pass" if check.bound.holds(tally.rows_in) else "fail"
    elif check.phase == "snapshot" and contract.freshness is not None:
        return _fresh(tally, check, contract.freshness.days, end)
    elif check.bound is not None:
        percent = check.bound.unit == "percent"
        value = 100 * failed / rows if percent and rows else float(failed)
        observed = f"{value:.3g} %" if percent else f"{failed:,} rows"
        outcome = "pass" if check.bound.holds(value) else "fail"
    if check.id in tally.undecided:
        outcome, detail = "inconclusive", tally.undecided[check.id]
    if check.id in tally.errors:
        outcome, detail = "error", tally.errors[check.id]
    return ContractCheck(
        id=check.id,
        rule=check.rule,
        outcome=outcome,
        severity=check.severity,
        quarantines=check.quarantines or check.id in {READABLE, COLUMNS_THERE},
        failed=failed,
        rows=rows,
        observed=observed,
        bound=bound,
        detail=detail,
        examples=tuple(tally.examples.get(check.id, ())),
    )


def _fresh(tally: ValidationCounts, check: RowCheck, days: float, end: date) -> ContractCheck:
    newest = tally.newest.get(check.columns[0])
    age = None if newest is None else (end - newest).days
    outcome: Outcome = "inconclusive" if age is None else "pass" if age <= days else "fail"
    return ContractCheck(
        id=check.id,
        rule=check.rule,
        outcome=outcome,
        severity=check.severity,
        rows=tally.rows_in,
        observed="no value" if age is None else f"{age} days before {end} ({newest})",
        bound=f"≤ {days:g} days",
    )


def _verdict(
    tally: ValidationCounts, checks: Sequence[ContractCheck], contract: Contract
) -> tuple[Outcome, str]:
    limit = contract.quarantine_limit
    objects = tally.objects_read + tally.unreadable_count
    share = tally.rows_quarantined / tally.rows_in if tally.rows_in else 0.0
    lost = tally.unreadable_count / objects if objects else 0.0
    telling = [check for check in checks if not check.quarantines]
    errors = [check for check in checks if check.outcome == "error"]
    if errors:
        return "error", f"{errors[0].id} could not be checked: {errors[0].detail}"
    floor = contract.quarantine_floor
    if lost > limit and tally.unreadable_count > floor:
        first = tally.unreadable[0]
        return "fail", (
            f"{tally.unreadable_count:,} of {objects:,} objects cannot be read, more than "
            f"{limit:.2%}; the first: {first.why}"
        )
    if not tally.rows_in:
        return "inconclusive", "There is no row to judge."
    if share > limit and tally.rows_quarantined > floor:
        worst = max(checks, key=lambda check: check.failed if check.quarantines else -1)
        return "fail", (
            f"{tally.rows_quarantined:,} of {tally.rows_in:,} rows ({share:.2%}) broke the "
            f"contract, more than {limit:.2%}; most often: {worst.rule} ({worst.failed:,} rows)."
        )
    undecided = [check for check in checks if check.outcome == "inconclusive"]
    failing = [c for c in telling if c.outcome == "fail" and c.severity == "error"]
    if failing:
        return "fail", _reasons(failing)
    open_questions = [c for c in undecided if c.severity == "error"]
    if open_questions:
        return "inconclusive", _reasons(open_questions)
    if not tally.rows_good:
        return "fail", "No good row is left."
    return "pass", (
        f"{tally.rows_good:,} of {tally.rows_in:,} rows passed {len(checks)} checks; "
        f"{tally.rows_quarantined:,} quarantined ({share:.2%}, limit {limit:.2%})."
    )


def _reasons(checks: Sequence[ContractCheck]) -> str:
    sentences = (
        f"{check.rule}: {check.detail or check.observed} (bound {check.bound})"
        for check in checks[:5]
    )
    return f"{'; '.join(sentences)}."


def notices(tally: ValidationCounts, contract: Contract) -> tuple[str, ...]:
    """What changed in the shape of the data without breaking the contract, and what broke it."""
    objects = tally.objects_read
    sentences = [
        f"Column {ascii(name)[1:-1]:.80} is new in {count:,} of {objects:,} objects; "
        f"contract {contract.version} does not know it, and it was not carried on."
        f"{_likely(name, contract)}"
        for name, count in sorted(tally.additions.items())
    ]
    sentences += [
        f"Required column {name} is missing in {count:,} of {objects:,} objects."
        for name, count in sorted(tally.lacking.items())
    ]
    sentences += [
        f"{item.count:,} objects are no data ({item.rule}) and were not read, for example "
        f"{ascii(item.example[:200])[1:-1]}."
        for item in tally.beside
    ]
    if tally.empty:
        sentences.append(
            f"{len(tally.empty):,} of {objects:,} objects hold no row, for example "
            f"{ascii(tally.empty[0][:200])[1:-1]}."
        )
    return tuple(sentences)


def _likely(name: str, contract: Contract) -> str:
    """What an unknown column was probably meant to be, and what to do; or ""."""
    known = contract.top_level
    for sign in _DELIMITERS if contract.format == "csv" else ():
        if any(part.strip(_AROUND) in known for part in name.split(sign)[:NAMED] if part != name):
            return (
                f" Its name looks like a whole header that is parted by {sign!a}: let "
                f"servers.delimiter say so."
            )
    meant = {column.casefold(): column for column in sorted(known)}
    column = meant.get(name.strip(_AROUND).casefold(), "")
    if not column:
        return ""
    return (
        f" But for blanks, quotes or case it is {ascii(column)[1:-1]:.80}: correct the header, or "
        f"write physicalName: {name!a:.80} in the contract."
    )


def newest_of(values: Mapping[str, object]) -> dict[str, date]:
    """Latest day per column, from Arrow's maxima."""
    days: dict[str, date] = {}
    for name, value in values.items():
        if isinstance(value, datetime):
            days[name] = value.date()
        elif isinstance(value, date):
            days[name] = value
    return days
