"""Drift: one small mergeable profile per partition, and an alarm that people believe.

``profile_table`` streams a file into a :class:`Profile`; ``compare`` reads profiles, never rows.
Nothing here but ``store`` and ``tasks`` knows of S3 or Prefect.
"""

from tasks.drift.check import compare
from tasks.drift.grid import ColumnKind, Grid, fit_grid
from tasks.drift.policy import DriftPolicy
from tasks.drift.profile import Profile, merged
from tasks.drift.report import ColumnDrift, DriftReport
from tasks.drift.scan import profile_batches, profile_table

__all__ = [
    "ColumnDrift",
    "ColumnKind",
    "DriftPolicy",
    "DriftReport",
    "Grid",
    "Profile",
    "compare",
    "fit_grid",
    "merged",
    "profile_batches",
    "profile_table",
]
