"""Profiles: what is kept of rows so that they need not be read again, and where it is kept."""
