"""ECS tasks that name their memory for all their containers together, as on Fargate."""

from __future__ import annotations

import copy
from typing import Any

_MEMORY = ("memory", "memoryReservation", "Memory", "MemoryReservation")
_TAUGHT = "without_container_memory"


def teach_fargate() -> None:
    """Let moto's ECS run tasks whose containers name no memory. Safe to repeat."""
    from moto.ecs.models import EC2ContainerServiceBackend as Backend

    # moto adds up what the containers ask for, and fails on one that leaves it to its task.
    whole = Backend._calculate_task_resource_requirements  # noqa: SLF001
    if hasattr(whole, _TAUGHT):
        return

    def required(task_definition: Any) -> dict[str, Any]:
        definition = copy.copy(task_definition)
        definition.container_definitions = [
            container if any(name in container for name in _MEMORY) else {**container, "memory": 0}
            for container in task_definition.container_definitions
        ]
        requirements: dict[str, Any] = whole(definition)
        return requirements

    setattr(required, _TAUGHT, True)
    name = whole.__name__
    setattr(Backend, name, staticmethod(required))
