"""What a contract says of when data come and how long they stay: told, never a verdict. Pure.

Freshness is a check of its own (it can stop a run); a gap in the past or an object that should be
gone by now says nothing against the rows that are there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

from tasks.contracts.model import Contract
from tasks.contracts.odcs.levels import untold_levels
from tasks.values import Snapshot

SHOWN = 3
OVER = frozenset({"deprecated", "retired"})


def service_notices(contract: Contract, snapshot: Snapshot, as_of: date) -> tuple[str, ...]:
    """Where the snapshot leaves the contract's frequency and retention.

    Args:
        contract: Its service levels.
        snapshot: The objects, by day.
        as_of: The day from which age is counted.
    """
    notices = [untold_levels(contract.untold)] if contract.untold else []
    if contract.status in OVER:
        notices.append(f"The contract is {contract.status}: whoever reads on should know its heir.")
    return (*_gaps(contract, snapshot), *_too_old(contract, snapshot, as_of), *notices)


def _gaps(contract: Contract, snapshot: Snapshot) -> Iterator[str]:
    most = contract.frequency_days
    if most is None:
        return
    days = sorted({item.day for item in snapshot.objects})
    gaps = [(after - before, before) for before, after in pairwise(days)]
    wide = sorted((gap for gap in gaps if gap[0].days > max(most, 1)), reverse=True)
    if wide:
        shown = ", ".join(f"{gap.days} days after {before}" for gap, before in wide[:SHOWN])
        yield (
            f"Data should come every {most:g} days; {len(wide):,} times they did not, the longest: "
            f"{shown}."
        )


def _too_old(contract: Contract, snapshot: Snapshot, as_of: date) -> Iterator[str]:
    keep = contract.retention_days
    if keep is None:
        return
    limit = as_of - timedelta(days=min(keep, 366 * 500))
    old = sorted(item.day for item in snapshot.objects if item.day < limit)
    if old:
        yield (
            f"{len(old):,} of {len(snapshot.objects):,} objects are older than the {keep:g} days "
            f"for which the contract keeps data, the oldest of {old[0]}: remove them from the lake."
        )
