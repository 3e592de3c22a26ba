"""A short trial of a candidate's own serving program."""
