"""Contracts as they are written: Open Data Contract Standard v3, read whole or refused. Pure."""

from __future__ import annotations

from tasks.contracts.odcs.reader import contract_of, known_contracts, load_contract

__all__ = ["contract_of", "known_contracts", "load_contract"]
