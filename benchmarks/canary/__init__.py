"""Simulated releases under the judge and under its peers."""
