"""What a person asked a draft to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Asked:
    """What a person asked for.

    Args:
        name: Of the model and its folder.
        kind: The input.
        task: What is predicted; "" until it is chosen.
        backend: What learns; "" until it is chosen.
        dataset: Name of the data set and of its contract.
        label: Column to predict.
        owner: Who answers for it.
        description: What it is for.
        features: Treatment, or role, by column.
    """

    name: str
    kind: str
    task: str
    backend: str
    dataset: str
    label: str
    owner: str
    description: str
    features: Mapping[str, str] = field(default_factory=dict)
