"""Sluice on one machine: the embedded AWS, a Prefect server and a worker."""
