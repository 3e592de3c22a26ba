"""Drift: one small mergeable profile per partition, and an alarm that people believe.

``profile_table`` streams a file into a :class:`Profile`; ``compare`` reads profiles, never rows.

The rooms: ``profiles`` (what is kept of rows), ``comparison`` (two-sample tests and effect sizes),
``quality`` (the champion's error), ``alarms`` (what follows), ``reports`` (what people read). The
ways in stand beside them: ``grid`` and ``scan`` (rows become a profile), ``check`` (profiles become
a report), ``history`` (days become periods), ``scoring`` (rows become residuals).
"""

from tasks.drift.check import compare
from tasks.drift.grid import fit_grid
from tasks.drift.policy import DriftPolicy
from tasks.drift.profiles.grid import ColumnKind, Grid
from tasks.drift.profiles.profile import Profile, merged
from tasks.drift.reports.report import ColumnDrift, DriftReport
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
