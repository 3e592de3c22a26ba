"""The registry: immutable bundles, the pointer, the ledger, the archive, the CDN.

Layout of the bucket::

    <model>/v<YYYYmmdd_HHMMSS>/…             bundle; manifest.json is its commit point
    <model>/latest.json                      pointer
    _claims/<model>/<version>.json           which candidate owns a version
    _ledger/<model>/<identity>.json          what became of a candidate
    _releases/<model>/…                      journals (written by tasks.release)
"""

from tasks.registry.ledger import Fate, LedgerEntry, LedgerRecord
from tasks.registry.registry import Registry
from tasks.registry.retention import RetentionPlan, RetentionPolicy

__all__ = ["Fate", "LedgerEntry", "LedgerRecord", "Registry", "RetentionPlan", "RetentionPolicy"]
