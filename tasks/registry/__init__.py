"""The registry: immutable bundles, the pointer, the history of candidates, the archive, the CDN.

Layout of the bucket::

    <model>/v<YYYYmmdd_HHMMSS>/…             bundle; manifest.json is its commit point
    <model>/latest.json                      pointer
    _claims/<model>/<version>.json           which candidate owns a version
    _ledger/<model>/<identity>.json          the history of a candidate
    _releases/<model>/…                      journals (written by tasks.release)
"""

from tasks.registry.candidate import CandidateHistory, CandidateStatus, StatusChange
from tasks.registry.registry import Registry
from tasks.registry.retention import RetentionPlan, RetentionPolicy

__all__ = [
    "CandidateHistory",
    "CandidateStatus",
    "Registry",
    "RetentionPlan",
    "RetentionPolicy",
    "StatusChange",
]
