"""Every row judged: from raw bytes to good rows, and the others with their reasons. Pure."""

from __future__ import annotations

from tasks.contracts.validation.snapshot import validate_snapshot

__all__ = ["validate_snapshot"]
