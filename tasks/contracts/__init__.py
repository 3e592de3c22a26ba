"""Every row judged: ODCS contracts, Great Expectations suites made from them, quarantine.

The door is :mod:`tasks.contracts.tasks`; what flows need without Prefect is named here.

The rooms: ``odcs`` (a contract as it is written), ``moments`` (dates and times as text),
``validation`` (raw bytes become good rows and quarantine), ``curation`` (versions become records,
and training data), ``reports`` (what people read). ``model`` is the contract as values; ``store``
and ``versions`` keep in S3 what was judged, and by what.
"""

from __future__ import annotations

from tasks.contracts.model import Contract
from tasks.contracts.odcs import known_contracts, load_contract
from tasks.contracts.reports.report import ContractReport

__all__ = ["Contract", "ContractReport", "known_contracts", "load_contract"]
