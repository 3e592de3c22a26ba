"""Which data sets are curated. Pure."""

from __future__ import annotations

from pathlib import Path

from tasks.contracts.model import Contract
from tasks.contracts.odcs import known_contracts, load_contract
from tasks.errors import ConfigurationError


def curated_contracts(folder: Path) -> tuple[dict[str, Contract], dict[str, str]]:
    """Contracts of the data sets whose records change (those that say a recordKey).

    Returns:
        By data set; and what is wrong with each file that does not parse. Nobody can tell whether
        its records change, so it is named wherever a choice is offered, and stops only its users.
    """
    good: dict[str, Contract] = {}
    broken: dict[str, str] = {}
    for name in known_contracts(folder):
        try:
            contract = load_contract(name, folder)
        except ConfigurationError as error:
            broken[name] = str(error)
            continue
        if contract.key:
            good[name] = contract
    return good, broken
