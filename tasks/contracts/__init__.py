"""Every row judged: ODCS contracts, Great Expectations suites made from them, quarantine.

The door is :mod:`tasks.contracts.tasks`; what flows need without Prefect is named here.
"""

from __future__ import annotations

from tasks.contracts.model import Contract
from tasks.contracts.odcs import known_contracts, load_contract
from tasks.contracts.report import ContractReport

__all__ = ["Contract", "ContractReport", "known_contracts", "load_contract"]
