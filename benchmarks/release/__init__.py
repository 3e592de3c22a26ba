"""Releases under kills and faults: see kill_matrix."""
