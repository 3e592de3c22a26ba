"""``<model>/experiment.json``: what clients read, and which versions it needs.

Light, so that a release can ask without the statistics.
"""

from __future__ import annotations

from tasks import objects, stored
from tasks.errors import ExperimentError
from tasks.experiments.plan import Assignment


def public_key(model: str) -> str:
    """Key of what clients read."""
    return f"{model}/experiment.json"


def public(bucket: str, model: str) -> Assignment | None:
    """What clients read, or None before the first experiment."""
    found = objects.read(bucket, public_key(model))
    return None if found is None else parsed(bucket, model, found.body)


def parsed(bucket: str, model: str, body: bytes) -> Assignment:
    """What clients read, from its bytes.

    Raises:
        ExperimentError: it does not parse.
    """
    return stored.parsed(Assignment, body, f"s3://{bucket}/{public_key(model)}", ExperimentError)


def taking_part(bucket: str, model: str) -> frozenset[str]:
    """Versions that must stay at hand: both arms until it is concluded, then the winner.

    Raises:
        ExperimentError: what clients read does not parse.
    """
    assignment = public(bucket, model)
    if assignment is None:
        return frozenset()
    if assignment.state == "running":
        return frozenset({assignment.control, assignment.treatment})
    return frozenset({assignment.winner} if assignment.winner else ())
